//! Golden vectors: a few texts with the f32 figures and the pack's own.
//!
//! The f32 figures come from an f32 pack run by our own kernels, not from candle: candle's last bits differ from one machine to
//! the next, and the golden vectors are part of the pack, whose digest must not. That the f32 pack follows candle is proved each
//! time they are made.
//!
//! The texts are our own: a pack is inside every binary, and what a suite's users have asked must not be.

use super::engines::PackEngine;
use crate::diagnostic::Diagnostic;
use crate::eval::{self, Engine, FAILED, Text};
use crate::metrics::cosine;
use modeldeploy_format::golden::Golden;
use modeldeploy_format::{Signature, Task};

/// The least cosine of an f32 pack's output to candle's.
const LEAST: f64 = 0.999_99;

/// The texts of models that read one.
const TEXTS: [&str; 4] = [
    "wireless headphones",
    "手机",
    "A longer sentence, with punctuation: does it come back to the bit?",
    "Stainless steel frying pan, 28 cm",
];

/// The texts of models that read two.
const PAIRS: [[&str; 2]; 3] = [
    ["wireless headphones", "Over-ear Bluetooth headphones with noise cancelling"],
    ["手机", "Stainless steel frying pan, 28 cm"],
    ["How long does the battery last?", "手机 6.1 英寸, with a battery for two days"],
];

/// The texts for a model, with the prompt that a service puts before them.
pub(super) fn texts(signature: &Signature) -> Vec<Text> {
    match signature.task {
        Task::Score => {
            PAIRS.map(|[text, pair]| Text { text: text.to_owned(), pair: Some(pair.to_owned()) }).into_iter().collect()
        }
        Task::Embed => with_prompt(eval::default_prompt(signature)),
        _ => with_prompt(""),
    }
}

fn with_prompt(prompt: &str) -> Vec<Text> {
    TEXTS.iter().map(|text| Text { text: format!("{prompt}{text}"), pair: None }).collect()
}

/// The golden vectors of a pack. `exact` is the same model's f32 pack, `candle` the reference.
pub(super) fn make(
    texts: &[Text],
    candle: &dyn Engine,
    exact: &PackEngine<'_>,
    pack: &PackEngine<'_>,
) -> Result<Vec<Golden>, Diagnostic> {
    let (trusted, reference, got) = (candle.run(texts)?, exact.run(texts)?, pack.run(texts)?);
    for (text, (trusted, reference)) in texts.iter().zip(trusted.iter().zip(&reference)) {
        let agrees = match (trusted.as_slice(), reference.as_slice()) {
            ([trusted], [reference]) => (trusted - reference).abs() <= 1e-3 * trusted.abs().max(1.0),
            (trusted, reference) => cosine(trusted, reference) >= LEAST,
        };
        if !agrees {
            return Err(Diagnostic::new(FAILED, "the f32 kernels give something else than the f32 reference")
                .at(format!("text {:?}", text.to_string()))
                .help("this is a defect of modeldeploy: please report it with the model's name"));
        }
    }
    let goldens = texts.iter().zip(reference.into_iter().zip(got));
    Ok(goldens
        .map(|(text, (reference, got))| Golden { text: text.text.clone(), pair: text.pair.clone(), reference, got })
        .collect())
}

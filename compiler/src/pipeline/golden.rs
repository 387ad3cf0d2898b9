//! Golden vectors: a few texts with the f32 figures and the pack's own.
//!
//! The f32 figures come from an f32 pack run by our own kernels, not from candle: candle's last bits differ from one machine to
//! the next, and the golden vectors are part of the pack, whose digest must not. That the f32 pack follows candle is proved each
//! time they are made.

use super::engines::PackEngine;
use crate::diagnostic::Diagnostic;
use crate::eval::{Engine, FAILED, Text};
use crate::metrics::cosine;
use crate::suite::Suite;
use modeldeploy_format::golden::Golden;
use modeldeploy_format::{Signature, Task};

/// How many texts of a suite become golden.
const COUNT: usize = 4;

/// The least cosine of an f32 pack's output to candle's.
const LEAST: f64 = 0.999_99;

/// The texts: some of the suite's where there is one, with the prompt that a service puts before them.
pub(super) fn texts(suite: Option<&Suite>, signature: &Signature) -> Vec<Text> {
    let pairs = signature.task == Task::Score;
    let chosen = match suite {
        Some(suite) => suite.samples(COUNT, pairs),
        None if pairs => vec![
            ("wireless headphones".into(), Some("Over-ear Bluetooth headphones with noise cancelling".into())),
            ("手机".into(), Some("Stainless steel frying pan, 28 cm".into())),
        ],
        None => vec![
            ("wireless headphones".into(), None),
            ("手机".into(), None),
            ("A longer sentence, with punctuation: does it come back to the bit?".into(), None),
        ],
    };
    let name = signature.default_prompt.as_deref();
    let prompt = signature.prompts.iter().find(|(known, _)| Some(known.as_str()) == name).map_or("", |(_, text)| text);
    chosen.into_iter().map(|(text, pair)| Text { text: format!("{prompt}{text}"), pair }).collect()
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

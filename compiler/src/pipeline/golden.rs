//! Golden vectors: a few texts with the f32 figures and the pack's own.
//!
//! The f32 figures come from an f32 pack run by our own kernels, not from candle: candle's last bits differ from one machine to
//! the next, and the golden vectors are part of the pack, whose digest must not. That the f32 pack follows candle is proved each
//! time they are made.
//!
//! The texts are our own: a pack is inside every binary, and what a suite's users have asked must not be.

use crate::diagnostic::Diagnostic;
use crate::eval::{self, Engine, FAILED, Text};
use crate::metrics::cosine;
use modeldeploy_format::golden::Golden;
use modeldeploy_format::{Signature, Task};

/// The least cosine of an f32 pack's output to candle's.
const LEAST: f64 = 0.999_99;

/// What to do about a model that is wrong before anything is done to it.
const WEIGHTS: &str = "look at the checkpoint: a weight is not finite, or so large that sums of it are not";

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
///
/// # Errors
///
/// If an output is not finite, or the f32 pack gives something else than the reference.
pub(super) fn make(
    texts: &[Text],
    candle: &dyn Engine,
    exact: &dyn Engine,
    pack: &dyn Engine,
) -> Result<Vec<Golden>, Diagnostic> {
    let trusted = finite(texts, candle.run(texts)?, "the model's f32 output", WEIGHTS)?;
    let reference = finite(texts, exact.run(texts)?, "the f32 pack's output", WEIGHTS)?;
    let got = finite(texts, pack.run(texts)?, "the pack's output", "try `quantize = \"bf16\"` or `\"f32\"`")?;
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

/// The outputs, if all of them are numbers: nothing can be compared with what is not.
fn finite(texts: &[Text], outputs: Vec<Vec<f32>>, whose: &str, help: &str) -> Result<Vec<Vec<f32>>, Diagnostic> {
    let wrong = |output: &Vec<f32>| output.iter().position(|value| !value.is_finite());
    match texts.iter().zip(&outputs).find_map(|(text, output)| Some((text, wrong(output)?, output))) {
        None => Ok(outputs),
        Some((text, at, output)) => Err(Diagnostic::new(
            FAILED,
            format!("{whose} is not finite: value {at} of {} is {}", output.len(), output[at]),
        )
        .at(format!("text {:?}", text.to_string()))
        .help(help)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An engine with one answer.
    struct Says([f32; 2]);

    impl Engine for Says {
        fn run(&self, texts: &[Text]) -> Result<Vec<Vec<f32>>, Diagnostic> {
            Ok(texts.iter().map(|_| self.0.to_vec()).collect())
        }
    }

    #[test]
    fn what_is_not_finite_is_no_golden_vector() {
        let texts = with_prompt("");
        let good = Says([0.6, 0.8]);
        assert_eq!(make(&texts, &good, &good, &Says([0.8, 0.6])).map(|goldens| goldens.len()), Ok(TEXTS.len()));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let bad = Says([0.6, bad]);
            for (engines, said) in [
                ([&bad, &good, &good], "the model's f32 output is not finite: value 1 of 2 is "),
                ([&good, &bad, &good], "the f32 pack's output is not finite: value 1 of 2 is "),
                ([&good, &good, &bad], "the pack's output is not finite: value 1 of 2 is "),
            ] {
                let error = make(&texts, engines[0], engines[1], engines[2]).expect_err(said).to_string();
                assert!(error.contains(said) && error.contains("wireless headphones"), "{error}");
            }
        }
    }

    #[test]
    fn f32_kernels_that_do_not_follow_the_reference_are_refused() {
        let (candle, exact) = (Says([0.6, 0.8]), Says([0.8, 0.6]));
        let error = make(&with_prompt(""), &candle, &exact, &candle).expect_err("other figures").to_string();
        assert!(error.contains("the f32 kernels give something else"), "{error}");
    }
}

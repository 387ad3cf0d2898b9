//! What the model is shown while it is compressed.

use crate::diagnostic::{Code, Diagnostic};

/// A compression that has to measure was given nothing to measure on.
pub const NO_SAMPLES: Code = Code("MD0505");

/// A text as the model takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The ids of its tokens, special tokens included.
    pub ids: Vec<u32>,
    /// Which text of a pair each token belongs to; as many as there are ids.
    pub types: Vec<u32>,
}

/// The texts that a model is calibrated on where its recipe's user names none: titles, queries, questions and sentences of many
/// domains, most of them English, written for this project.
pub fn calibration_texts() -> impl ExactSizeIterator<Item = &'static str> {
    include_str!("calibration.txt").lines().collect::<Vec<_>>().into_iter()
}

/// The samples that have tokens, and an error where there are none.
pub(super) fn usable(samples: &[Sample]) -> Result<Vec<&Sample>, Diagnostic> {
    let usable: Vec<&Sample> = samples.iter().filter(|sample| !sample.ids.is_empty()).collect();
    if usable.is_empty() {
        return Err(Diagnostic::new(NO_SAMPLES, "there are no texts to calibrate on")
            .help("name a file with some hundred texts such as the model will meet, or leave `calibration` out"));
    }
    Ok(usable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_texts_are_many_short_and_different() {
        let texts: BTreeSet<&str> = calibration_texts().collect();
        assert_eq!(texts.len(), calibration_texts().len());
        assert!(texts.len() >= 200);
        assert!(texts.iter().all(|text| !text.trim().is_empty() && text.chars().count() < 300));
        assert!(texts.iter().filter(|text| text.is_ascii()).count() > 150, "most are English");
    }
}

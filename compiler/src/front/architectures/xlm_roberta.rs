//! XLM-RoBERTa (Conneau et al. 2020): RoBERTa's code, with a vocabulary of many languages.

use super::{Architecture, roberta};

pub(super) static ARCHITECTURE: Architecture = Architecture {
    model_type: "xlm-roberta",
    // The library keeps RoBERTa's name for the encoder.
    prefix: "roberta.",
    dimensions: roberta::dimensions,
    encode: roberta::encode,
    head: roberta::head,
    may_stay: roberta::MAY_STAY,
};

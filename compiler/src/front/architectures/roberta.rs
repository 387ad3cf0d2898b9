//! RoBERTa (Liu et al. 2019): `transformers.RobertaModel` and `RobertaForSequenceClassification`.
//!
//! BERT's layers; positions begin after the padding token's id, and the library passes no token types.

use super::embeddings::{self, Types};
use super::{Architecture, Dimensions, Emitter, Tensors, Value, bert};
use crate::front::config::{most, usual_dimensions};
use crate::front::json::Keys;
use crate::ops::Activation;

pub(super) static ARCHITECTURE: Architecture =
    Architecture { model_type: "roberta", prefix: "roberta.", dimensions, encode, head, may_stay: MAY_STAY };

pub(super) const MAY_STAY: &[&str] = &["pooler.", "lm_head.", "classifier.", "qa_outputs."];

pub(super) fn dimensions(keys: &mut Keys<'_>) -> Dimensions {
    let padding = keys.count_or("pad_token_id", 1, 0..=most::VOCABULARY);
    Dimensions { first_position: padding + 1, ..usual_dimensions(keys) }
}

pub(super) fn encode(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions) -> Value {
    let rows = embeddings::emit(emit, tensors, size, Types::First);
    bert::layers(emit, tensors, size, rows)
}

/// Two layers over the first row, which MPNet has alike.
pub(super) fn head(
    emit: &mut Emitter,
    tensors: &mut Tensors<'_>,
    size: &Dimensions,
    rows: Value,
    labels: usize,
) -> Value {
    let first = emit.first_row(rows, size.hidden, "classifier");
    let inner = emit.outer_linear(tensors, "classifier.dense", first, [size.hidden, size.hidden]);
    let inner = emit.activation(Activation::Tanh, inner, "classifier");
    emit.outer_linear(tensors, "classifier.out_proj", inner, [labels, size.hidden])
}

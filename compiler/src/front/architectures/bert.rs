//! BERT (Devlin et al. 2019): `transformers.BertModel` and `BertForSequenceClassification`.

use super::embeddings::{self, Types};
use super::{Architecture, Dimensions, Emitter, Tensors, Value};
use crate::front::config::usual_dimensions;
use crate::ops::{Activation, Add};

pub(super) static ARCHITECTURE: Architecture = Architecture {
    model_type: "bert",
    prefix: "bert.",
    dimensions: usual_dimensions,
    encode,
    head,
    may_stay: &["pooler.", "cls.", "classifier.", "qa_outputs."],
};

fn encode(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions) -> Value {
    let rows = embeddings::emit(emit, tensors, size, Types::Given);
    layers(emit, tensors, size, rows)
}

/// The layers, which RoBERTa and XLM-RoBERTa have alike.
pub(super) fn layers(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions, mut rows: Value) -> Value {
    let square = [size.hidden, size.hidden];
    for layer in 0..size.layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let qkv = ["query", "key", "value"]
            .map(|part| emit.linear(tensors, &name(&format!("attention.self.{part}")), rows, square));
        let mixed = emit.attention(&name("attention.self"), qkv, size.heads, size.hidden, None);
        let out = emit.linear(tensors, &name("attention.output.dense"), mixed, square);
        let sum = emit.op(Add, &[out, rows], &name("attention.output"));
        rows = emit.layer_norm(tensors, &name("attention.output.LayerNorm"), sum, size.hidden, size.epsilon);
        let inner = emit.linear(tensors, &name("intermediate.dense"), rows, [size.inner, size.hidden]);
        let inner = emit.activation(size.activation, inner, &name("intermediate"));
        let out = emit.linear(tensors, &name("output.dense"), inner, [size.hidden, size.inner]);
        let sum = emit.op(Add, &[out, rows], &name("output"));
        rows = emit.layer_norm(tensors, &name("output.LayerNorm"), sum, size.hidden, size.epsilon);
    }
    rows
}

/// The pooler, then one layer.
fn head(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions, rows: Value, labels: usize) -> Value {
    let first = emit.first_row(rows, size.hidden, "pooler");
    let pooled = emit.linear(tensors, "pooler.dense", first, [size.hidden, size.hidden]);
    let pooled = emit.activation(Activation::Tanh, pooled, "pooler");
    emit.outer_linear(tensors, "classifier", pooled, [labels, size.hidden])
}

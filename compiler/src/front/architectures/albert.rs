//! ALBERT (Lan et al. 2020): `transformers.AlbertModel` and `AlbertForSequenceClassification`.
//!
//! Narrow tables widened by a linear layer, and layers that share their weights in groups.

use super::embeddings::{self, Types};
use super::{Architecture, Dimensions, Emitter, Tensors, Value};
use crate::front::config::{most, usual_dimensions};
use crate::front::json::Keys;
use crate::ops::{Activation, Add};

pub(super) static ARCHITECTURE: Architecture = Architecture {
    model_type: "albert",
    prefix: "albert.",
    dimensions,
    encode,
    head,
    may_stay: &["pooler.", "predictions.", "sop_classifier.", "classifier.", "qa_outputs."],
};

fn dimensions(keys: &mut Keys<'_>) -> Dimensions {
    let usual = usual_dimensions(keys);
    // The library's default is another one than BERT's.
    let activation = if keys.get("hidden_act").is_some() { usual.activation } else { Activation::GeluTanh };
    Dimensions {
        embedding: keys.count_or("embedding_size", 128, 1..=most::WIDTH),
        groups: keys.count_or("num_hidden_groups", 1, 1..=most::LAYERS),
        group_layers: keys.count_or("inner_group_num", 1, 1..=16),
        activation,
        ..usual
    }
}

fn encode(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions) -> Value {
    let square = [size.hidden, size.hidden];
    let narrow = embeddings::emit(emit, tensors, size, Types::Given);
    let wide = [size.hidden, size.embedding];
    let mut rows = emit.linear(tensors, "encoder.embedding_hidden_mapping_in", narrow, wide);
    for step in 0..size.layers * size.group_layers {
        // The same tensors are taken again, once for each layer that shares them.
        let (layer, inner) = (step / size.group_layers, step % size.group_layers);
        let group = layer * size.groups / size.layers;
        let name = |part: &str| format!("encoder.albert_layer_groups.{group}.albert_layers.{inner}.{part}");
        let qkv = ["query", "key", "value"]
            .map(|part| emit.linear(tensors, &name(&format!("attention.{part}")), rows, square));
        let mixed = emit.attention(&name("attention"), qkv, size.heads, size.hidden, None);
        let out = emit.linear(tensors, &name("attention.dense"), mixed, square);
        let sum = emit.op(Add, &[out, rows], &name("attention"));
        rows = emit.layer_norm(tensors, &name("attention.LayerNorm"), sum, size.hidden, size.epsilon);
        let inner = emit.linear(tensors, &name("ffn"), rows, [size.inner, size.hidden]);
        let inner = emit.activation(size.activation, inner, &name("ffn"));
        let out = emit.linear(tensors, &name("ffn_output"), inner, [size.hidden, size.inner]);
        let sum = emit.op(Add, &[out, rows], &name("ffn_output"));
        rows = emit.layer_norm(tensors, &name("full_layer_layer_norm"), sum, size.hidden, size.epsilon);
    }
    rows
}

/// The pooler, which is one layer without a name of its own, then one layer.
fn head(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions, rows: Value, labels: usize) -> Value {
    let first = emit.first_row(rows, size.hidden, "pooler");
    let pooled = emit.linear(tensors, "pooler", first, [size.hidden, size.hidden]);
    let pooled = emit.activation(Activation::Tanh, pooled, "pooler");
    emit.outer_linear(tensors, "classifier", pooled, [labels, size.hidden])
}

//! DistilBERT (Sanh et al. 2019): `transformers.DistilBertModel` and `DistilBertForSequenceClassification`.
//!
//! BERT without token types and pooler, under its own names of keys and tensors.

use super::embeddings::{self, Types};
use super::{Architecture, Dimensions, Emitter, Tensors, Value};
use crate::front::activation;
use crate::front::config::most;
use crate::front::json::Keys;
use crate::ops::{Activation, Add};

pub(super) static ARCHITECTURE: Architecture = Architecture {
    model_type: "distilbert",
    prefix: "distilbert.",
    dimensions,
    encode,
    head,
    may_stay: &[
        "vocab_transform.",
        "vocab_layer_norm.",
        "vocab_projector.",
        "pre_classifier.",
        "classifier.",
        "qa_outputs.",
    ],
};

fn dimensions(keys: &mut Keys<'_>) -> Dimensions {
    let hidden = keys.count("dim", 1..=most::WIDTH);
    Dimensions {
        vocabulary: keys.count("vocab_size", 1..=most::VOCABULARY),
        positions: keys.count("max_position_embeddings", 1..=most::POSITIONS),
        first_position: 0,
        types: 1,
        embedding: hidden,
        hidden,
        layers: keys.count("n_layers", 1..=most::LAYERS),
        heads: keys.count("n_heads", 1..=most::WIDTH),
        inner: keys.count("hidden_dim", 1..=most::WIDTH),
        activation: activation::of_config(keys, "activation", Activation::Gelu),
        // Not in the configuration: the library's code has it.
        epsilon: 1e-12,
        groups: 1,
        group_layers: 1,
    }
}

fn encode(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions) -> Value {
    let square = [size.hidden, size.hidden];
    let mut rows = embeddings::emit(emit, tensors, size, Types::Absent);
    for layer in 0..size.layers {
        let name = |part: &str| format!("transformer.layer.{layer}.{part}");
        let qkv = ["q_lin", "k_lin", "v_lin"]
            .map(|part| emit.linear(tensors, &name(&format!("attention.{part}")), rows, square));
        let mixed = emit.attention(&name("attention"), qkv, size.heads, size.hidden, None);
        let out = emit.linear(tensors, &name("attention.out_lin"), mixed, square);
        let sum = emit.op(Add, &[out, rows], &name("attention"));
        rows = emit.layer_norm(tensors, &name("sa_layer_norm"), sum, size.hidden, size.epsilon);
        let inner = emit.linear(tensors, &name("ffn.lin1"), rows, [size.inner, size.hidden]);
        let inner = emit.activation(size.activation, inner, &name("ffn"));
        let out = emit.linear(tensors, &name("ffn.lin2"), inner, [size.hidden, size.inner]);
        let sum = emit.op(Add, &[out, rows], &name("ffn"));
        rows = emit.layer_norm(tensors, &name("output_layer_norm"), sum, size.hidden, size.epsilon);
    }
    rows
}

fn head(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions, rows: Value, labels: usize) -> Value {
    let first = emit.first_row(rows, size.hidden, "pre_classifier");
    let inner = emit.outer_linear(tensors, "pre_classifier", first, [size.hidden, size.hidden]);
    let inner = emit.activation(Activation::Relu, inner, "pre_classifier");
    emit.outer_linear(tensors, "classifier", inner, [labels, size.hidden])
}

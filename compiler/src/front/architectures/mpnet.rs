//! MPNet (Song et al. 2020): `transformers.MPNetModel` and `MPNetForSequenceClassification`.
//!
//! BERT without token types, with RoBERTa's positions, and a bias on all layers' scores by the distance of two tokens.

use super::embeddings::{self, Types};
use super::{Architecture, Dimensions, Emitter, Tensors, Value, roberta};
use crate::front::codes;
use crate::front::config::{most, usual_dimensions};
use crate::front::json::Keys;
use crate::ops::{Add, RelativeBias};

pub(super) static ARCHITECTURE: Architecture = Architecture {
    model_type: "mpnet",
    prefix: "mpnet.",
    dimensions,
    encode,
    head: roberta::head,
    may_stay: &["pooler.", "lm_head.", "classifier.", "qa_outputs."],
};

/// The library's code computes with these, whatever the configuration says.
const BUCKETS: usize = 32;
const MAX_DISTANCE: u32 = 128;
const PADDING: usize = 1;

fn dimensions(keys: &mut Keys<'_>) -> Dimensions {
    let buckets = keys.count_or("relative_attention_num_buckets", BUCKETS, 1..=most::WIDTH);
    if buckets != BUCKETS {
        let message = format!("{buckets} buckets of distances are not supported");
        let help = format!("use a model with {BUCKETS}: the library computes with no other number");
        keys.error(codes::UNSUPPORTED_SETTING, "relative_attention_num_buckets", message, help);
    }
    Dimensions { first_position: PADDING + 1, ..usual_dimensions(keys) }
}

fn encode(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions) -> Value {
    let square = [size.hidden, size.hidden];
    let mut rows = embeddings::emit(emit, tensors, size, Types::Absent);
    let table = emit.weight(tensors, "encoder.relative_attention_bias.weight", &[BUCKETS, size.heads]);
    let bias = emit.op(RelativeBias { max_distance: MAX_DISTANCE }, &[table], "encoder.relative_attention_bias");
    for layer in 0..size.layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let qkv =
            ["q", "k", "v"].map(|part| emit.linear(tensors, &name(&format!("attention.attn.{part}")), rows, square));
        let mixed = emit.attention(&name("attention.attn"), qkv, size.heads, size.hidden, Some(bias));
        let out = emit.linear(tensors, &name("attention.attn.o"), mixed, square);
        let sum = emit.op(Add, &[out, rows], &name("attention"));
        rows = emit.layer_norm(tensors, &name("attention.LayerNorm"), sum, size.hidden, size.epsilon);
        let inner = emit.linear(tensors, &name("intermediate.dense"), rows, [size.inner, size.hidden]);
        let inner = emit.activation(size.activation, inner, &name("intermediate"));
        let out = emit.linear(tensors, &name("output.dense"), inner, [size.hidden, size.inner]);
        let sum = emit.op(Add, &[out, rows], &name("output"));
        rows = emit.layer_norm(tensors, &name("output.LayerNorm"), sum, size.hidden, size.epsilon);
    }
    rows
}

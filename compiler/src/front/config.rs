//! `config.json`: which architecture, how large, and what its head says.

use super::architectures::{ARCHITECTURES, Architecture};
use super::json::{self, Keys};
use super::{activation, codes};
use crate::diagnostic::Diagnostic;
use modeldeploy_format::program::Activation;
use serde_json::{Map, Value};

/// Bounds of what is read, far over any encoder there is: they keep hostile numbers from costing time or memory.
pub(super) mod most {
    pub(in crate::front) const VOCABULARY: usize = 1 << 24;
    pub(in crate::front) const WIDTH: usize = 1 << 16;
    pub(in crate::front) const LAYERS: usize = 512;
    pub(in crate::front) const POSITIONS: usize = 1 << 20;
    pub(in crate::front) const LABELS: usize = 1 << 16;
}

/// What a `config.json` says.
#[derive(Debug)]
pub struct Config {
    pub(super) architecture: &'static Architecture,
    pub(super) size: Dimensions,
    pub(super) head: Head,
    /// The class that wrote the checkpoint, such as `BertForSequenceClassification`.
    pub(super) class: Option<String>,
}

/// The sizes and settings of an encoder.
#[derive(Clone, Debug)]
pub(super) struct Dimensions {
    /// Rows of the table of tokens.
    pub(super) vocabulary: usize,
    /// Rows of the table of positions.
    pub(super) positions: usize,
    /// The row of a text's first token in that table.
    pub(super) first_position: usize,
    /// Rows of the table of token types, if the architecture has one.
    pub(super) types: usize,
    /// The width of the tables.
    pub(super) embedding: usize,
    /// The width of a token's row between layers.
    pub(super) hidden: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    /// The width inside the feed-forward layer.
    pub(super) inner: usize,
    pub(super) activation: Activation,
    /// Added to the variance in a layer normalization.
    pub(super) epsilon: f32,
    /// ALBERT: sets of weights that the layers share, and layers in each.
    pub(super) groups: usize,
    pub(super) group_layers: usize,
}

/// What a classification head is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// One label of several.
    SingleLabel,
    /// Each label for itself.
    MultiLabel,
    /// A number.
    Regression,
}

/// What the configuration says of the head.
#[derive(Debug)]
pub(super) struct Head {
    /// The labels, in the order of the outputs.
    pub(super) labels: Vec<String>,
    pub(super) problem: Option<Problem>,
    /// The activation that a cross-encoder's configuration names, as a path in PyTorch.
    pub(super) score_activation: Option<String>,
}

/// Reads a `config.json`, which `place` names in errors.
///
/// # Errors
///
/// All that is wrong with it, each with its key. An architecture that is not known is an error that lists those that are.
pub fn parse(place: &str, bytes: &[u8]) -> Result<Config, Vec<Diagnostic>> {
    let map = json::parse_object(place, bytes).map_err(|error| vec![error])?;
    let mut keys = Keys::new(place, &map);
    let Some(architecture) = architecture(&mut keys) else {
        return Err(keys.finish(()).expect_err("an unknown architecture is an error"));
    };
    let size = (architecture.dimensions)(&mut keys);
    // Sizes that are wrong themselves have been told.
    if !keys.has_errors() {
        check_sizes(&mut keys, &size);
    }
    refuse(&mut keys);
    let head = head(&mut keys);
    let class = keys.get("architectures").and_then(|list| list.get(0)?.as_str()).map(str::to_owned);
    keys.finish(Config { architecture, size, head, class })
}

/// What sizes must be to each other.
fn check_sizes(keys: &mut Keys<'_>, size: &Dimensions) {
    for (what, whole, parts) in
        [("hidden size", size.hidden, size.heads), ("number of layers", size.layers, size.groups)]
    {
        if !whole.is_multiple_of(parts) {
            let (key, of) = if what == "hidden size" {
                ("hidden_size", "attention heads")
            } else {
                ("num_hidden_groups", "groups")
            };
            let message = format!("the {what} {whole} is not a multiple of the {parts} {of}");
            keys.error(codes::BAD_KEY, key, message, "correct the key, or download the model again");
        }
    }
    if size.first_position >= size.positions {
        let message = format!("positions begin at {}, and the table has only {}", size.first_position, size.positions);
        keys.error(codes::BAD_KEY, "max_position_embeddings", message, "correct the key, or download the model again");
    }
}

fn architecture(keys: &mut Keys<'_>) -> Option<&'static Architecture> {
    let known = || ARCHITECTURES.iter().map(|row| format!("`{}`", row.model_type)).collect::<Vec<_>>().join(", ");
    let Some(name) = keys.get("model_type").and_then(Value::as_str) else {
        let message = "the key `model_type` is missing or not a text, so that the architecture is not known";
        keys.error(codes::UNKNOWN_ARCHITECTURE, "model_type", message, format!("it is one of {}", known()));
        return None;
    };
    let found = ARCHITECTURES.iter().find(|row| row.model_type == name).copied();
    if found.is_none() {
        let shown: String = name.escape_debug().take(60).collect();
        let message = format!("the architecture `{shown}` is not supported");
        keys.error(codes::UNKNOWN_ARCHITECTURE, "model_type", message, format!("those supported are {}", known()));
    }
    found
}

/// Settings that change what a model computes and that this program does not compute.
fn refuse(keys: &mut Keys<'_>) {
    if let Some(kind) = keys.text("position_embedding_type")
        && kind != "absolute"
    {
        let message = format!("the position embedding `{kind}` is not supported");
        keys.error(
            codes::UNSUPPORTED_SETTING,
            "position_embedding_type",
            message,
            "use a model with `absolute` positions",
        );
    }
    for key in ["is_decoder", "add_cross_attention"] {
        if keys.flag_or(key, false) {
            let message = "a decoder is not supported: a token would see only those before it";
            keys.error(codes::UNSUPPORTED_SETTING, key, message, "use an encoder");
        }
    }
    if keys.get("quantization_config").is_some() {
        let message = "the checkpoint is quantized already";
        let help = "use the checkpoint in f32, f16 or bf16: `quantize` in the manifest compresses it";
        keys.error(codes::UNSUPPORTED_SETTING, "quantization_config", message, help);
    }
}

fn head(keys: &mut Keys<'_>) -> Head {
    let labels = labels(keys);
    let problem = keys.text("problem_type").and_then(|name| match name {
        "single_label_classification" => Some(Problem::SingleLabel),
        "multi_label_classification" => Some(Problem::MultiLabel),
        "regression" => Some(Problem::Regression),
        _ => {
            let message = format!("the problem type {name:?} is not known");
            let help = "it is single_label_classification, multi_label_classification or regression";
            keys.error(codes::BAD_KEY, "problem_type", message, help);
            None
        }
    });
    let current = keys.object("sentence_transformers").and_then(|map| map.get("activation_fn")?.as_str());
    let score_activation = current.or_else(|| keys.text("sbert_ce_default_activation_function")).map(str::to_owned);
    Head { labels, problem, score_activation }
}

/// `id2label`, or as many `LABEL_i` as `num_labels` says: the libraries write neither where there are two.
fn labels(keys: &mut Keys<'_>) -> Vec<String> {
    let count = keys.count_or("num_labels", 2, 1..=most::LABELS);
    let Some(map) = keys.object("id2label") else {
        return (0..count).map(|index| format!("LABEL_{index}")).collect();
    };
    match listed(map) {
        Ok(labels) => labels,
        Err(message) => {
            keys.error(codes::BAD_KEY, "id2label", message, "it maps \"0\", \"1\", … to the labels' names");
            Vec::new()
        }
    }
}

fn listed(map: &Map<String, Value>) -> Result<Vec<String>, String> {
    if map.is_empty() || map.len() > most::LABELS {
        return Err(format!("`id2label` has {} labels", map.len()));
    }
    (0..map.len())
        .map(|index| match map.get(&index.to_string()) {
            Some(Value::String(label)) => Ok(label.clone()),
            // Some checkpoints have numbers as labels.
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(other) => Err(format!("label {index} must be a text, found {}", json::shown(other))),
            None => Err(format!("`id2label` has {} labels, but none with the number {index}", map.len())),
        })
        .collect()
}

/// The keys of most architectures. What a file leaves out has the default that the library's class has.
pub(super) fn usual_dimensions(keys: &mut Keys<'_>) -> Dimensions {
    let hidden = keys.count("hidden_size", 1..=most::WIDTH);
    Dimensions {
        vocabulary: keys.count("vocab_size", 1..=most::VOCABULARY),
        positions: keys.count("max_position_embeddings", 1..=most::POSITIONS),
        first_position: 0,
        types: keys.count_or("type_vocab_size", 2, 1..=most::WIDTH),
        embedding: hidden,
        hidden,
        layers: keys.count("num_hidden_layers", 1..=most::LAYERS),
        heads: keys.count("num_attention_heads", 1..=most::WIDTH),
        inner: keys.count("intermediate_size", 1..=most::WIDTH),
        activation: activation::of_config(keys, "hidden_act", Activation::Gelu),
        epsilon: keys.number_or("layer_norm_eps", 1e-12, 1.0) as f32,
        groups: 1,
        group_layers: 1,
    }
}

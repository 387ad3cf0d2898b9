//! Tensors taken from a checkpoint by name: each with the shape that the configuration says, in a float type, all its numbers finite.
//!
//! What is wrong is collected, and at the end every tensor that nobody took must be one that the task may leave out.

use super::codes;
use super::weights::{Dtype, Stored, Weights};
use crate::diagnostic::Diagnostic;
use crate::graph::Constant;
use modeldeploy_format::DType;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Of one kind of error, so many are told one by one.
const TOLD: usize = 32;

/// Buffers that `transformers` once saved with the weights: counters, not parameters.
const BUFFERS: [&str; 2] = ["embeddings.position_ids", "embeddings.token_type_ids"];

/// A checkpoint from which tensors are taken.
pub(super) struct Tensors<'a> {
    weights: &'a Weights,
    /// The checkpoint's folder, as errors name it.
    place: String,
    /// What stands before the names of the encoder's tensors: `bert.`, or nothing.
    prefix: &'static str,
    /// Those that were asked for, which layers that share their weights do more than once: the tensor, if there is nothing wrong.
    asked: BTreeMap<String, Option<(String, Constant)>>,
    taken: BTreeSet<&'a str>,
    errors: Vec<Diagnostic>,
    missing: usize,
}

impl<'a> Tensors<'a> {
    /// The tensors of `weights`, of which the encoder's may begin with `prefix`.
    pub(super) fn new(weights: &'a Weights, place: String, prefix: &'static str) -> Tensors<'a> {
        let prefixed = !prefix.is_empty() && weights.iter().any(|stored| stored.entry.name.starts_with(prefix));
        let prefix = if prefixed { prefix } else { "" };
        Tensors {
            weights,
            place,
            prefix,
            asked: BTreeMap::new(),
            taken: BTreeSet::new(),
            errors: Vec::new(),
            missing: 0,
        }
    }

    /// Whether any tensor's name begins so.
    pub(super) fn has(&self, start: &str) -> bool {
        self.weights.iter().any(|stored| stored.entry.name.starts_with(start))
    }

    /// A tensor of the encoder: its name in the file, and its numbers.
    pub(super) fn body(&mut self, name: &str, shape: &[usize]) -> Option<(String, Constant)> {
        self.take(&format!("{}{name}", self.prefix), shape)
    }

    /// A tensor outside the encoder, such as one of a head.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Option<(String, Constant)> {
        if let Some(known) = self.asked.get(name) {
            return known.clone();
        }
        let found = match self.find(name) {
            None => {
                self.miss(name, shape);
                None
            }
            Some(stored) => {
                self.taken.insert(&stored.entry.name);
                let made = constant(stored, shape).map_err(|error| self.errors.push(error)).ok();
                made.map(|constant| (stored.entry.name.clone(), constant))
            }
        };
        self.asked.insert(name.to_owned(), found.clone());
        found
    }

    /// The tensor, under its own name or the one that the first checkpoints of BERT gave it.
    fn find(&self, name: &str) -> Option<&'a Stored> {
        let old = || {
            let (module, parameter) = name.rsplit_once('.')?;
            let old = match parameter {
                "weight" => "gamma",
                "bias" => "beta",
                _ => return None,
            };
            module.ends_with("LayerNorm").then(|| self.weights.get(&format!("{module}.{old}")))?
        };
        self.weights.get(name).or_else(old)
    }

    fn miss(&mut self, name: &str, shape: &[usize]) {
        self.missing += 1;
        if self.missing > TOLD {
            return;
        }
        let near = self.nearest(name).map_or_else(
            || "the checkpoint is of another architecture, or incomplete: download it again".to_owned(),
            |near| format!("the file has a tensor `{near}`"),
        );
        let message = format!("the tensor `{name}` is missing; expected shape {shape:?}");
        self.errors.push(Diagnostic::new(codes::MISSING_TENSOR, message).at(&self.place).help(near));
    }

    fn nearest(&self, name: &str) -> Option<&'a str> {
        let names = self.weights.iter().map(|stored| stored.entry.name.as_str()).take(4096);
        let free = names.filter(|other| !self.taken.contains(other));
        let scored = free.map(|other| (strsim::normalized_damerau_levenshtein(name, other), other));
        scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other)
    }

    /// Ends the taking. Of the tensors that nobody took, those that begin with one of `may_stay` are returned by name; any other
    /// is an error.
    pub(super) fn finish(mut self, may_stay: &[&str]) -> Result<Vec<String>, Vec<Diagnostic>> {
        if self.missing > TOLD {
            let message = format!("and {} more tensors are missing", self.missing - TOLD);
            self.errors.push(
                Diagnostic::new(codes::MISSING_TENSOR, message)
                    .at(&self.place)
                    .help("is `config.json` that of this checkpoint?"),
            );
        }
        let mut left_out = Vec::new();
        let mut extra = 0;
        for stored in self.weights.iter().filter(|stored| !self.taken.contains(stored.entry.name.as_str())) {
            let name = stored.entry.name.as_str();
            let inner = name.strip_prefix(self.prefix).unwrap_or(name);
            if BUFFERS.contains(&inner) {
                continue;
            }
            if may_stay.iter().any(|start| inner.starts_with(start)) {
                left_out.push(name.to_owned());
                continue;
            }
            extra += 1;
            if extra <= TOLD {
                let message =
                    format!("the tensor `{name}`, of shape {:?}, has no place in the architecture", stored.entry.shape);
                self.errors.push(
                    Diagnostic::new(codes::EXTRA_TENSOR, message)
                        .at(stored.place())
                        .help("is `config.json` that of this checkpoint? A model may not be compiled in part"),
                );
            }
        }
        if extra > TOLD {
            let message = format!("and {} more tensors have no place in the architecture", extra - TOLD);
            self.errors.push(
                Diagnostic::new(codes::EXTRA_TENSOR, message)
                    .at(&self.place)
                    .help("is `config.json` that of this checkpoint?"),
            );
        }
        if self.errors.is_empty() { Ok(left_out) } else { Err(self.errors) }
    }
}

/// The numbers of a tensor: f32 as they lie in the file, 16 bit widened.
fn constant(stored: &Stored, shape: &[usize]) -> Result<Constant, Diagnostic> {
    let entry = &stored.entry;
    if entry.shape != shape {
        let message = format!("the tensor `{}` has shape {:?}; expected {shape:?}", entry.name, entry.shape);
        return Err(Diagnostic::new(codes::MISSHAPEN_TENSOR, message)
            .at(stored.place())
            .help("is `config.json` that of this checkpoint?"));
    }
    let bytes = stored.bytes();
    let made = match entry.dtype {
        Dtype::F32 => {
            finite(stored, bytes.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)))?;
            Constant::within(DType::F32, shape.to_vec(), Arc::clone(&stored.mapping) as _, entry.range.clone())
        }
        Dtype::F16 => widened(stored, bytes.as_chunks().0.iter().map(|&pair| half::f16::from_le_bytes(pair).to_f32())),
        Dtype::BF16 => {
            widened(stored, bytes.as_chunks().0.iter().map(|&pair| half::bf16::from_le_bytes(pair).to_f32()))
        }
        other => {
            let message = format!("the tensor `{}` is stored as {other:?}; weights are F32, F16 or BF16", entry.name);
            return Err(Diagnostic::new(codes::BAD_DTYPE, message)
                .at(stored.place())
                .help("save the checkpoint with `model.float().save_pretrained(…)`"));
        }
    };
    made.map_err(|error| error.at(stored.place()))
}

fn widened(stored: &Stored, values: impl Iterator<Item = f32> + Clone) -> Result<Constant, Diagnostic> {
    finite(stored, values.clone())?;
    let bytes = values.flat_map(f32::to_le_bytes).collect();
    Constant::new(DType::F32, stored.entry.shape.clone(), bytes)
}

fn finite(stored: &Stored, mut values: impl Iterator<Item = f32> + Clone) -> Result<(), Diagnostic> {
    // One pass without a branch for each number, for nearly all tensors are whole.
    if values.clone().fold(true, |all, value| all & value.is_finite()) {
        return Ok(());
    }
    let mut index = values.position(|value| !value.is_finite()).unwrap_or_default();
    let mut at = Vec::new();
    for &size in stored.entry.shape.iter().rev() {
        at.insert(0, index % size.max(1));
        index /= size.max(1);
    }
    let message = format!("the tensor `{}` has a number at {at:?} that is NaN or infinite", stored.entry.name);
    Err(Diagnostic::new(codes::NOT_FINITE, message)
        .at(stored.place())
        .help("the training diverged, or the file is damaged: take an earlier checkpoint or download it again"))
}

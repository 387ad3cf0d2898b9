//! The architectures: one file each, one row each in [`ARCHITECTURES`].
//!
//! An architecture reads its sizes from the configuration and writes encoder and head into the graph. Layers stand here only
//! where several architectures have the very same, with the same names of tensors.

mod albert;
mod bert;
mod distilbert;
mod embeddings;
mod mpnet;
mod roberta;
mod xlm_roberta;

use super::config::Dimensions;
use super::emitter::{Emitter, Value};
use super::json::Keys;
use super::tensors::Tensors;
use std::fmt;

/// Every architecture, in the order in which errors list them.
pub(super) const ARCHITECTURES: &[&Architecture] = &[
    &bert::ARCHITECTURE,
    &distilbert::ARCHITECTURE,
    &roberta::ARCHITECTURE,
    &xlm_roberta::ARCHITECTURE,
    &mpnet::ARCHITECTURE,
    &albert::ARCHITECTURE,
];

/// An architecture.
pub(super) struct Architecture {
    /// Its `model_type`.
    pub(super) model_type: &'static str,
    /// What stands before the encoder's tensors in a checkpoint with a head.
    pub(super) prefix: &'static str,
    /// Reads its sizes.
    pub(super) dimensions: fn(&mut Keys<'_>) -> Dimensions,
    /// Writes the encoder: `f32[tokens, hidden]`.
    pub(super) encode: fn(&mut Emitter, &mut Tensors<'_>, &Dimensions) -> Value,
    /// Writes the head of so many labels over the encoder's rows: `f32[labels]`, before any softmax.
    pub(super) head: fn(&mut Emitter, &mut Tensors<'_>, &Dimensions, Value, usize) -> Value,
    /// The beginnings of the names of tensors that a task may leave out: heads of other tasks. One that the task has is taken,
    /// and so is not among those that are left.
    pub(super) may_stay: &'static [&'static str],
}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.model_type)
    }
}

//! Compression: a graph, a recipe and samples to a graph of fewer bits.
//!
//! * `f32` leaves weights as they are; `bf16` rounds them to the nearest, ties to even.
//! * `int8` stores the weights of a linear layer within ±127 with a scale for each output channel, and quantizes its input when a
//!   text comes, each row with a scale and zero of its own. Where the input comes from a layer normalization, it is smoothed if
//!   that lowers the layer's error on the samples. Tables of embeddings get a scale for each row, and an offset where it pays.
//! * `int4` is for tables alone: 16 values for each row, with a scale and an offset of its own.
//!
//! The result is the same on every machine, for the lock pins its digest: sums have one order, no thread's timing decides
//! anything, and of what is measured on samples only the first nine bits are used. It is measured in f64, so that the last bits in
//! which the products of two CPUs differ do not reach those nine.

mod calibrate;
mod error;
mod plan;
pub mod quantize;
mod recipe;
mod rewrite;
mod samples;
mod smooth;
pub mod tables;

pub use error::{LayerError, error_by_layer};
pub use plan::{FEW, NO_TABLE, NOT_FINITE, UNKNOWN_PART};
pub use recipe::{BAD_VALUE, EMBEDDINGS, Precision, Recipe, Smoothing, UNKNOWN_KEY, quantize_settings};
pub use samples::{NO_SAMPLES, Sample, calibration_texts};

use crate::diagnostic::Diagnostic;
use crate::graph::Graph;
use std::collections::BTreeMap;

/// What compression is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Running the samples.
    Calibrate,
    /// Comparing smoothed layers with plain ones.
    Smooth,
    /// Writing the weights anew.
    Quantize,
}

/// How far compression has come: `done` of `total` steps of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How many of its steps are done.
    pub done: usize,
    /// How many it has.
    pub total: usize,
}

/// Compresses a graph that the passes have fused. `samples` are texts such as the model will meet
/// ([`calibration_texts`] where its user names none); they are read only if something is to be smoothed.
///
/// # Errors
///
/// `MD0503` for a part of the recipe that names nothing, `MD0504` for weights that are not finite, `MD0505` where there are no
/// samples and some are needed, `MD0506` where a layer is to have the 4 bits that only tables have, and what the reference finds wrong
/// with the graph or a sample.
pub fn compress(
    graph: &Graph,
    recipe: &Recipe,
    samples: &[Sample],
    progress: &mut dyn FnMut(Progress),
) -> Result<Graph, Vec<Diagnostic>> {
    graph.verify()?;
    let plan = plan::Plan::new(graph, recipe)?;
    let tell = |stage| move |done, total| Progress { stage, done, total };
    let groups = match recipe.smoothing {
        Smoothing::Off => vec![],
        // Networks have no texts to be measured on, and rows of their own scales.
        _ if graph.is_network() => vec![],
        Smoothing::Auto | Smoothing::On => smooth::groups(graph, &plan),
    };
    let smooth = if groups.is_empty() {
        BTreeMap::new()
    } else {
        let samples = samples::usable(samples).map_err(|error| vec![error])?;
        let inputs = groups.iter().flat_map(|group| group.inputs.iter().copied());
        let at = tell(Stage::Calibrate);
        let seen = calibrate::observe(graph, inputs, &samples, &mut |done, total| progress(at(done, total)))?;
        let at = tell(Stage::Smooth);
        smooth::decide(graph, &groups, &seen, recipe, &mut |done, total| progress(at(done, total)))
    };
    let at = tell(Stage::Quantize);
    rewrite::rewrite(graph, &plan, &smooth, &mut |done, total| progress(at(done, total)))
}

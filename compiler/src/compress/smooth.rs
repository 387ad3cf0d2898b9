//! Scale smoothing: the spread of a linear layer's inputs moves, column by column, into its weights (Xiao et al. 2023,
//! SmoothQuant), and their middle into its bias.
//!
//! The inputs must come from a layer normalization, which takes both at no cost: with `x' = (x − offset) / scale`, the
//! normalization gets `gamma / scale` and `(beta − offset) / scale`, the weights `w · scale` and the bias `bias + w · offset`.
//! Layers that read one value, or that share weights (ALBERT), are smoothed alike: they form a group.

use super::calibrate::Observed;
use super::plan::{self, Plan};
use super::quantize::{coarse, int8_rows};
use super::recipe::{Precision, Recipe, Smoothing};
use crate::graph::{Graph, ValueId};
use crate::ops::Op;
use std::collections::{BTreeMap, BTreeSet};

/// Bits of a statistic that are kept after its leading one.
const BITS: u32 = 8;

/// Columns whose spread is less than this share of the median are taken to have that: a column that hardly moved on the samples
/// may move on other texts.
const LEAST_SPREAD: f64 = 0.1;

/// Layers that are smoothed together.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// The layers' nodes.
    pub(super) layers: BTreeSet<ValueId>,
    /// What they read: layer normalizations.
    pub(super) inputs: BTreeSet<ValueId>,
    /// Their weights.
    pub(super) weights: BTreeSet<ValueId>,
}

/// Column by column, what is taken off an input and what it is then divided by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Smooth {
    pub(super) offset: Vec<f32>,
    pub(super) scale: Vec<f32>,
}

/// The groups that can be smoothed: 8-bit layers all of whose inputs are layer normalizations with constant parameters.
pub(super) fn groups(graph: &Graph, plan: &Plan) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (&id, _) in plan.layers.iter().filter(|(_, precision)| **precision == Precision::Int8) {
        let node = graph.node(id);
        let (weights, _) = plan::layer(graph, node).expect("the plan names linear layers");
        let mut joined = Group { layers: [id].into(), inputs: [node.inputs[0]].into(), weights: [weights].into() };
        groups.retain(|group| {
            let apart = group.inputs.is_disjoint(&joined.inputs) && group.weights.is_disjoint(&joined.weights);
            if !apart {
                joined.layers.extend(&group.layers);
                joined.inputs.extend(&group.inputs);
                joined.weights.extend(&group.weights);
            }
            apart
        });
        groups.push(joined);
    }
    groups.retain(|group| group.inputs.iter().all(|&input| normalization(graph, input)));
    groups
}

fn normalization(graph: &Graph, id: ValueId) -> bool {
    let node = graph.node(id);
    matches!(node.op, Op::LayerNorm(_)) && node.inputs[1..].iter().all(|&id| graph.is_const(id))
}

/// How each layer is smoothed; those that are not are absent.
pub(super) fn decide(
    graph: &Graph,
    groups: &[Group],
    seen: &BTreeMap<ValueId, Observed>,
    recipe: &Recipe,
    progress: &mut dyn FnMut(usize, usize),
) -> BTreeMap<ValueId, Smooth> {
    let mut decided = BTreeMap::new();
    for (done, group) in groups.iter().enumerate() {
        let mut inputs = group.inputs.iter().map(|input| &seen[input]);
        let mut observed = inputs.next().expect("a group has an input").clone();
        inputs.for_each(|other| observed.join(other));
        let weights: Vec<Vec<f32>> = group
            .weights
            .iter()
            .map(|&id| graph.as_const(id).expect("the plan names constant weights").to_f32())
            .collect();
        let weights: Vec<&[f32]> = weights.iter().map(Vec::as_slice).collect();
        let smooth = Smooth::new(&observed, &weights, recipe.alpha);
        let helps = || {
            let plain = error(&observed.rows, &weights, &Smooth::none(smooth.scale.len()));
            error(&observed.rows, &weights, &smooth) < plain
        };
        if recipe.smoothing == Smoothing::On || helps() {
            decided.extend(group.layers.iter().map(|&layer| (layer, smooth.clone())));
        }
        progress(done + 1, groups.len());
    }
    decided
}

impl Smooth {
    /// What changes nothing.
    pub(super) fn none(width: usize) -> Smooth {
        Smooth { offset: vec![0.0; width], scale: vec![1.0; width] }
    }

    /// The middle of each column, and `spread^alpha / weight^(1 − alpha)`, where `spread` is half of the column's range and
    /// `weight` its largest weight.
    pub(super) fn new(observed: &Observed, weights: &[&[f32]], alpha: f64) -> Smooth {
        let width = observed.least.len();
        let mut largest = vec![0.0_f32; width];
        for row in weights.iter().flat_map(|weights| weights.chunks_exact(width)) {
            largest.iter_mut().zip(row).for_each(|(largest, weight)| *largest = largest.max(weight.abs()));
        }
        let bounds =
            || observed.least.iter().zip(&observed.greatest).map(|(&l, &g)| (coarse(l, BITS), coarse(g, BITS)));
        let spread: Vec<f64> = bounds().map(|(least, greatest)| (greatest - least) / 2.0).collect();
        let mut sorted = spread.clone();
        sorted.sort_by(f64::total_cmp);
        let floor = sorted[width / 2] * LEAST_SPREAD;
        let scale = spread.iter().zip(&largest).map(|(&spread, &weight)| {
            let (spread, weight) = (spread.max(floor), f64::from(weight));
            let scale = coarse(spread.powf(alpha) / weight.powf(1.0 - alpha), BITS) as f32;
            if scale.is_normal() && spread > 0.0 && weight > 0.0 { scale } else { 1.0 }
        });
        Smooth { scale: scale.collect(), offset: bounds().map(|(l, g)| ((l + g) / 2.0) as f32).collect() }
    }

    /// Gamma and beta of a layer normalization that gives smoothed rows.
    pub(super) fn normalization(&self, gamma: &[f32], beta: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let by = |x: f64, scale: f32| (x / f64::from(scale)) as f32;
        let gamma = gamma.iter().zip(&self.scale).map(|(&gamma, &scale)| by(f64::from(gamma), scale)).collect();
        let beta = beta.iter().zip(&self.offset).zip(&self.scale);
        (gamma, beta.map(|((&beta, &offset), &scale)| by(f64::from(beta) - f64::from(offset), scale)).collect())
    }

    /// The weights that smoothed rows meet.
    pub(super) fn weights(&self, weights: &[f32]) -> Vec<f32> {
        let rows = weights.chunks_exact(self.scale.len());
        rows.flat_map(|row| row.iter().zip(&self.scale).map(|(&w, &scale)| w * scale)).collect()
    }

    /// What each output channel's bias gains.
    pub(super) fn bias(&self, weights: &[f32]) -> Vec<f64> {
        let rows = weights.chunks_exact(self.scale.len());
        rows.map(|row| row.iter().zip(&self.offset).map(|(&w, &offset)| f64::from(w) * f64::from(offset)).sum())
            .collect()
    }
}

/// The squared error of a linear layer in 8 bits on some rows.
fn error(rows: &[f32], weights: &[&[f32]], smooth: &Smooth) -> f64 {
    let width = smooth.scale.len();
    let quantized: Vec<(Vec<f64>, Vec<f64>)> = rows
        .chunks_exact(width)
        .map(|row| {
            let exact = row.iter().zip(&smooth.offset).zip(&smooth.scale);
            let exact: Vec<f64> =
                exact.map(|((&x, &offset), &scale)| (f64::from(x) - f64::from(offset)) / f64::from(scale)).collect();
            let rounded = round_trip(&exact);
            (exact, rounded)
        })
        .collect();
    let mut sum = 0.0;
    for weights in weights {
        let exact = smooth.weights(weights);
        let matrix = int8_rows(&exact, width);
        for ((exact, codes), &scale) in
            exact.chunks_exact(width).zip(matrix.codes.chunks_exact(width)).zip(&matrix.scales)
        {
            let exact: Vec<f64> = exact.iter().map(|&w| f64::from(w)).collect();
            let rounded: Vec<f64> = codes.iter().map(|&code| f64::from(code) * f64::from(scale)).collect();
            for (row, codes) in &quantized {
                let off = dot(row, &exact) - dot(codes, &rounded);
                sum += off * off;
            }
        }
    }
    sum
}

/// A sum of products in eight lanes, which are added in one order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// A row as the runtime's 8-bit codes hold it.
fn round_trip(row: &[f64]) -> Vec<f64> {
    let least = row.iter().copied().fold(0.0, f64::min);
    let scale = (row.iter().copied().fold(0.0, f64::max) - least) / 255.0;
    if scale == 0.0 {
        return vec![0.0; row.len()];
    }
    let zero = (-least / scale).round_ties_even();
    row.iter().map(|x| scale * ((x / scale + zero).round_ties_even().clamp(0.0, 255.0) - zero)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 24;

    /// Numbers that look random, in ±1.
    fn noise(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32) / (1 << 23) as f32 - 1.0
        }
    }

    /// Rows with two wide columns, one of them far from 0, one column that never moves, and small weights of many channels, one
    /// of their columns all zeros.
    fn rows_and_weights() -> (Observed, Vec<f32>) {
        let mut random = noise(7);
        let row = |random: &mut dyn FnMut() -> f32| -> Vec<f32> {
            let column = |at: usize, x: f32| match at {
                3 => 20.0 * x,
                5 => 9.0 + 4.0 * x,
                8 => 0.25,
                _ => x,
            };
            (0..WIDTH).map(|at| column(at, random())).collect()
        };
        let rows: Vec<f32> = (0..64).flat_map(|_| row(&mut random)).collect();
        let column = |at: usize| rows.iter().skip(at).step_by(WIDTH).map(|&x| f64::from(x));
        let bound = |fold: fn(f64, f64) -> f64, from: f64| (0..WIDTH).map(|at| column(at).fold(from, fold)).collect();
        let observed = Observed {
            least: bound(f64::min, f64::INFINITY),
            greatest: bound(f64::max, f64::NEG_INFINITY),
            rows: rows.clone(),
        };
        let weights = (0..40 * WIDTH).map(|at| if at % WIDTH == 11 { 0.0 } else { 0.05 * random() }).collect();
        (observed, weights)
    }

    #[test]
    fn a_smoothed_layer_computes_what_it_computed() {
        let (observed, weights) = rows_and_weights();
        let smooth = Smooth::new(&observed, &[&weights], 0.7);
        assert_eq!((smooth.scale[11], smooth.offset[8]), (1.0, 0.25));
        let mut random = noise(3);
        let [gamma, beta] = [(); 2].map(|()| (0..WIDTH).map(|_| 2.0 * random()).collect::<Vec<f32>>());
        let (gamma2, beta2) = smooth.normalization(&gamma, &beta);
        let (weights2, gain) = (smooth.weights(&weights), smooth.bias(&weights));
        let unit: Vec<f32> = (0..WIDTH).map(|_| 3.0 * random()).collect();
        let layer = |gamma: &[f32], beta: &[f32], weights: &[f32]| -> Vec<f64> {
            let x: Vec<f64> = (0..WIDTH).map(|at| f64::from(unit[at] * gamma[at]) + f64::from(beta[at])).collect();
            weights.chunks_exact(WIDTH).map(|w| w.iter().zip(&x).map(|(&w, x)| f64::from(w) * x).sum()).collect()
        };
        let (plain, smoothed) = (layer(&gamma, &beta, &weights), layer(&gamma2, &beta2, &weights2));
        for ((plain, smoothed), gain) in plain.iter().zip(smoothed).zip(gain) {
            assert!((plain - (smoothed + gain)).abs() < 1e-5, "{plain} {smoothed} + {gain}");
        }
    }

    #[test]
    fn smoothing_lowers_the_error_of_uneven_columns() {
        let (observed, weights) = rows_and_weights();
        let smooth = Smooth::new(&observed, &[&weights], 0.7);
        let (plain, smoothed) =
            (error(&observed.rows, &[&weights], &Smooth::none(WIDTH)), error(&observed.rows, &[&weights], &smooth));
        assert!(smoothed < plain / 2.0, "{smoothed} is not half of {plain}");
    }

    #[test]
    fn statistics_that_differ_in_their_last_bits_smooth_alike() {
        let (mut observed, weights) = rows_and_weights();
        let smooth = Smooth::new(&observed, &[&weights], 0.7);
        observed.least.iter_mut().chain(&mut observed.greatest).for_each(|x| *x *= 1.0 + 1e-12);
        assert_eq!(Smooth::new(&observed, &[&weights], 0.7), smooth);
    }
}

//! Layer normalization with the quantization of its rows.

use super::{Lower, Lowering, Place, Problem};
use crate::graph::{Graph, ValueId};
use crate::ops::Op;
use modeldeploy_format::program::{Quantized, Step, Storage};
use std::collections::BTreeMap;

/// What one step computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fused {
    /// The normalization whose f32 rows are the first output. Where nothing reads those of a smoothed one but its quantization,
    /// and there is no other of the same rows, it is the smoothed one.
    plain: ValueId,
    /// The normalization that is quantized, which may be the same, and its quantization.
    quantized: Option<(ValueId, ValueId)>,
}

/// Which nodes become one step: each normalization and each quantization of one maps to the whole.
pub(super) fn fuse(graph: &Graph) -> BTreeMap<ValueId, Fused> {
    let order = graph.order();
    let norms: Vec<ValueId> =
        order.iter().copied().filter(|&id| matches!(graph.node(id).op, Op::LayerNorm(_))).collect();
    let mut fused: BTreeMap<ValueId, Fused> = BTreeMap::new();
    // Those whose rows are quantized and read otherwise too come first: they need no partner.
    let quantizations: Vec<(ValueId, ValueId)> = order
        .iter()
        .filter(|&&id| matches!(graph.node(id).op, Op::Quantize(_)))
        .map(|&id| (graph.node(id).inputs[0], id))
        .filter(|(norm, _)| norms.contains(norm))
        .collect();
    let (shared, alone): (Vec<_>, Vec<_>) = quantizations.into_iter().partition(|&(norm, _)| graph.uses(norm) > 1);
    for (norm, quantize) in shared.into_iter().chain(alone) {
        if fused.contains_key(&norm) {
            // A second quantization of the same rows is a step of its own.
            continue;
        }
        let same_rows = |other: &ValueId| {
            let (a, b) = (graph.node(*other), graph.node(norm));
            *other != norm && a.op == b.op && a.inputs[0] == b.inputs[0] && !fused.contains_key(other)
        };
        let quantized_only =
            |id: &ValueId| graph.users(*id).iter().all(|&user| matches!(graph.node(user).op, Op::Quantize(_)));
        let partner = norms.iter().copied().find(|other| same_rows(other) && !quantized_only(other));
        let plain = if graph.uses(norm) > 1 { norm } else { partner.unwrap_or(norm) };
        let whole = Fused { plain, quantized: Some((norm, quantize)) };
        fused.extend([plain, norm, quantize].map(|id| (id, whole)));
    }
    for norm in norms {
        fused.entry(norm).or_insert(Fused { plain: norm, quantized: None });
    }
    fused
}

impl Lowering<'_> {
    /// The step that a normalization or its quantization is part of.
    pub(super) fn norm(&mut self, id: ValueId) -> Lower {
        let fused = self.norms[&id];
        let node = self.graph.node(fused.plain);
        let Op::LayerNorm(op) = node.op else { return Err(Problem::inputs("it is no normalization")) };
        let x = self.whole(node.inputs[0])?;
        let (gamma, beta) = (self.vector(node.inputs[1])?, self.vector(node.inputs[2])?);
        let out = self.slot(fused.plain)?;
        let quantized = fused.quantized.map(|(norm, quantize)| self.quantized(norm, quantize)).transpose()?;
        self.push(Step::LayerNorm { x, gamma, beta, epsilon: op.epsilon, out, quantized })
    }

    fn quantized(&mut self, norm: ValueId, quantize: ValueId) -> Lower<Quantized> {
        let node = self.graph.node(norm);
        let (rows, width) = self.shape(quantize)?;
        let (gamma, beta) = (self.vector(node.inputs[1])?, self.vector(node.inputs[2])?);
        let out = self.place(rows, Storage::Q8, width);
        let place = Place { slot: out, column: 0, width };
        // Nothing else reads a smoothed normalization; one that is read has its place already.
        self.places.insert(quantize, place);
        self.places.entry(norm).or_insert(place);
        Ok(Quantized { gamma, beta, out })
    }
}

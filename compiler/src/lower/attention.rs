//! Attention, and the linear layers before it as one.

use super::{Lower, Lowering, Problem};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Activation, MaskedAttention, Op};
use modeldeploy_format::program::{RelativeBias, Rows, Step};
use std::collections::{BTreeMap, BTreeSet};

/// For each linear layer that is one of several which an attention alone reads, which read one value, and which nothing
/// follows: all of them, in the order of query, key and value. Where all three cannot be, as where the query is of one row, keys and
/// values.
pub(super) fn merges(graph: &Graph) -> BTreeMap<ValueId, Vec<ValueId>> {
    let mut merges = BTreeMap::new();
    for id in graph.order() {
        let node = graph.node(id);
        let (Op::Attention(_) | Op::MaskedAttention(_), &[q, k, v, ..]) = (&node.op, &node.inputs[..]) else {
            continue;
        };
        for layers in [&[q, k, v][..], &[k, v]] {
            let read: Vec<_> = layers.iter().map(|&layer| mergeable(graph, layer)).collect();
            let distinct = layers.iter().collect::<BTreeSet<_>>().len() == layers.len();
            if distinct && read[0].is_some() && read.iter().all(|other| *other == read[0]) {
                merges.extend(layers.iter().map(|&layer| (layer, layers.to_vec())));
                break;
            }
        }
    }
    merges
}

/// What layers must have in common to be one: the value that they read, and how their weights are stored.
fn mergeable(graph: &Graph, id: ValueId) -> Option<(ValueId, modeldeploy_format::DType)> {
    let node = graph.node(id);
    let plain = match node.op {
        Op::Dense(dense) => dense.activation == Activation::Identity && !dense.residual,
        Op::DenseInt8(dense) => dense.activation == Activation::Identity && !dense.residual,
        _ => false,
    };
    let weights = graph.as_const(*node.inputs.get(1)?)?;
    (plain && graph.uses(id) == 1).then(|| (node.inputs[0], weights.dtype()))
}

impl Lowering<'_> {
    pub(super) fn attention(&mut self, id: ValueId, node: &Node, heads: usize, scale: f32, causal: bool) -> Lower {
        let bias = node.inputs.get(3).map(|&bias| self.relative_bias(bias)).transpose()?;
        let [q, k, v] = [0, 1, 2].map(|at| self.view(node.inputs[at]));
        let (q, k, v) = (q?, k?, v?);
        let heads = u32::try_from(heads).map_err(|_| Problem::inputs(format!("{heads} heads are too many")))?;
        let out = self.slot(id)?;
        // As exact as what it reads: products in codes are followed by attention in codes. One query reads keys and values but once,
        // which is less work than to make codes of them.
        let one = self.slots[out.0 as usize].rows == Rows::Texts;
        let int8 = !one && node.inputs[..3].iter().all(|&id| matches!(self.graph.node(id).op, Op::DenseInt8(_)));
        self.push(Step::Attention { q, k, v, heads, scale, bias, int8, causal, out })
    }

    pub(super) fn masked_attention(&mut self, id: ValueId, node: &Node, masked: MaskedAttention) -> Lower {
        let MaskedAttention { heads, scale, causal, safe } = masked;
        let [q, k, v] = [0, 1, 2].map(|at| self.view(node.inputs[at]));
        let (q, k, v, mask) = (q?, k?, v?, self.together(node.inputs[3])?);
        let heads = u32::try_from(heads).map_err(|_| Problem::inputs(format!("{heads} heads are too many")))?;
        let out = self.slot(id)?;
        self.push(Step::MaskedAttention { q, k, v, heads, scale, mask, causal, safe, out })
    }

    fn relative_bias(&mut self, id: ValueId) -> Lower<RelativeBias> {
        let node = self.graph.node(id);
        let Op::RelativeBias(bias) = node.op else {
            return Err(Problem::inputs("its bias is computed, where a table by distance is needed"));
        };
        Ok(RelativeBias { table: self.vector(node.inputs[0])?, max_distance: bias.max_distance })
    }
}

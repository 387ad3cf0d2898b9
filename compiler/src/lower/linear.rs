//! Linear layers, alone or several as one.

use super::{Kind, Lower, Lowering, Place, Problem};
use crate::graph::ValueId;
use crate::ops::{Activation, Op};
use modeldeploy_format::program::{Step, Storage, Weights};

/// A linear layer of either precision.
struct Layer {
    x: ValueId,
    weights: ValueId,
    scales: Option<ValueId>,
    bias: Option<ValueId>,
    residual: Option<ValueId>,
    activation: Activation,
    /// Output channels.
    n: usize,
}

impl Lowering<'_> {
    /// The layer of that node, or those that it is one of; all get their places.
    pub(super) fn linear(&mut self, id: ValueId) -> Lower {
        let ids = self.merged.get(&id).map_or(vec![id], Vec::clone);
        let layers = ids.iter().map(|&id| self.layer(id)).collect::<Lower<Vec<Layer>>>()?;
        let widths = ids.iter().map(|&id| Ok(self.shape(id)?.1)).collect::<Lower<Vec<u32>>>()?;
        let rows = self.shape(id)?.0;
        let first = &layers[0];
        let x = self.whole(first.x)?;
        let residual = first.residual.map(|residual| self.whole(residual)).transpose()?;
        let parts: Vec<Option<ValueId>> = layers.iter().map(|layer| Some(layer.weights)).collect();
        let none = vec![0; layers.len()];
        let codes = self.tensor(&parts, Kind::Weights, &none)?;
        let weights = match first.scales {
            None => Weights::Float(codes),
            Some(_) => {
                let scales: Vec<Option<ValueId>> = layers.iter().map(|layer| layer.scales).collect();
                let scales = self.tensor(&scales, Kind::Vector, &none)?;
                Weights::Int8 { codes, scales, sums: self.tensor(&parts, Kind::Sums, &none)? }
            }
        };
        let biases: Vec<Option<ValueId>> = layers.iter().map(|layer| layer.bias).collect();
        let channels: Vec<usize> = layers.iter().map(|layer| layer.n).collect();
        let some = biases.iter().any(Option::is_some);
        let bias = some.then(|| self.tensor(&biases, Kind::Vector, &channels)).transpose()?;
        let slot = self.place(rows, Storage::F32, widths.iter().sum());
        let mut column = 0;
        for (&id, &width) in ids.iter().zip(&widths) {
            self.places.insert(id, Place { slot, column, width });
            column += width;
        }
        self.push(Step::Linear { x, weights, bias, activation: first.activation, residual, out: slot })
    }

    fn layer(&self, id: ValueId) -> Lower<Layer> {
        let node = self.graph.node(id);
        let (x, weights, scales, bias, residual, activation) = match node.op {
            Op::Dense(dense) => {
                let parts = dense.parts(&node.inputs);
                (parts.x, parts.weights, None, parts.bias, parts.residual, dense.activation)
            }
            Op::DenseInt8(dense) => {
                let parts = dense.parts(&node.inputs);
                (parts.x, parts.codes, Some(parts.scales), parts.bias, parts.residual, dense.activation)
            }
            _ => return Err(Problem::inputs("it is no linear layer")),
        };
        let n = self.shape(id)?.1 as usize;
        Ok(Layer { x, weights, scales, bias, residual, activation, n })
    }
}

//! Nodes of a network that move numbers within rows, and those that go over each field of a row by itself.

use super::{Kind, Lower, Lowering, Problem, computed::whole};
use crate::graph::{Dim, Node, Type, ValueId};
use crate::ops::Op;
use modeldeploy_format::program::{SlotId, Step, Storage, Weights};

/// The most fields that a step is repeated for.
const FIELDS: usize = 1 << 10;

impl Lowering<'_> {
    /// Another order of the same numbers, or some of them, or those of several values: no step.
    pub(super) fn moved(&mut self, id: ValueId, node: &Node) -> Lower {
        let ty = self.graph.ty(id).clone();
        let (_, width) = self.flat(&ty)?;
        let skipped = usize::from(ty.rows().is_some());
        let shape = sizes(&ty);
        let own = |axis: usize| {
            axis.checked_sub(skipped).ok_or_else(|| Problem::inputs("it moves rows, where only columns can be moved"))
        };
        let x = node.inputs[0];
        let of = sizes(self.graph.ty(x));
        if !matches!(node.op, Op::Concat(_)) && self.graph.ty(x).rows() != ty.rows() {
            return Err(Problem::inputs("it takes rows out, where only columns can be taken"));
        }
        let columns: Vec<(ValueId, usize)> = match &node.op {
            Op::Reshape(_) => (0..width).map(|column| (x, column)).collect(),
            Op::Slice(slice) => {
                let axis = own(slice.axis)?;
                picked(&shape, &of, |at| at[axis] += slice.start).map(|column| (x, column)).collect()
            }
            Op::Select(select) => {
                let axis = own(select.axis)?;
                picked(&shape, &of, |at| at[axis] = select.places[at[axis]]).map(|column| (x, column)).collect()
            }
            Op::Transpose(transpose) => {
                let axes = transpose.axes[skipped..].iter().map(|&axis| own(axis)).collect::<Lower<Vec<usize>>>()?;
                let turned = picked(&shape, &of, |at| {
                    let before = at.to_vec();
                    axes.iter().zip(before).for_each(|(&axis, place)| at[axis] = place);
                });
                turned.map(|column| (x, column)).collect()
            }
            Op::Concat(concat) => self.beside(node, own(concat.axis)?, &shape),
            _ => return Err(Problem::inputs("it moves nothing")),
        };
        self.spread(id, &columns)
    }

    /// The columns of values side by side along an axis of the row.
    fn beside(&self, node: &Node, axis: usize, shape: &[usize]) -> Vec<(ValueId, usize)> {
        let inner: usize = shape[axis + 1..].iter().product();
        let outer: usize = shape[..axis].iter().product();
        let mut columns = Vec::new();
        for at in 0..outer {
            for &input in &node.inputs {
                let count = sizes(self.graph.ty(input))[axis] * inner;
                columns.extend((at * count..(at + 1) * count).map(|column| (input, column)));
            }
        }
        columns
    }

    /// A step for each field of a row.
    pub(super) fn by_field(&mut self, id: ValueId, node: &Node) -> Lower {
        let ty = self.graph.ty(id).clone();
        let x = node.inputs[0];
        let of = self.graph.ty(x).clone();
        let (rows, _) = self.flat(&ty)?;
        let last = |ty: &Type| ty.row().last().and_then(|dim| dim.fixed()).unwrap_or(1);
        let (depth, width) = (last(&of), last(&ty));
        let fields = self.flat(&of)?.1 / depth;
        if fields > FIELDS {
            return Err(Problem::inputs(format!("{fields} fields are too many to go over by themselves")));
        }
        let [depth32, width32] = [depth, width].map(|it| u32::try_from(it).expect("a row is at most the bound"));
        let mut parts = Vec::new();
        for field in 0..fields {
            let columns: Vec<(ValueId, usize)> =
                (field * depth..(field + 1) * depth).map(|column| (x, column)).collect();
            let cut = self.gathered(&columns)?;
            let x = self.concat(cut, rows, depth32)?;
            let residual = match node.op {
                Op::Dense(dense) => dense.parts(&node.inputs).residual,
                _ => None,
            };
            let residual = residual
                .map(|residual| {
                    let columns: Vec<(ValueId, usize)> =
                        (field * width..(field + 1) * width).map(|column| (residual, column)).collect();
                    let cut = self.gathered(&columns)?;
                    self.concat(cut, rows, width32)
                })
                .transpose()?;
            let out = self.place(rows, Storage::F32, width32);
            let step = self.field_step(node, x, residual, out)?;
            self.push(step)?;
            parts.push(whole(out, width32));
        }
        self.spread.insert(id, parts);
        Ok(())
    }

    fn field_step(&mut self, node: &Node, x: SlotId, residual: Option<SlotId>, out: SlotId) -> Lower<Step> {
        Ok(match node.op {
            Op::Dense(dense) => {
                let parts = dense.parts(&node.inputs);
                let weights = Weights::Float(self.tensor(&[Some(parts.weights)], Kind::Weights, &[0])?);
                let bias = parts.bias.map(|bias| self.tensor(&[Some(bias)], Kind::Vector, &[0])).transpose()?;
                Step::Linear { x, weights, bias, activation: dense.activation, residual, out }
            }
            Op::LayerNorm(norm) => {
                let (gamma, beta) = (self.vector(node.inputs[1])?, self.vector(node.inputs[2])?);
                Step::LayerNorm { x, gamma, beta, epsilon: norm.epsilon, out, quantized: None }
            }
            Op::Normalize(_) => Step::Normalize { x, out },
            Op::Softmax(_) => Step::Softmax { x, out },
            _ => return Err(Problem::inputs("it does not go over fields")),
        })
    }
}

/// The sizes of the axes after that of the rows.
fn sizes(ty: &Type) -> Vec<usize> {
    ty.row().iter().map(|dim: &Dim| dim.fixed().unwrap_or(1)).collect()
}

/// For each place of a value of `shape` the column of one of `of` where `moved` says that it stands.
fn picked(shape: &[usize], of: &[usize], moved: impl Fn(&mut [usize])) -> impl Iterator<Item = usize> {
    (0..shape.iter().product()).map(move |mut flat: usize| {
        let mut at = vec![0; shape.len()];
        for (at, size) in at.iter_mut().zip(shape).rev() {
            *at = flat % size;
            flat /= size;
        }
        moved(&mut at);
        at.iter().zip(of).fold(0, |flat, (at, size)| flat * size + at)
    })
}

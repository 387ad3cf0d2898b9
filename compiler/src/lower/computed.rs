//! Nodes of a network that compute rows from rows, and tensors that are made for them.

use super::{Kind, Lower, LoweredTensor, Lowering, Part, Problem, rows};
use crate::graph::{Constant, Node, Type, ValueId};
use crate::ops::Op;
use modeldeploy_format::DType;
use modeldeploy_format::program::{SlotId, Step, Storage, TensorId};
use modeldeploy_format::tensor::Layout;

/// The most products of rows that a product of matrices is taken apart into.
const PRODUCTS: usize = 1 << 8;

impl Lowering<'_> {
    pub(super) fn network_node(&mut self, id: ValueId, node: &Node) -> Lower {
        let ty = self.graph.ty(id).clone();
        match &node.op {
            Op::Reshape(_) | Op::Concat(_) | Op::Slice(_) | Op::Select(_) | Op::Transpose(_) => self.moved(id, node),
            Op::Add(_) => {
                let (a, b) = (self.operand(node.inputs[0], &ty)?, self.operand(node.inputs[1], &ty)?);
                let out = self.slot(id)?;
                self.push(Step::Add { a, b, out })
            }
            Op::Sub(_) => {
                let (a, b) = (self.operand(node.inputs[0], &ty)?, self.operand(node.inputs[1], &ty)?);
                let negative = self.scaled(b, &node.name, -1.0)?;
                let out = self.slot(id)?;
                self.push(Step::Add { a, b: negative, out })
            }
            Op::Mul(_) => self.product(id, node, &ty),
            Op::Affine(_) => {
                let x = self.together(node.inputs[0])?;
                let (gamma, beta) = (self.row(node.inputs[1], &ty)?, self.row(node.inputs[2], &ty)?);
                let out = self.slot(id)?;
                self.push(Step::Affine { x, gamma, beta, out })
            }
            Op::ReduceSum(reduce) => self.sum(id, node, reduce.axis, false),
            Op::ReduceMean(reduce) => self.sum(id, node, reduce.axis, true),
            Op::ReduceMax(reduce) => {
                let (x, fields) = self.fields(id, node.inputs[0], reduce.axis)?;
                let out = self.slot(id)?;
                self.push(Step::Max { x, fields, out })
            }
            Op::IdMask(mask) => self.mask(id, node, *mask),
            Op::MaskedAttention(masked) => self.masked_attention(id, node, *masked),
            Op::Dot(_) => {
                let (a, b) = (self.together(node.inputs[0])?, self.together(node.inputs[1])?);
                let out = self.slot(id)?;
                self.push(Step::Dot { a, b, out })
            }
            Op::Pairs(pairs) => {
                let fields = self.graph.ty(node.inputs[0]).row()[0].fixed().unwrap_or(0);
                let fields = u32::try_from(fields).map_err(|_| Problem::inputs("there are too many fields"))?;
                let (x, out) = (self.together(node.inputs[0])?, self.slot(id)?);
                self.push(Step::Pairs { x, fields, triangle: pairs.triangle, diagonal: pairs.diagonal, out })
            }
            Op::MatMul(matmul) => self.products(id, node, matmul.transpose_b),
            Op::Lstm(lstm) => {
                let x = self.together(node.inputs[0])?;
                let weights = self.tensor(&[Some(node.inputs[1])], Kind::Weights, &[0])?;
                let out = self.slot(id)?;
                self.push(Step::Lstm { x, weights, backward: lstm.backward, out })
            }
            Op::Gru(gru) => {
                let x = self.together(node.inputs[0])?;
                let weights = self.tensor(&[Some(node.inputs[1])], Kind::Weights, &[0])?;
                let bias = self.vector(node.inputs[2])?;
                let out = self.slot(id)?;
                self.push(Step::Gru { x, weights, bias, backward: gru.backward, out })
            }
            Op::Dense(_) | Op::LayerNorm(_) | Op::Normalize(_) | Op::Softmax(_)
                if self.graph.ty(node.inputs[0]).row().len() != 1 =>
            {
                self.by_field(id, node)
            }
            _ => self.text_node(id, node),
        }
    }

    /// `a · b`; where one has one number for all of a row, it stands second.
    fn product(&mut self, id: ValueId, node: &Node, ty: &Type) -> Lower {
        let [a, b] = node.inputs[..] else { return Err(Problem::inputs("it takes two values")) };
        let full = |id: ValueId| self.graph.ty(id).shape == ty.shape;
        let one = |id: ValueId| {
            let own = self.graph.ty(id);
            own.rows() == ty.rows() && own.row().iter().all(|dim| dim.fixed() == Some(1))
        };
        let (a, b) = match (full(a) && one(b), full(b) && one(a)) {
            (true, _) => (self.together(a)?, self.together(b)?),
            (_, true) => (self.together(b)?, self.together(a)?),
            _ => (self.operand(a, ty)?, self.operand(b, ty)?),
        };
        let out = self.slot(id)?;
        self.push(Step::Mul { a, b, out })
    }

    /// A sum or a mean along an axis after that of the rows.
    fn sum(&mut self, id: ValueId, node: &Node, axis: usize, mean: bool) -> Lower {
        let (x, fields) = self.fields(id, node.inputs[0], axis)?;
        if !mean {
            let out = self.slot(id)?;
            return self.push(Step::Sum { x, fields, out });
        }
        let (rows, width) = self.shape(id)?;
        let sum = self.place(rows, Storage::F32, width);
        self.push(Step::Sum { x, fields, out: sum })?;
        let factor = (1.0 / f64::from(fields)) as f32;
        let [gamma, beta] = self.constants(&node.name, [factor, 0.0], width);
        let out = self.slot(id)?;
        self.push(Step::Affine { x: sum, gamma, beta, out })
    }

    /// The numbers of `x` along an axis after that of the rows as fields that stand side by side, each as wide as the value `id`, and how
    /// many they are.
    fn fields(&mut self, id: ValueId, x: ValueId, axis: usize) -> Lower<(SlotId, u32)> {
        let of = self.graph.ty(x).clone();
        let own = axis.checked_sub(usize::from(of.rows().is_some()));
        let fields = own.and_then(|own| of.row().get(own)?.fixed());
        let (Some(own), Some(count)) = (own, fields) else {
            return Err(Problem::inputs("it makes one row of several"));
        };
        let fields = u32::try_from(count).map_err(|_| Problem::inputs("there are too many fields"))?;
        let (rows, width) = self.shape(id)?;
        // Fields that are added stand one after the other; of numbers of one row each is a field.
        let inner: usize = of.row()[own + 1..].iter().filter_map(|dim| dim.fixed()).product();
        let x = if own == 0 {
            self.together(x)?
        } else {
            let outer: usize = of.row()[..own].iter().filter_map(|dim| dim.fixed()).product();
            let columns = (0..count).flat_map(|field| {
                (0..outer).flat_map(move |at| (0..inner).map(move |column| (at * count + field) * inner + column))
            });
            let columns: Vec<(ValueId, usize)> = columns.map(|column| (x, column)).collect();
            let parts = self.gathered(&columns)?;
            self.concat(parts, rows, width.saturating_mul(fields))?
        };
        Ok((x, fields))
    }

    /// A product of two values, taken apart into those of rows.
    fn products(&mut self, id: ValueId, node: &Node, transposed: bool) -> Lower {
        let [a, b] = node.inputs[..] else { return Err(Problem::inputs("it takes two values")) };
        let size = |id: ValueId, back: usize| {
            let row = self.graph.ty(id).row();
            row.len().checked_sub(back).map(|at| row[at].fixed().unwrap_or(0))
        };
        let (m, k) = (size(a, 2).unwrap_or(1), size(a, 1).unwrap_or(0));
        let Some(n) = size(b, if transposed { 2 } else { 1 }) else {
            return Err(Problem::inputs("it is a product of rows that are no matrix"));
        };
        let matrices = self.graph.ty(a).row().len() <= 2 && self.graph.ty(b).row().len() == 2;
        if self.graph.is_const(a) || self.graph.is_const(b) || !matrices || m.saturating_mul(n) > PRODUCTS {
            return Err(Problem::inputs("it is a product of values that is no layer, and no few rows by few others"));
        }
        let (rows, _) = self.shape(id)?;
        let width = u32::try_from(k).map_err(|_| Problem::inputs("its rows are too wide"))?;
        let row = |this: &mut Self, of: ValueId, columns: Vec<usize>| {
            let (own, _) = this.shape(of)?;
            let columns: Vec<(ValueId, usize)> = columns.into_iter().map(|column| (of, column)).collect();
            let parts = this.gathered(&columns)?;
            this.concat(parts, own, width)
        };
        let left = (0..m).map(|at| row(self, a, (at * k..(at + 1) * k).collect())).collect::<Lower<Vec<SlotId>>>()?;
        let right = (0..n)
            .map(|at| {
                let columns =
                    if transposed { (at * k..(at + 1) * k).collect() } else { (0..k).map(|it| it * n + at).collect() };
                row(self, b, columns)
            })
            .collect::<Lower<Vec<SlotId>>>()?;
        let mut parts = Vec::new();
        for &a in &left {
            for &b in &right {
                // A user's row stands second.
                let (a, b) = if self.slots[a.0 as usize].rows == rows { (a, b) } else { (b, a) };
                let out = self.place(rows, Storage::F32, 1);
                self.push(Step::Dot { a, b, out })?;
                parts.push(whole(out, 1));
            }
        }
        self.spread.insert(id, parts);
        Ok(())
    }

    /// `x` times a number, in a slot of its own.
    fn scaled(&mut self, x: SlotId, name: &str, by: f32) -> Lower<SlotId> {
        let slot = self.slots[x.0 as usize];
        let [gamma, beta] = self.constants(name, [by, 0.0], slot.width);
        let out = self.place(slot.rows, Storage::F32, slot.width);
        self.push(Step::Affine { x, gamma, beta, out })?;
        Ok(out)
    }

    /// Rows of one number each.
    fn constants<const N: usize>(&mut self, name: &str, numbers: [f32; N], width: u32) -> [TensorId; N] {
        numbers.map(|number| {
            let constant = Constant::f32([width as usize], &vec![number; width as usize]);
            self.made(format!("{name}.{number}"), constant)
        })
    }

    /// A constant as a row of a value of that type.
    fn row(&mut self, id: ValueId, ty: &Type) -> Lower<TensorId> {
        let (_, width) = self.flat(ty)?;
        if self.graph.ty(id).shape[..] == [crate::graph::Dim::Fixed(width)] {
            return self.vector(id);
        }
        let constant = self.graph.as_const(id).ok_or_else(|| Problem::inputs("its factor is computed"))?;
        let (numbers, name) = (constant.to_f32(), self.graph.node(id).name.clone());
        let numbers: Vec<f32> =
            rows::repeated(self.graph.ty(id), ty)?.into_iter().map(|column| numbers[column]).collect();
        Ok(self.made(format!("{name}.row"), Constant::f32([width], &numbers)))
    }

    /// A vector that is no constant of the graph; the same one twice is one tensor.
    fn made(&mut self, name: String, constant: Constant) -> TensorId {
        let same = |tensor: &LoweredTensor| {
            tensor.layout == Layout::Plain && matches!(&tensor.parts[..], [Part::Constant(other)] if *other == constant)
        };
        let at = self.tensors.iter().position(same).unwrap_or_else(|| {
            let dims = constant.shape().iter().map(|&size| u32::try_from(size).expect("a row is at most the bound"));
            let dims = dims.collect();
            let parts = vec![Part::Constant(constant)];
            self.tensors.push(LoweredTensor { name, parts, layout: Layout::Plain, dims, dtype: DType::F32 });
            self.tensors.len() - 1
        });
        TensorId(u32::try_from(at).expect("a program has under 2^32 tensors"))
    }
}

/// All of a slot, as a part.
pub(super) fn whole(slot: SlotId, width: u32) -> modeldeploy_format::program::Part {
    modeldeploy_format::program::Part::View(modeldeploy_format::program::View { slot, column: 0, width })
}

//! Rows of one table, of as many ids as are given, added up: an embedding where it is one.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Elem, Node, Type, ValueId};
use candle_core::{D, Tensor};

/// `out = Σ table[index[i]]`, or their mean: inputs `(table f32[rows, n], index)`, or for a quantized table
/// `(codes i8[rows, n], scales f32[rows], index)`. The index is `[rows?, count]`, or `[rows?]` where the count is 1; the value is
/// `f32[rows?, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bag {
    /// How many ids each row has.
    pub count: usize,
    /// Whether it is their mean, not their sum.
    pub mean: bool,
}

/// The inputs of a bag by what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BagInputs {
    /// f32 (which may be stored as bf16) or i8, `[rows, n]`.
    pub table: ValueId,
    /// f32 `[rows]`, for an i8 table: what one code of a row is worth.
    pub scales: Option<ValueId>,
    /// Which rows.
    pub index: ValueId,
}

impl Bag {
    /// A node with these inputs.
    pub fn node(self, inputs: BagInputs) -> Node {
        let BagInputs { table, scales, index } = inputs;
        Node::new(self, [Some(table), scales, Some(index)].into_iter().flatten().collect::<Vec<_>>())
    }

    /// The inputs of a node of this operator by what they are.
    ///
    /// # Panics
    ///
    /// If there are not two or three.
    pub fn parts(inputs: &[ValueId]) -> BagInputs {
        match *inputs {
            [table, index] => BagInputs { table, scales: None, index },
            [table, scales, index] => BagInputs { table, scales: Some(scales), index },
            _ => panic!("a bag has two or three inputs"),
        }
    }
}

impl Operator for Bag {
    const NAME: &'static str = "bag";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let (table, scales, index) = match inputs {
            [table, index] => (table, None, index),
            [table, scales, index] => (table, Some(scales), index),
            _ => return Err(format!("it takes 2 or 3 inputs, not {}", inputs.len())),
        };
        let (rows, n) = shapes::matrix("the table", table)?;
        shapes::elem("the table", table, if scales.is_some() { Elem::I8 } else { Elem::F32 })?;
        scales.map_or(Ok(()), |scales| shapes::vector("the scales", scales, rows))?;
        shapes::elem("the index", index, Elem::Index)?;
        let wanted = (self.count != 1).then_some(Dim::Fixed(self.count));
        if self.count == 0 || index.row() != wanted.as_slice() {
            return Err(format!("the index is {index}, where {} ids of each row are needed", self.count));
        }
        Ok(Type::f32(index.rows().into_iter().chain([n.into()]).collect::<Vec<_>>()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let ([table, .., index], n) = (inputs, inputs[0].dim(D::Minus1)?) else {
            unreachable!("`infer` took its inputs")
        };
        let flat = index.flatten_all()?;
        let mut rows = table.index_select(&flat, 0)?;
        if let [_, scales, _] = inputs {
            rows = rows.broadcast_mul(&scales.index_select(&flat, 0)?.unsqueeze(1)?)?;
        }
        let outer = &index.dims()[..index.rank() - usize::from(self.count != 1)];
        let rows = rows.reshape(((), self.count, n))?;
        let pooled = if self.mean { rows.mean(1)? } else { rows.sum(1)? };
        pooled.reshape([outer, &[n]].concat())
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("count", self.count);
        attributes.flag("mean", self.mean);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { count: attributes.take("count")?, mean: attributes.take_flag("mean")? })
    }
}

//! Rows of one table, of as many ids as are given, added up: an embedding where it is one.

use super::{Attributes, Operator, TableInputs, Text, shapes, table};
use crate::graph::{Dim, Elem, Node, Type, ValueId};
use candle_core::{D, Tensor};

/// `out = Σ table[index[i]]`, or their mean: inputs are those of a [table](TableInputs), and then the index. It is `[rows?, count]`, or
/// `[rows?]` where the count is 1; the value is `f32[rows?, n]`.
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
    /// The table.
    pub table: TableInputs,
    /// Which rows.
    pub index: ValueId,
}

impl Bag {
    /// A node with these inputs.
    pub fn node(self, inputs: BagInputs) -> Node {
        Node::new(self, inputs.table.inputs().chain([inputs.index]).collect::<Vec<_>>())
    }

    /// The inputs of a node of this operator by what they are.
    ///
    /// # Panics
    ///
    /// If there are not two to four.
    pub fn parts(inputs: &[ValueId]) -> BagInputs {
        let (&index, table) = inputs.split_last().expect("a bag has an index");
        BagInputs { table: TableInputs::of(table), index }
    }
}

impl Operator for Bag {
    const NAME: &'static str = "bag";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let (index, table) = inputs.split_last().ok_or("it takes a table and an index")?;
        let (_, n) = table::infer(table)?;
        shapes::elem("the index", index, Elem::Index)?;
        let wanted = (self.count != 1).then_some(Dim::Fixed(self.count));
        if self.count == 0 || index.row() != wanted.as_slice() {
            return Err(format!("the index is {index}, where {} ids of each row are needed", self.count));
        }
        Ok(Type::f32(index.rows().into_iter().chain([n.into()]).collect::<Vec<_>>()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let ([table @ .., index], n) = (inputs, inputs[0].dim(D::Minus1)?) else {
            unreachable!("`infer` took its inputs")
        };
        let rows = table::rows(table, &index.flatten_all()?)?;
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

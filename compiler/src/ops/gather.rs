//! Rows of a table.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

/// `out[t] = table[index[t]]`: inputs `(table[rows, …], index[…])`; the axes of the index come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather;

impl Operator for Gather {
    const NAME: &'static str = "gather";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [table, index] = shapes::exactly(inputs)?;
        shapes::elem("the table", table, Elem::F32)?;
        shapes::elem("the index", index, Elem::Index)?;
        match &table.shape[..] {
            [_, row @ ..] => Ok(Type::f32([&index.shape, row].concat())),
            [] => Err("the table has no rows".to_owned()),
        }
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let [table, index] = inputs else { unreachable!("`infer` took two inputs") };
        let rows = table.index_select(&index.flatten_all()?, 0)?;
        rows.reshape([index.dims(), &table.dims()[1..]].concat())
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

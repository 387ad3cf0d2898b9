//! Rows of a table.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

/// `out[t] = table[index[t]]`: inputs `(table[rows, …], index[n])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather;

impl Operator for Gather {
    const NAME: &'static str = "gather";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [table, index] = shapes::exactly(inputs)?;
        shapes::elem("the table", table, Elem::F32)?;
        shapes::elem("the index", index, Elem::Index)?;
        match (&table.shape[..], &index.shape[..]) {
            ([_, row @ ..], [count]) => Ok(Type::f32([&[*count], row].concat())),
            _ => Err("the table has no rows, or the index is not a vector".to_owned()),
        }
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        inputs[0].index_select(&inputs[1], 0)
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

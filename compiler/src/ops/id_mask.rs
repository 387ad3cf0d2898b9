//! One of two numbers by an id: the mask of padding.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

/// `equal` where `index` is `id`, else `other`: an input `index[rows?]`, value `f32[rows?]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdMask {
    /// What ids are compared with.
    pub id: u32,
    /// The number where they are that.
    pub equal: f32,
    /// The number where they are others.
    pub other: f32,
}

impl Operator for IdMask {
    const NAME: &'static str = "id_mask";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [index] = shapes::exactly(inputs)?;
        shapes::elem("the index", index, Elem::Index)?;
        if !index.row().is_empty() {
            return Err(format!("the index is {index}, where one id of each row is needed"));
        }
        if self.equal.is_nan() || self.other.is_nan() {
            return Err(format!("the numbers are {} and {}", self.equal, self.other));
        }
        Ok(Type::f32(index.shape.clone()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let ids: Vec<u32> = inputs[0].flatten_all()?.to_vec1()?;
        let number = |id: u32| if id == self.id { self.equal } else { self.other };
        Tensor::from_iter(ids.into_iter().map(number), inputs[0].device())?.reshape(inputs[0].dims())
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("id", self.id);
        attributes.set("equal", format_args!("{:?}", self.equal));
        attributes.set("other", format_args!("{:?}", self.other));
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { id: attributes.take("id")?, equal: attributes.take("equal")?, other: attributes.take("other")? })
    }
}

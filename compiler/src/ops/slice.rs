//! A part of an axis.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Type};
use candle_core::Tensor;

/// `len` places from `start` on along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which axis.
    pub axis: usize,
    /// The first place. On the axis of tokens, the text must have it.
    pub start: usize,
    /// How many places.
    pub len: usize,
}

impl Operator for Slice {
    const NAME: &'static str = "slice";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::axis(self.axis, x)?;
        let end = self.start.checked_add(self.len).filter(|_| self.len > 0).ok_or("the part is empty or endless")?;
        if let Dim::Fixed(size) = x.shape[self.axis]
            && size < end
        {
            return Err(format!("{x} has no places {}..{end} on axis {}", self.start, self.axis));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = Dim::Fixed(self.len);
        Ok(Type::new(x.elem, shape))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        inputs[0].narrow(self.axis, self.start, self.len)?.contiguous()
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("axis", self.axis);
        attributes.set("start", self.start);
        attributes.set("len", self.len);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { axis: attributes.take("axis")?, start: attributes.take("start")?, len: attributes.take("len")? })
    }
}

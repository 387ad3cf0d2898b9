//! Some places of an axis, in an order.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Type};
use candle_core::{Device, Tensor};

/// The listed places of an axis of fixed size, each as often as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Which axis.
    pub axis: usize,
    /// Which places, in order.
    pub places: Vec<usize>,
}

impl Operator for Select {
    const NAME: &'static str = "select";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::axis(self.axis, x)?;
        let Dim::Fixed(size) = x.shape[self.axis] else {
            return Err(format!("axis {} of {x} has no fixed size", self.axis));
        };
        if self.places.is_empty() || self.places.iter().any(|&place| place >= size) {
            return Err(format!("{:?} are not places of axis {} of {x}", self.places, self.axis));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = Dim::Fixed(self.places.len());
        Ok(Type::new(x.elem, shape))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let places = Tensor::from_iter(self.places.iter().map(|&place| place as u32), &Device::Cpu)?;
        inputs[0].contiguous()?.index_select(&places, self.axis)
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("axis", self.axis);
        attributes.set("places", format_args!("{:?}", self.places));
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { axis: attributes.take("axis")?, places: attributes.list("places")? })
    }
}

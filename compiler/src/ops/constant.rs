//! A constant as an operator without inputs.

use super::{Attributes, Operator, Text};
use crate::graph::{Constant, Type};
use candle_core::{Device, Tensor};

impl Operator for Constant {
    const NAME: &'static str = "constant";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        super::shapes::exactly::<0>(inputs)?;
        Ok(self.ty())
    }

    fn eval(&self, _: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        Tensor::from_vec(self.to_f32(), self.shape(), &Device::Cpu)
    }

    /// The text form binds constants by their names.
    fn read(_: &mut Attributes) -> Result<Self, String> {
        Err("a constant is written `constant \"name\" dtype[shape]`".to_owned())
    }
}

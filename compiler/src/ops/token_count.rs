//! The number of the text's tokens, as a number to compute with.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::Type;
use candle_core::{Device, Tensor};

/// How many tokens the text has, as one f32 of rank 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount;

impl Operator for TokenCount {
    const NAME: &'static str = "token_count";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        shapes::exactly::<0>(inputs)?;
        Ok(Type::f32([]))
    }

    fn eval(&self, _: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        Tensor::new(text.sizes().tokens as f32, &Device::Cpu)
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

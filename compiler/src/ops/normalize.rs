//! Rows of unit length.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::{D, Tensor};

/// `x / max(‖x‖₂, 1e-12)` over the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalize;

impl Operator for Normalize {
    const NAME: &'static str = "normalize";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        shapes::width("the input", x)?;
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let length = inputs[0].sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
        inputs[0].broadcast_div(&length.maximum(1e-12)?)
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

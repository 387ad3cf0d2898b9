//! Softmax over the last axis.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::{D, Tensor};

/// `exp(x) / Σ exp(x)` over the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax;

impl Operator for Softmax {
    const NAME: &'static str = "softmax";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        if x.rank() == 0 {
            return Err("a number alone has no last axis".to_owned());
        }
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        softmax(&inputs[0])
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

/// Softmax over the last axis; the greatest number is taken off first, so that nothing overflows.
pub(super) fn softmax(x: &Tensor) -> candle_core::Result<Tensor> {
    let e = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    e.broadcast_div(&e.sum_keepdim(D::Minus1)?)
}

//! Scores that are hidden from tokens before.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::{Device, Tensor};

/// `f32[heads, tokens, tokens]` with −∞ where the second token comes after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Causal;

impl Operator for Causal {
    const NAME: &'static str = "causal";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        match x.shape[..] {
            [_, Dim::Tokens, Dim::Tokens] => Ok(x.clone()),
            _ => Err(format!("{x} are no scores of tokens")),
        }
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        hide(&inputs[0])
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

/// The scores, hidden.
pub(super) fn hide(scores: &Tensor) -> candle_core::Result<Tensor> {
    let tokens = scores.dim(candle_core::D::Minus1)?;
    let hidden = (0..tokens * tokens).map(|at| if at % tokens > at / tokens { f32::NEG_INFINITY } else { 0.0 });
    let mask = Tensor::from_iter(hidden, &Device::Cpu)?.reshape((tokens, tokens))?;
    scores.broadcast_add(&mask.to_dtype(scores.dtype())?)
}

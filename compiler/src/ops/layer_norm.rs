//! Layer normalization (Ba et al. 2016).

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::{D, Tensor};

/// `(x − mean) / √(variance + epsilon) · gamma + beta` over the last axis: inputs `(x[…, n], gamma[n], beta[n])`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance.
    pub epsilon: f32,
}

impl Operator for LayerNorm {
    const NAME: &'static str = "layer_norm";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x, gamma, beta] = shapes::exactly(inputs)?;
        shapes::elem("x", x, Elem::F32)?;
        let n = shapes::width("x", x)?;
        shapes::vector("gamma", gamma, n)?;
        shapes::vector("beta", beta, n)?;
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            return Err(format!("epsilon is {}", self.epsilon));
        }
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let [x, gamma, beta] = inputs else { unreachable!("`infer` took three inputs") };
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let deviation = (variance + f64::from(self.epsilon))?.sqrt()?;
        centred.broadcast_div(&deviation)?.broadcast_mul(gamma)?.broadcast_add(beta)
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("epsilon", format_args!("{:?}", self.epsilon));
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { epsilon: attributes.take("epsilon")? })
    }
}

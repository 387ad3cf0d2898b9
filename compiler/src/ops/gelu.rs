//! The Gaussian error linear unit (Hendrycks and Gimpel 2016).

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

/// `x · Φ(x)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gelu {
    /// By the approximation with `tanh`, instead of the error function.
    pub tanh: bool,
}

impl Operator for Gelu {
    const NAME: &'static str = "gelu";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        if self.tanh { inputs[0].gelu() } else { inputs[0].gelu_erf() }
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.flag("tanh", self.tanh);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { tanh: attributes.take_flag("tanh")? })
    }
}

//! An activation alone, and the names and meaning of the activations that stand at the end of dense layers.

use super::{Activation, Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

/// `activation(x)`, element by element: what is left of activations after fusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activate {
    /// Which function.
    pub activation: Activation,
}

impl Operator for Activate {
    const NAME: &'static str = "activate";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        activate(&inputs[0], self.activation)
    }

    fn write(&self, attributes: &mut Attributes) {
        write(attributes, self.activation);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { activation: read(attributes)? })
    }
}

/// The activation of a tensor.
pub(crate) fn activate(x: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
    let sigmoid = |x: &Tensor| (x.neg()?.exp()? + 1.0)?.recip();
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Relu => x.relu(),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => sigmoid(x),
        Activation::Silu => x * sigmoid(x)?,
    }
}

fn name(activation: Activation) -> &'static str {
    match activation {
        Activation::Identity => "identity",
        Activation::Relu => "relu",
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_tanh",
        Activation::Tanh => "tanh",
        Activation::Sigmoid => "sigmoid",
        Activation::Silu => "silu",
    }
}

pub(super) fn write(attributes: &mut Attributes, activation: Activation) {
    attributes.set("activation", name(activation));
}

pub(super) fn read(attributes: &mut Attributes) -> Result<Activation, String> {
    let text: String = attributes.take("activation")?;
    let found = Activation::ALL.into_iter().find(|&activation| name(activation) == text);
    found.ok_or_else(|| format!("there is no activation `{text}`"))
}

//! Long short-term memory over the tokens, from a state and a cell of zeros (Hochreiter and Schmidhuber 1997).

use super::{Attributes, Operator, Text, activate, gru::walked, matmul::matmul, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::Tensor;
use modeldeploy_format::program::Activation;

/// The state after each token: inputs `(x f32[tokens, 4 · n], weights f32[4 · n, n])`, value `f32[tokens, n]`. With
/// `[i, f, g, o] = x + h · weightsᵀ`: `c = σ(f) · c + σ(i) · tanh(g)`, `h = σ(o) · tanh(c)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lstm {
    /// Whether it goes from the last token to the first.
    pub backward: bool,
}

impl Operator for Lstm {
    const NAME: &'static str = "lstm";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x, weights] = shapes::exactly(inputs)?;
        shapes::elem("x", x, Elem::F32)?;
        shapes::elem("the weights", weights, Elem::F32)?;
        let (gates, n) = shapes::matrix("the weights", weights)?;
        if Some(gates) != n.checked_mul(4) || x.shape[..] != [Dim::Tokens, gates.into()] {
            return Err(format!("{x} are not the four gates of weights {weights}"));
        }
        Ok(Type::f32([Dim::Tokens, n.into()]))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let [x, weights] = inputs else { unreachable!("`infer` took two inputs") };
        let n = weights.dim(1)?;
        let turned = weights.t()?;
        let sigmoid = |x: Tensor| activate(&x, Activation::Sigmoid);
        let mut state = Tensor::zeros((1, n), x.dtype(), x.device())?;
        let mut cell = state.clone();
        walked(x, self.backward, |row| {
            let sum = (row + matmul(&state, &turned)?)?;
            let gate = |at: usize| sum.narrow(1, at * n, n);
            let new = (sigmoid(gate(0)?)? * gate(2)?.tanh()?)?;
            cell = ((sigmoid(gate(1)?)? * &cell)? + new)?;
            state = (sigmoid(gate(3)?)? * cell.tanh()?)?;
            Ok(state.clone())
        })
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.flag("backward", self.backward);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { backward: attributes.take_flag("backward")? })
    }
}

//! A gated recurrent unit over the tokens, from a state of zeros (Cho et al. 2014).

use super::{Attributes, Operator, Text, activate, matmul::matmul, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::Tensor;
use modeldeploy_format::program::Activation;

/// The state after each token: inputs `(x f32[tokens, 3 · n], weights f32[3 · n, n], bias f32[3 · n])`, value `f32[tokens, n]`. With
/// `[r, z, n] = x` and `[hr, hz, hn] = h · weightsᵀ + bias`: `r = σ(r + hr)`, `z = σ(z + hz)`, `n = tanh(n + r · hn)`,
/// `h = (1 − z) · n + z · h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gru {
    /// Whether it goes from the last token to the first.
    pub backward: bool,
}

impl Operator for Gru {
    const NAME: &'static str = "gru";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x, weights, bias] = shapes::exactly(inputs)?;
        shapes::elem("x", x, Elem::F32)?;
        shapes::elem("the weights", weights, Elem::F32)?;
        let (gates, n) = shapes::matrix("the weights", weights)?;
        shapes::vector("the bias", bias, gates)?;
        if Some(gates) != n.checked_mul(3) || x.shape[..] != [Dim::Tokens, gates.into()] {
            return Err(format!("{x} are not the three gates of weights {weights}"));
        }
        Ok(Type::f32([Dim::Tokens, n.into()]))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let [x, weights, bias] = inputs else { unreachable!("`infer` took three inputs") };
        let n = weights.dim(1)?;
        let turned = weights.t()?;
        let sigmoid = |x: Tensor| activate(&x, Activation::Sigmoid);
        let mut state = Tensor::zeros((1, n), x.dtype(), x.device())?;
        walked(x, self.backward, |row| {
            let hidden = matmul(&state, &turned)?.broadcast_add(bias)?;
            let gate = |of: &Tensor, at: usize| of.narrow(1, at * n, n);
            let r = sigmoid((gate(row, 0)? + gate(&hidden, 0)?)?)?;
            let z = sigmoid((gate(row, 1)? + gate(&hidden, 1)?)?)?;
            let new = (gate(row, 2)? + (r * gate(&hidden, 2)?)?)?.tanh()?;
            state = ((new.clone() - (&z * new)?)? + (z * &state)?)?;
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

/// What becomes of the rows of `x` one after the other, or from the last to the first, each at its own place.
pub(super) fn walked(
    x: &Tensor,
    backward: bool,
    mut after: impl FnMut(&Tensor) -> candle_core::Result<Tensor>,
) -> candle_core::Result<Tensor> {
    let tokens = x.dim(0)?;
    let mut states = Vec::with_capacity(tokens);
    for at in 0..tokens {
        let token = if backward { tokens - 1 - at } else { at };
        states.push(after(&x.narrow(0, token, 1)?)?);
    }
    if backward {
        states.reverse();
    }
    Tensor::cat(&states, 0)
}

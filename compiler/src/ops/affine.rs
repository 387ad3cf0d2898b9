//! A factor and a shift for each column: batch normalization of a trained model, and all that is like it.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

/// `x · gamma + beta`: inputs `(x, gamma, beta)`, the latter two constant and broadcast to `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affine;

impl Operator for Affine {
    const NAME: &'static str = "affine";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x, gamma, beta] = shapes::exactly(inputs)?;
        shapes::elem("x", x, Elem::F32)?;
        for (what, ty) in [("gamma", gamma), ("beta", beta)] {
            shapes::elem(what, ty, Elem::F32)?;
            if ty.shape.iter().any(|dim| dim.fixed().is_none()) || shapes::broadcast(&x.shape, &ty.shape)? != x.shape {
                return Err(format!("{what} is {ty}, which is no row of {x}"));
            }
        }
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        inputs[0].broadcast_mul(&inputs[1])?.broadcast_add(&inputs[2])
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

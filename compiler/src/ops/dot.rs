//! The dot product of two rows.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::{D, Tensor};

/// `Σ a · b` over the last axis: inputs `(f32[rows?, n], f32[rows?, n])`, where the second may be of the user beside candidates; value
/// `f32[rows?]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot;

impl Operator for Dot {
    const NAME: &'static str = "dot";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [a, b] = shapes::exactly(inputs)?;
        shapes::elem("the first input", a, Elem::F32)?;
        shapes::elem("the second input", b, Elem::F32)?;
        let beside = b.rows() == a.rows() || (a.rows(), b.rows()) == (Some(Dim::Candidates), None);
        if !matches!(a.row(), [Dim::Fixed(_)]) || a.row() != b.row() || !beside {
            return Err(format!("rows of {a} are not multiplied by rows of {b}"));
        }
        Ok(Type::f32(a.rows().into_iter().collect::<Vec<_>>()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        inputs[0].broadcast_mul(&inputs[1])?.sum(D::Minus1)
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

//! A linear layer of 8-bit weights on quantized rows.

use super::dense::{self, depth, ends, finish, optional};
use super::{Activation, Attributes, Operator, Text, matmul::matmul, shapes};
use crate::graph::{Elem, Node, Type, ValueId};
use candle_core::Tensor;

/// `activation(x · (codes · scale)ᵀ + bias) + residual`: inputs `(x q8[…, k], codes i8[n, k], scales f32[n], bias[n]?, residual[…, n]?)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseInt8 {
    /// After the bias.
    pub activation: Activation,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether there is a residual, added last.
    pub residual: bool,
}

/// The inputs of an int8 dense layer by what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseInt8Inputs {
    /// q8 `[…, k]`.
    pub x: ValueId,
    /// i8 `[n, k]`, within ±127.
    pub codes: ValueId,
    /// f32 `[n]`: what one code of a channel is worth.
    pub scales: ValueId,
    /// `[n]`.
    pub bias: Option<ValueId>,
    /// `[…, n]`.
    pub residual: Option<ValueId>,
}

impl DenseInt8 {
    /// A node of an int8 dense layer with these inputs.
    pub fn node(activation: Activation, inputs: DenseInt8Inputs) -> Node {
        let DenseInt8Inputs { x, codes, scales, bias, residual } = inputs;
        let op = DenseInt8 { activation, bias: bias.is_some(), residual: residual.is_some() };
        let inputs = [Some(x), Some(codes), Some(scales), bias, residual];
        Node::new(op, inputs.into_iter().flatten().collect::<Vec<_>>())
    }

    /// The inputs of a node of this operator by what they are.
    ///
    /// # Panics
    ///
    /// If there are too few.
    pub fn parts(&self, inputs: &[ValueId]) -> DenseInt8Inputs {
        let (bias, residual) = optional(&inputs[3..], self.bias, self.residual);
        let (bias, residual) = (bias.copied(), residual.copied());
        DenseInt8Inputs { x: inputs[0], codes: inputs[1], scales: inputs[2], bias, residual }
    }
}

impl Operator for DenseInt8 {
    const NAME: &'static str = "dense_int8";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let ([x, codes, scales], rest) = inputs.split_first_chunk().ok_or("it takes x, codes and scales")?;
        shapes::elem("x", x, Elem::Q8)?;
        shapes::elem("the codes", codes, Elem::I8)?;
        let n = depth(x, codes)?;
        shapes::vector("the scales", scales, n)?;
        ends(x, n, rest, self.bias, self.residual)
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let y = matmul(&inputs[0], &inputs[1].t()?)?.broadcast_mul(&inputs[2])?;
        finish(y, &inputs[3..], self.activation, self.bias, self.residual)
    }

    fn write(&self, attributes: &mut Attributes) {
        dense::write(attributes, self.activation, self.bias, self.residual);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let (activation, bias, residual) = dense::read(attributes)?;
        Ok(Self { activation, bias, residual })
    }
}

//! A linear layer with what follows it.

use super::{Activation, Attributes, Operator, Text, activation, matmul::matmul, shapes};
use crate::graph::{Elem, Node, Type, ValueId};
use candle_core::Tensor;

/// `activation(x · wᵀ + bias) + residual`: inputs `(x[…, k], w[n, k], bias[n]?, residual[…, n]?)`, value `[…, n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// After the bias.
    pub activation: Activation,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether there is a residual, added last.
    pub residual: bool,
}

/// The inputs of a dense layer by what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseInputs {
    /// `[…, k]`.
    pub x: ValueId,
    /// `[n, k]`.
    pub weights: ValueId,
    /// `[n]`.
    pub bias: Option<ValueId>,
    /// `[…, n]`.
    pub residual: Option<ValueId>,
}

impl Dense {
    /// A node of a dense layer with these inputs.
    pub fn node(activation: Activation, inputs: DenseInputs) -> Node {
        let DenseInputs { x, weights, bias, residual } = inputs;
        let op = Dense { activation, bias: bias.is_some(), residual: residual.is_some() };
        Node::new(op, [Some(x), Some(weights), bias, residual].into_iter().flatten().collect::<Vec<_>>())
    }

    /// The inputs of a node of this operator by what they are.
    ///
    /// # Panics
    ///
    /// If there are too few.
    pub fn parts(&self, inputs: &[ValueId]) -> DenseInputs {
        let (bias, residual) = optional(&inputs[2..], self.bias, self.residual);
        DenseInputs { x: inputs[0], weights: inputs[1], bias: bias.copied(), residual: residual.copied() }
    }
}

impl Operator for Dense {
    const NAME: &'static str = "dense";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let ([x, weights], rest) = inputs.split_first_chunk().ok_or("it takes x and weights")?;
        shapes::elem("x", x, Elem::F32)?;
        shapes::elem("the weights", weights, Elem::F32)?;
        let n = depth(x, weights)?;
        ends(x, n, rest, self.bias, self.residual)
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let y = matmul(&inputs[0], &inputs[1].t()?)?;
        finish(y, &inputs[2..], self.activation, self.bias, self.residual)
    }

    fn write(&self, attributes: &mut Attributes) {
        write(attributes, self.activation, self.bias, self.residual);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let (activation, bias, residual) = read(attributes)?;
        Ok(Self { activation, bias, residual })
    }
}

pub(super) fn write(attributes: &mut Attributes, activation: Activation, bias: bool, residual: bool) {
    activation::write(attributes, activation);
    attributes.flag("bias", bias);
    attributes.flag("residual", residual);
}

/// Activation, bias and residual, as [`write`] wrote them.
pub(super) fn read(attributes: &mut Attributes) -> Result<(Activation, bool, bool), String> {
    Ok((activation::read(attributes)?, attributes.take_flag("bias")?, attributes.take_flag("residual")?))
}

/// Bias and residual among the inputs after the product's, each where its flag is set.
pub(super) fn optional<T>(rest: &[T], bias: bool, residual: bool) -> (Option<&T>, Option<&T>) {
    let mut rest = rest.iter();
    let mut next = |there: bool| there.then(|| rest.next().expect("an input for each flag"));
    (next(bias), next(residual))
}

/// The width `n` of `x[…, k] · w[n, k]ᵀ`.
pub(super) fn depth(x: &Type, weights: &Type) -> Result<usize, String> {
    let (n, k) = shapes::matrix("the weights", weights)?;
    match shapes::width("x", x)? {
        width if width == k => Ok(n),
        width => Err(format!("x is {width} wide, but the weights take {k}")),
    }
}

/// Checks bias and residual, and gives the type of the value.
pub(super) fn ends(x: &Type, n: usize, rest: &[Type], bias: bool, residual: bool) -> Result<Type, String> {
    let out = Type::f32(shapes::with_width(&x.shape, n));
    let mut rest = rest.iter();
    if bias {
        shapes::vector("the bias", rest.next().ok_or("the bias is missing")?, n)?;
    }
    if residual {
        let ty = rest.next().ok_or("the residual is missing")?;
        if *ty != out {
            return Err(format!("the residual is {ty}, where {out} is needed"));
        }
    }
    if rest.next().is_some() {
        return Err("there are too many inputs".to_owned());
    }
    Ok(out)
}

/// Bias, activation and residual after a product.
pub(super) fn finish(
    y: Tensor,
    rest: &[Tensor],
    activation: Activation,
    bias: bool,
    residual: bool,
) -> candle_core::Result<Tensor> {
    let (bias, residual) = optional(rest, bias, residual);
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    let y = super::activate(&y, activation)?;
    match residual {
        Some(residual) => y + residual,
        None => Ok(y),
    }
}

//! Sums, products and their kin, number by number; shapes go together as NumPy's do.

use super::number::{Number, numbers};
use super::{ANY, Call, Operator, cast, row};
use crate::onnx::indices::{broadcast, places, repeated};
use crate::onnx::tensor::{Tensor, Value};

pub(super) const OPERATORS: &[Operator] = &[
    row("Add", 7, (2, 2), &[], |call| pair(call, Op::Add)).widened(),
    row("Sub", 7, (2, 2), &[], |call| pair(call, Op::Sub)).widened(),
    row("Mul", 7, (2, 2), &[], |call| pair(call, Op::Mul)).widened(),
    row("Div", 7, (2, 2), &[], |call| pair(call, Op::Div)).widened(),
    row("Mod", 10, (2, 2), &["fmod"], modulo).widened(),
    row("Pow", 7, (2, 2), &[], power).widened().mixed(),
    row("Max", 6, (1, ANY), &[], |call| all(call, Op::Max)).widened(),
    row("Min", 6, (1, ANY), &[], |call| all(call, Op::Min)).widened(),
    row("Sum", 6, (1, ANY), &[], |call| all(call, Op::Add)).widened(),
    row("Mean", 6, (1, ANY), &[], mean).widened(),
    row("Neg", 6, (1, 1), &[], |call| each(call, Step::Neg)).widened(),
    row("Abs", 6, (1, 1), &[], |call| each(call, Step::Abs)).widened(),
    row("Sign", 9, (1, 1), &[], |call| each(call, Step::Sign)).widened(),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Modulo,
    Remainder,
    Max,
    Min,
}

/// Two tensors number by number.
pub(super) fn zip<A: Value, B: Value, C: Value>(
    a: &Tensor,
    b: &Tensor,
    mut f: impl FnMut(A, B) -> Result<C, String>,
) -> Result<Tensor, String> {
    let (left, right) = (a.of::<A>()?, b.of::<B>()?);
    let values: Result<Vec<C>, String>;
    let shape;
    if a.shape() == b.shape() {
        shape = a.shape().to_vec();
        values = left.iter().zip(right).map(|(&a, &b)| f(a, b)).collect();
    } else {
        shape = broadcast(a.shape(), b.shape())?;
        let at = |tensor: &Tensor| places(&shape, &repeated(tensor.shape(), &shape), 0);
        values = at(a).into_iter().zip(at(b)).map(|(a, b)| f(left[a], right[b])).collect();
    }
    Tensor::new(shape, C::wrap(values?))
}

/// One tensor number by number.
pub(super) fn map<A: Value, B: Value>(x: &Tensor, f: impl FnMut(A) -> B) -> Result<Tensor, String> {
    let values = x.of::<A>()?.iter().copied().map(f).collect();
    Tensor::new(x.shape(), B::wrap(values))
}

fn compute(op: Op, a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], op: Op, a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
        let none = || "a whole number is divided by 0".to_owned();
        match op {
            Op::Add => zip(a, b, |a: T, b: T| Ok(a.add(b))),
            Op::Sub => zip(a, b, |a: T, b: T| Ok(a.sub(b))),
            Op::Mul => zip(a, b, |a: T, b: T| Ok(a.mul(b))),
            Op::Div => zip(a, b, |a: T, b: T| a.div(b).ok_or_else(none)),
            Op::Modulo => zip(a, b, |a: T, b: T| a.modulo(b).ok_or_else(none)),
            Op::Remainder => zip(a, b, |a: T, b: T| a.remainder(b).ok_or_else(none)),
            // NaN goes through, as NumPy has it.
            Op::Max => zip(a, b, |a: T, b: T| Ok(if a.is_nan() || a > b { a } else { b })),
            Op::Min => zip(a, b, |a: T, b: T| Ok(if a.is_nan() || a < b { a } else { b })),
        }
    }
    numbers!(a, values => typed(values, op, a, b))
}

/// The sum of two tensors, for other families.
pub(super) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
    compute(Op::Add, a, b)
}

fn pair(call: &Call<'_>, op: Op) -> Result<Tensor, String> {
    compute(op, call.input(0)?, call.input(1)?)
}

fn all(call: &Call<'_>, op: Op) -> Result<Tensor, String> {
    let mut sum = call.input(0)?.clone();
    for at in 1..call.inputs.len() {
        sum = compute(op, &sum, call.input(at)?)?;
    }
    Ok(sum)
}

fn mean(call: &Call<'_>) -> Result<Tensor, String> {
    let sum = all(call, Op::Add)?;
    let count = cast::number(call.inputs.len() as f64, sum.elem())?;
    compute(Op::Div, &sum, &count)
}

fn modulo(call: &Call<'_>) -> Result<Tensor, String> {
    let fmod = call.attributes.flag_or("fmod", false)?;
    pair(call, if fmod { Op::Remainder } else { Op::Modulo })
}

/// The exponent may be of another kind than the base.
fn power(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], base: &Tensor, exponent: &Tensor) -> Result<Tensor, String> {
        zip(base, exponent, |base: T, exponent: f64| Ok(base.pow(exponent)))
    }
    let (base, exponent) = (call.input(0)?, cast::to(call.input(1)?, crate::onnx::Elem::F64)?);
    numbers!(base, values => typed(values, base, &exponent))
}

#[derive(Clone, Copy)]
enum Step {
    Neg,
    Abs,
    Sign,
}

fn each(call: &Call<'_>, step: Step) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], x: &Tensor, step: Step) -> Result<Tensor, String> {
        match step {
            Step::Neg => map(x, T::neg),
            Step::Abs => map(x, T::abs),
            Step::Sign => map(x, T::sign),
        }
    }
    let x = call.input(0)?;
    numbers!(x, values => typed(values, x, step))
}

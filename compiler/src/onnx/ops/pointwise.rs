//! Functions of one number.

use super::arithmetic::map;
use super::{Call, Operator, row};
use crate::onnx::elem::Elem;
use crate::onnx::tensor::{Data, Tensor};

/// A row for a function, in both precisions.
macro_rules! function {
    ($name:literal, $since:literal, $narrow:expr, $wide:expr) => {
        row($name, $since, (1, 1), &[], |call| both(call, $narrow, $wide)).widened()
    };
}

pub(super) const OPERATORS: &[Operator] = &[
    function!("Sqrt", 6, f32::sqrt, f64::sqrt),
    function!("Exp", 6, f32::exp, f64::exp),
    function!("Log", 6, f32::ln, f64::ln),
    function!("Reciprocal", 6, f32::recip, f64::recip),
    function!("Erf", 9, libm::erff, libm::erf),
    function!("Sin", 7, f32::sin, f64::sin),
    function!("Cos", 7, f32::cos, f64::cos),
    function!("Tan", 7, f32::tan, f64::tan),
    function!("Asin", 7, f32::asin, f64::asin),
    function!("Acos", 7, f32::acos, f64::acos),
    function!("Atan", 7, f32::atan, f64::atan),
    function!("Sinh", 9, f32::sinh, f64::sinh),
    function!("Cosh", 9, f32::cosh, f64::cosh),
    function!("Tanh", 6, f32::tanh, f64::tanh),
    function!("Asinh", 9, f32::asinh, f64::asinh),
    function!("Acosh", 9, f32::acosh, f64::acosh),
    function!("Atanh", 9, f32::atanh, f64::atanh),
    function!("Round", 11, f32::round_ties_even, f64::round_ties_even),
    row("Floor", 6, (1, 1), &[], |call| kept(call, f32::floor, f64::floor)).widened(),
    row("Ceil", 6, (1, 1), &[], |call| kept(call, f32::ceil, f64::ceil)).widened(),
];

/// A function of f32 or f64 numbers.
pub(super) fn both(call: &Call<'_>, narrow: fn(f32) -> f32, wide: fn(f64) -> f64) -> Result<Tensor, String> {
    apply(call.input(0)?, narrow, wide)
}

pub(super) fn apply(x: &Tensor, narrow: impl Fn(f32) -> f32, wide: impl Fn(f64) -> f64) -> Result<Tensor, String> {
    match x.data() {
        Data::F32(_) => map(x, narrow),
        Data::F64(_) => map(x, wide),
        _ => Err(format!("numbers with fractions are needed, not {x}")),
    }
}

/// A function that leaves whole numbers as they are.
fn kept(call: &Call<'_>, narrow: fn(f32) -> f32, wide: fn(f64) -> f64) -> Result<Tensor, String> {
    let x = call.input(0)?;
    if x.elem().is_float() || x.elem() == Elem::Bool { apply(x, narrow, wide) } else { Ok(x.clone()) }
}

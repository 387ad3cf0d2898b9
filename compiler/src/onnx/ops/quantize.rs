//! Numbers as 8- or 16-bit codes, with a scale and a zero.

use super::{Call, Limit, Operator, arithmetic, cast, row, rows_of, size};
use crate::onnx::elem::Elem;
use crate::onnx::indices::{axis, places, strides};
use crate::onnx::tensor::Tensor;

pub(super) const OPERATORS: &[Operator] = &[
    row("QuantizeLinear", 10, (2, 3), &["axis", "block_size", "output_dtype", "precision", "saturate"], quantize)
        .limits(&[
            Limit::Since("axis", 13),
            Limit::Since("saturate", 19),
            Limit::Since("block_size", 21),
            Limit::Since("output_dtype", 21),
            Limit::Since("precision", 23),
        ]),
    row("DequantizeLinear", 10, (2, 3), &["axis", "block_size", "output_dtype"], dequantize).limits(&[
        Limit::Since("axis", 13),
        Limit::Since("block_size", 21),
        Limit::Since("output_dtype", 23),
    ]),
    rows_of("DynamicQuantizeLinear", 11, (1, 1), 3, &[], dynamic),
];

/// The least and the largest code of a kind.
fn range(elem: Elem) -> Result<(f32, f32), String> {
    Ok(match elem {
        Elem::U8 => (0.0, 255.0),
        Elem::I8 => (-128.0, 127.0),
        Elem::U16 => (0.0, 65535.0),
        Elem::I16 => (-32768.0, 32767.0),
        Elem::U4 => (0.0, 15.0),
        Elem::I4 => (-8.0, 7.0),
        Elem::U2 => (0.0, 3.0),
        Elem::I2 => (-2.0, 1.0),
        _ => return Err(format!("numbers are not quantized to {elem}")),
    })
}

/// Whether numbers are quantized to small floats of this kind.
fn is_code(elem: Elem) -> bool {
    matches!(elem, Elem::F8E4M3Fn | Elem::F8E4M3FnUz | Elem::F8E5M2 | Elem::F8E5M2FnUz | Elem::F4E2M1)
}

/// Scales or zeros as if they had the shape of `x`: one for all, one for each place of an axis, or one for each block of it.
fn spread(call: &Call<'_>, x: &Tensor, of: &Tensor) -> Result<Tensor, String> {
    if of.len() == 1 && of.rank() <= 1 {
        return Ok(of.pick(x.shape(), &vec![0; x.len()]));
    }
    let at = axis(call.attributes.int_or("axis", 1)?, x.rank())?;
    let block = size(call.attributes.int_or("block_size", 0)?)?;
    let wrong = || format!("{of} does not go with {x} along axis {at}");
    let step = strides(x.shape())[at].unsigned_abs();
    if block == 0 {
        if of.shape() != [x.shape()[at]] {
            return Err(wrong());
        }
        let places: Vec<usize> = (0..x.len()).map(|place| place / step % x.shape()[at]).collect();
        return Ok(of.pick(x.shape(), &places));
    }
    let alike = of.rank() == x.rank()
        && (0..x.rank())
            .all(|axis| of.shape()[axis] == if axis == at { x.shape()[axis].div_ceil(block) } else { x.shape()[axis] });
    if !alike {
        return Err(wrong());
    }
    let mut own = strides(of.shape());
    let block_step = own[at].unsigned_abs();
    own[at] = 0;
    let starts = places(x.shape(), &own, 0).into_iter().enumerate();
    let places: Vec<usize> =
        starts.map(|(place, start)| start + place / step % x.shape()[at] / block * block_step).collect();
    Ok(of.pick(x.shape(), &places))
}

fn quantize(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, scale) = (call.input(0)?, call.input(1)?);
    let elem = match (call.optional(2), call.attributes.int_or("output_dtype", 0)?) {
        (Some(zero), _) => zero.elem(),
        (None, 0) => Elem::U8,
        (None, stated) => Elem::of(stated)?,
    };
    let zero = match call.optional(2) {
        Some(zero) => spread(call, x, zero)?,
        None => cast::number(0.0, elem)?.pick(x.shape(), &vec![0; x.len()]),
    };
    codes(&cast::to(x, Elem::F32)?, &cast::to(&spread(call, x, scale)?, Elem::F32)?, &zero)
}

/// The nearest codes, ties to even.
fn codes(x: &Tensor, scale: &Tensor, zero: &Tensor) -> Result<Tensor, String> {
    if is_code(zero.elem()) {
        // Small floats have no zero point and round by themselves.
        let scaled = arithmetic::zip(x, scale, |x: f32, scale: f32| Ok(x / scale))?;
        return cast::to(&scaled, zero.elem());
    }
    let (low, high) = range(zero.elem())?;
    let steps = arithmetic::zip(x, scale, |x: f32, scale: f32| Ok((x / scale).round_ties_even()))?;
    let zeros = cast::to(zero, Elem::F32)?;
    let codes = arithmetic::zip(&steps, &zeros, |steps: f32, zero: f32| Ok((steps + zero).clamp(low, high)))?;
    cast::to(&codes, zero.elem())
}

fn dequantize(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, scale) = (call.input(0)?, call.input(1)?);
    let to = match call.attributes.int_or("output_dtype", 0)? {
        0 => scale.elem(),
        stated => Elem::of(stated)?,
    };
    if is_code(x.elem()) {
        return cast::to(&dequantized(x, &cast::to(&spread(call, x, scale)?, Elem::F32)?)?, to);
    }
    if x.elem().bits() >= 8 && !matches!(x.elem(), Elem::U8 | Elem::I8 | Elem::U16 | Elem::I16 | Elem::I32) {
        return Err(format!("{x} has no codes"));
    }
    let mut codes = cast::to(x, Elem::I32)?;
    if let Some(zero) = call.optional(2) {
        let zero = cast::to(&spread(call, x, zero)?, Elem::I32)?;
        codes = arithmetic::zip(&codes, &zero, |code: i32, zero: i32| Ok(code.wrapping_sub(zero)))?;
    }
    cast::to(&dequantized(&codes, &cast::to(&spread(call, x, scale)?, Elem::F32)?)?, to)
}

/// Whole numbers from their zero, by their scale.
pub(super) fn dequantized(codes: &Tensor, scale: &Tensor) -> Result<Tensor, String> {
    let scale = cast::to(scale, Elem::F32)?;
    let scale = if scale.len() == 1 { scale.reshaped([])? } else { scale };
    let made = arithmetic::zip(&cast::to(codes, Elem::F32)?, &scale, |code: f32, scale: f32| Ok(code * scale))?;
    if made.shape() == codes.shape() { Ok(made) } else { Err(format!("the scales {scale} do not go with {codes}")) }
}

/// Numbers as codes of one scale and zero.
pub(super) fn requantized(x: &Tensor, scale: &Tensor, zero: &Tensor) -> Result<Tensor, String> {
    if scale.len() != 1 || zero.len() != 1 {
        return Err(format!("one scale and one zero are needed, not {scale} and {zero}"));
    }
    codes(x, &cast::to(&scale.reshaped([])?, Elem::F32)?, &zero.reshaped([])?)
}

/// The range of the numbers themselves, with 0 in it, over 255 steps.
fn dynamic(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let values = x.of::<f32>()?;
    if values.iter().any(|x| x.is_nan()) {
        return Err("a number is NaN: there is no range".to_owned());
    }
    let low = values.iter().copied().fold(0.0_f32, f32::min);
    let high = values.iter().copied().fold(0.0_f32, f32::max);
    let scale = (high - low) / 255.0;
    let zero = if scale == 0.0 { 0.0 } else { (-low / scale).clamp(0.0, 255.0).round_ties_even() };
    let (scale, zero) = (Tensor::scalar(scale), Tensor::scalar(zero as u8));
    Ok([codes(x, &scale, &zero)?, scale, zero].into_iter().take(call.outputs).collect())
}

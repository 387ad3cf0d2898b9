//! Axes made longer or shorter by interpolation, one axis after the other.

use super::{Call, Limit, Operator, cast, ints, row, size};
use crate::onnx::elem::Elem;
use crate::onnx::indices::{around, axes};
use crate::onnx::tensor::{Tensor, count};

pub(super) const OPERATORS: &[Operator] = &[
    row(
        "Resize",
        10,
        (1, 4),
        &[
            "antialias",
            "axes",
            "coordinate_transformation_mode",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy",
            "mode",
            "nearest_mode",
        ],
        resize,
    )
    .limits(&[
        Limit::Since("coordinate_transformation_mode", 11),
        Limit::Since("cubic_coeff_a", 11),
        Limit::Since("exclude_outside", 11),
        Limit::Since("extrapolation_value", 11),
        Limit::Since("nearest_mode", 11),
        Limit::Since("antialias", 18),
        Limit::Since("axes", 18),
        Limit::Since("keep_aspect_ratio_policy", 18),
        Limit::Inputs(2, 10),
    ]),
    row("Upsample", 7, (1, 2), &["mode", "scales"], resize)
        .limits(&[Limit::Until("scales", 8), Limit::Inputs(1, 8)])
        .until(9),
];

/// How an axis is resized.
#[derive(Clone, Copy, Debug)]
struct Axis {
    input: usize,
    output: usize,
    scale: f64,
    /// The part that is cut out, where one is.
    roi: (f64, f64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

/// What the node says of all axes.
struct Settings<'a> {
    mode: Mode,
    transformation: &'a str,
    nearest: &'a str,
    a: f64,
    antialias: bool,
    exclude: bool,
}

fn resize(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, attributes) = (call.input(0)?, call.attributes);
    let old = call.opset < 11;
    let mode = match attributes.text_or("mode", "nearest")? {
        "nearest" => Mode::Nearest,
        "linear" | "bilinear" => Mode::Linear,
        "cubic" => Mode::Cubic,
        other => return Err(format!("the mode `{}` is not known", other.escape_debug())),
    };
    // Opset 10 and Upsample had no say in these.
    let settings = Settings {
        mode,
        transformation: if old {
            "asymmetric"
        } else {
            attributes.text_or("coordinate_transformation_mode", "half_pixel")?
        },
        nearest: if old { "floor" } else { attributes.text_or("nearest_mode", "round_prefer_floor")? },
        a: attributes.float_or("cubic_coeff_a", -0.75)?.into(),
        antialias: attributes.flag_or("antialias", false)?,
        exclude: attributes.flag_or("exclude_outside", false)?,
    };
    let elem = x.elem();
    let mut made = cast::to(x, Elem::F64)?;
    let mut outside = vec![false; made.len()];
    let extrapolated = f64::from(attributes.float_or("extrapolation_value", 0.0)?);
    for (at, axis) in sizes(call, x, settings.transformation == "tf_crop_and_resize")? {
        let rows: Vec<Option<Vec<(usize, f64)>>> =
            (0..axis.output).map(|to| weights(axis, to, &settings)).collect::<Result<_, _>>()?;
        let mut shape = made.shape().to_vec();
        shape[at] = axis.output;
        let mut next = Vec::with_capacity(count(&shape)?);
        let mut next_outside = Vec::with_capacity(next.capacity());
        let (outer, own, inner) = around(made.shape(), at);
        let widest = rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
        call.budget.work(&[count(&shape)?, widest])?;
        let values = made.of::<f64>()?;
        for before in 0..outer {
            for row in &rows {
                for after in 0..inner {
                    let place = |index: usize| (before * own + index) * inner + after;
                    let weights = row.as_deref().unwrap_or_default();
                    next_outside.push(row.is_none() || weights.iter().any(|&(index, _)| outside[place(index)]));
                    // A weight of 1 alone gives the very number, infinite ones too.
                    let sum: f64 = weights
                        .iter()
                        .filter(|(_, weight)| *weight != 0.0)
                        .map(|&(index, weight)| values[place(index)] * weight)
                        .sum();
                    next.push(sum);
                }
            }
        }
        made = Tensor::new(shape, next)?;
        outside = next_outside;
    }
    let values = made.of::<f64>()?.iter().zip(outside).map(|(&x, outside)| if outside { extrapolated } else { x });
    let values = values.map(|x| if elem.is_float() { x } else { x.round_ties_even() }).collect::<Vec<f64>>();
    cast::to(&Tensor::new(made.shape(), values)?, elem)
}

/// The axes that change, with their new sizes.
fn sizes(call: &Call<'_>, x: &Tensor, crop: bool) -> Result<Vec<(usize, Axis)>, String> {
    let attributes = call.attributes;
    let along = match attributes.ints("axes")? {
        Some(given) => axes(given, x.rank())?,
        None => (0..x.rank()).collect(),
    };
    let floats = |x: &Tensor| Ok::<_, String>(cast::to(x, Elem::F64)?.of::<f64>()?.to_vec());
    let at_scales = if call.opset < 11 { 1 } else { 2 };
    let scales = match call.optional(at_scales).filter(|scales| !scales.is_empty()) {
        Some(scales) => Some(floats(scales)?),
        None => attributes.floats("scales")?.map(|scales| scales.iter().copied().map(f64::from).collect()),
    };
    let wanted = if call.opset < 11 { None } else { call.optional(3).filter(|wanted| !wanted.is_empty()) };
    let fits = |own: usize| {
        if own == along.len() {
            Ok(())
        } else {
            Err(format!("{own} sizes are not one for each of {} axes", along.len()))
        }
    };
    let roi = match call.optional(1).filter(|roi| crop && call.opset >= 11 && !roi.is_empty()) {
        Some(roi) => floats(roi)?,
        None if crop => return Err("it does not say which part is cut out".to_owned()),
        None => [vec![0.0; along.len()], vec![1.0; along.len()]].concat(),
    };
    if roi.len() != 2 * along.len() {
        return Err(format!("{} places of the part are not two for each of {} axes", roi.len(), along.len()));
    }
    let pairs: Vec<(f64, usize)> = match (scales, wanted) {
        (Some(scales), None) => {
            fits(scales.len())?;
            let of = |(at, (&scale, &axis)): (usize, (&f64, &usize))| {
                // Of the part that is cut out.
                let part = roi[at + along.len()] - roi[at];
                if !(scale > 0.0 && scale.is_finite()) {
                    return Err(format!("{scale} is no scale"));
                }
                Ok((scale, (x.shape()[axis] as f64 * part * scale).floor() as usize))
            };
            scales.iter().zip(&along).enumerate().map(of).collect::<Result<_, _>>()?
        }
        (None, Some(wanted)) => {
            let wanted: Vec<usize> = ints(wanted)?.into_iter().map(size).collect::<Result<_, _>>()?;
            fits(wanted.len())?;
            let scales: Vec<f64> =
                wanted.iter().zip(&along).map(|(&to, &axis)| to as f64 / x.shape()[axis] as f64).collect();
            let one = match attributes.text_or("keep_aspect_ratio_policy", "stretch")? {
                "stretch" => None,
                "not_larger" => Some(scales.iter().copied().fold(f64::INFINITY, f64::min)),
                "not_smaller" => Some(scales.iter().copied().fold(0.0, f64::max)),
                other => return Err(format!("the policy `{}` is not known", other.escape_debug())),
            };
            let of = |at: usize| match one {
                Some(one) => (one, (x.shape()[along[at]] as f64 * one + 0.5).floor() as usize),
                None => (scales[at], wanted[at]),
            };
            (0..along.len()).map(of).collect()
        }
        _ => return Err("either scales or sizes are needed".to_owned()),
    };
    let mut found = Vec::new();
    for (at, &axis) in along.iter().enumerate() {
        let (scale, output) = pairs[at];
        let input = x.shape()[axis];
        if input == 0 {
            return Err(format!("{x} is empty"));
        }
        count(&[output])?;
        let roi = (roi[at], roi[at + along.len()]);
        if scale != 1.0 || crop && roi != (0.0, 1.0) {
            found.push((axis, Axis { input, output, scale, roi }));
        }
    }
    Ok(found)
}

/// Where a place of the output lies in the input; none outside of it, where that is asked for.
fn origin(axis: Axis, to: usize, transformation: &str) -> Result<Option<f64>, String> {
    let (to, input) = (to as f64, axis.input as f64);
    let exact = axis.scale * input;
    let half = (to + 0.5) / axis.scale - 0.5;
    Ok(Some(match transformation {
        "half_pixel" => half,
        "asymmetric" => to / axis.scale,
        "align_corners" if exact == 1.0 => 0.0,
        "align_corners" => to * (input - 1.0) / (exact - 1.0),
        "pytorch_half_pixel" if exact == 1.0 => -0.5,
        "pytorch_half_pixel" => half,
        "half_pixel_symmetric" => input / 2.0 * (1.0 - axis.output as f64 / exact) + half,
        "tf_crop_and_resize" => {
            let (start, end) = axis.roi;
            let inside = if axis.output == 1 {
                (end - start) * (input - 1.0) / 2.0
            } else {
                to * (end - start) * (input - 1.0) / (axis.output as f64 - 1.0)
            };
            let place = inside + start * (input - 1.0);
            return Ok((0.0..=input - 1.0).contains(&place).then_some(place));
        }
        other => return Err(format!("the transformation `{}` is not known", other.escape_debug())),
    }))
}

/// Of which numbers of the axis a number of the output is made, and how much of each.
fn weights(axis: Axis, to: usize, settings: &Settings<'_>) -> Result<Option<Vec<(usize, f64)>>, String> {
    let Some(place) = origin(axis, to, settings.transformation)? else { return Ok(None) };
    // The number to the left of the place, which lies in (0, 1] after it.
    let left = if place.fract() == 0.0 { place - 1.0 } else { place.floor() };
    let ratio = place - left;
    let scale = axis.scale.min(1.0);
    let (start, mut shares): (f64, Vec<f64>) = match settings.mode {
        Mode::Nearest => (0.0, nearest(ratio, settings.nearest)?),
        Mode::Linear if settings.antialias => {
            let start = (-1.0 / scale).floor() + 1.0;
            let shares =
                steps(start, 2.0 - 2.0 * start)?.map(|at| (1.0 - ((at - ratio) * scale).abs()).clamp(0.0, 1.0));
            (start, shares.collect())
        }
        Mode::Linear => (0.0, vec![1.0 - ratio, ratio]),
        Mode::Cubic if settings.antialias => {
            let start = (-2.0 / scale).floor() + 1.0;
            (start, steps(start, 2.0 - 2.0 * start)?.map(|at| cubic(scale * (at - ratio), settings.a)).collect())
        }
        Mode::Cubic => (-1.0, steps(-1.0, 4.0)?.map(|at| cubic(at - ratio, settings.a)).collect()),
    };
    let index = |at: usize| left + start + at as f64;
    if settings.exclude {
        for (at, share) in shares.iter_mut().enumerate() {
            if !(0.0..axis.input as f64).contains(&index(at)) {
                *share = 0.0;
            }
        }
    }
    if settings.exclude || settings.antialias {
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
    }
    let last = axis.input as f64 - 1.0;
    Ok(Some(shares.into_iter().enumerate().map(|(at, share)| (index(at).clamp(0.0, last) as usize, share)).collect()))
}

/// So many whole numbers from a start.
fn steps(start: f64, many: f64) -> Result<impl Iterator<Item = f64>, String> {
    let many = count(&[many as usize])?;
    if many > 1 << 16 {
        return Err("the scale is too small".to_owned());
    }
    Ok((0..many).map(move |at| start + at as f64))
}

fn nearest(ratio: f64, how: &str) -> Result<Vec<f64>, String> {
    let right = match how {
        _ if ratio == 1.0 => true,
        "round_prefer_floor" => ratio > 0.5,
        "round_prefer_ceil" => ratio >= 0.5,
        "floor" => false,
        "ceil" => true,
        other => return Err(format!("the rounding `{}` is not known", other.escape_debug())),
    };
    Ok(if right { vec![0.0, 1.0] } else { vec![1.0, 0.0] })
}

/// Keys' cubic (1981).
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

//! Convolutions: `Y[n, m, …] = sum over c and the window of X[n, c, …] · W[m, c, …]`, by groups of channels.

use super::number::{Number, numbers};
use super::products::from_zero;
use super::quantize::{dequantized, requantized};
use super::window::{self, Axis, each};
use super::{Call, Operator, arithmetic, row, size};
use crate::onnx::tensor::{Tensor, count};

const KNOWN: &[&str] = &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];

pub(super) const OPERATORS: &[Operator] = &[
    row("Conv", 1, (2, 3), KNOWN, |call| convolved(call, call.input(0)?, call.input(1)?, call.optional(2))).widened(),
    row("ConvInteger", 10, (2, 4), KNOWN, integer),
    row("QLinearConv", 10, (8, 9), KNOWN, quantized),
    row(
        "ConvTranspose",
        1,
        (2, 3),
        &["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"],
        transposed,
    )
    .widened(),
];

/// The groups of channels of a node.
fn groups(call: &Call<'_>) -> Result<usize, String> {
    size(call.attributes.int_or("group", 1)?)
}

/// That a window's shape, where the node states it, is that of its weights.
fn stated_kernel(call: &Call<'_>, w: &Tensor) -> Result<(), String> {
    let stated = call.attributes.ints("kernel_shape")?;
    let alike = |kernel: &[i64]| {
        kernel.iter().map(|&size| usize::try_from(size).ok()).eq(w.shape()[2..].iter().copied().map(Some))
    };
    if stated.is_none_or(alike) { Ok(()) } else { Err(format!("`kernel_shape` is not that of {w}")) }
}

fn convolved(call: &Call<'_>, x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, String> {
    let groups = groups(call)?;
    let wrong = || format!("{x} and {w} have no convolution of {groups} groups");
    if w.rank() != x.rank() || x.rank() < 3 {
        return Err(wrong());
    }
    let (channels, maps) = (x.shape()[1], w.shape()[0]);
    if groups == 0 || channels != w.shape()[1] * groups || !maps.is_multiple_of(groups) {
        return Err(wrong());
    }
    stated_kernel(call, w)?;
    if bias.is_some_and(|bias| bias.shape() != [maps]) {
        return Err(format!("the bias is not one number for each of {maps} maps"));
    }
    let axes = window::axes(call, x, &w.shape()[2..])?;
    let shape: Vec<usize> = [x.shape()[0], maps].into_iter().chain(axes.iter().map(|axis| axis.output)).collect();
    // Every window keeps its places.
    count(&[&shape[2..], &w.shape()[2..]].concat())?;
    call.budget.work(&[&[count(&shape)?], &w.shape()[1..]].concat())?;
    numbers!(x, values => {
        let bias = bias.map(Tensor::of).transpose()?;
        Tensor::new(shape, slide(values, w.of()?, bias, x, w, &axes, groups))
    })
}

fn slide<T: Number>(
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    of: &Tensor,
    by: &Tensor,
    axes: &[Axis],
    groups: usize,
) -> Vec<T> {
    let (channels, maps) = (of.shape()[1], by.shape()[0]);
    let (inside, window): (usize, usize) = (of.shape()[2..].iter().product(), by.shape()[2..].iter().product());
    let (outputs, kernel): (Vec<usize>, Vec<usize>) = axes.iter().map(|axis| (axis.output, axis.kernel)).unzip();
    // What each output's window reads, the same for all channels: places of the window and of the input.
    let mut reads: Vec<Vec<(usize, usize)>> = Vec::new();
    each(&outputs, |output| {
        let (mut own, mut at) = (Vec::new(), 0);
        each(&kernel, |inside| {
            own.extend(window::place(axes, output, inside).map(|place| (at, place)));
            at += 1;
        });
        reads.push(own);
    });
    let (own_channels, own_maps) = (channels / groups, maps / groups);
    let mut made = Vec::with_capacity(of.shape()[0] * maps * reads.len());
    for batch in 0..of.shape()[0] {
        for map in 0..maps {
            for read in &reads {
                let mut sum = bias.map_or(T::default(), |bias| bias[map]);
                for channel in 0..own_channels {
                    let x = &x[(batch * channels + map / own_maps * own_channels + channel) * inside..][..inside];
                    let w = &w[(map * own_channels + channel) * window..][..window];
                    sum = read.iter().fold(sum, |sum, &(of_w, of_x)| sum.add(w[of_w].mul(x[of_x])));
                }
                made.push(sum);
            }
        }
    }
    made
}

/// Zeros of weights are one a map.
fn of_maps(w: &Tensor, zero: Option<&Tensor>) -> Result<Tensor, String> {
    let by_map = zero.filter(|zero| zero.len() > 1);
    let turned =
        by_map.map(|zero| zero.reshaped([&[zero.len()][..], &vec![1; w.rank().max(1) - 1]].concat())).transpose()?;
    from_zero(w, turned.as_ref().or(zero), false)
}

fn integer(call: &Call<'_>) -> Result<Tensor, String> {
    let x = from_zero(call.input(0)?, call.optional(2), false)?;
    convolved(call, &x, &of_maps(call.input(1)?, call.optional(3))?, None)
}

fn quantized(call: &Call<'_>) -> Result<Tensor, String> {
    let x = from_zero(call.input(0)?, call.optional(2), false)?;
    let w = of_maps(call.input(3)?, call.optional(5))?;
    let sums = convolved(call, &x, &w, call.optional(8))?;
    let (of_x, of_w) = (call.input(1)?, call.input(4)?);
    let by_map = if of_w.len() > 1 {
        of_w.reshaped([&[of_w.len()][..], &vec![1; x.rank() - 2]].concat())?
    } else {
        of_w.clone()
    };
    let scale = arithmetic::zip(&by_map, &of_x.reshaped([])?, |a: f32, b: f32| Ok(a * b))?;
    requantized(&dequantized(&sums, &scale)?, call.input(6)?, call.input(7)?)
}

/// Each number of the input spreads over a window of the output.
fn transposed(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, w) = (call.input(0)?, call.input(1)?);
    let groups = groups(call)?;
    if w.rank() != x.rank()
        || x.rank() < 3
        || groups == 0
        || w.shape()[0] != x.shape()[1]
        || !x.shape()[1].is_multiple_of(groups)
    {
        return Err(format!("{x} and {w} have no convolution of {groups} groups"));
    }
    let spatial = x.rank() - 2;
    let list = |name, default| window::list(call, name, spatial, default);
    let (strides, dilations, extra) = (list("strides", 1)?, list("dilations", 1)?, list("output_padding", 0)?);
    let pads = match call.attributes.ints("pads")? {
        Some(pads) if pads.len() == 2 * spatial => pads.iter().map(|&pad| size(pad)).collect::<Result<Vec<_>, _>>()?,
        Some(pads) => return Err(format!("{} pads do not go with {spatial} axes", pads.len())),
        None => vec![0; 2 * spatial],
    };
    stated_kernel(call, w)?;
    let auto = call.attributes.text_or("auto_pad", "NOTSET")?;
    if !["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(&auto) {
        return Err(format!("the padding `{}` is not known", auto.escape_debug()));
    }
    let wanted = call.attributes.ints("output_shape")?;
    let mut axes = Vec::with_capacity(spatial);
    for at in 0..spatial {
        let (input, kernel, stride, dilation) = (x.shape()[2 + at], w.shape()[2 + at], strides[at], dilations[at]);
        if kernel == 0 || stride == 0 || dilation == 0 || input == 0 {
            return Err("a window has no size, step or spread".to_owned());
        }
        count(&[input, stride])?;
        count(&[kernel, dilation])?;
        let full = stride * (input - 1) + count(&[extra[at]])? + (kernel - 1) * dilation + 1;
        let same = auto == "SAME_UPPER" || auto == "SAME_LOWER";
        let (mut before, mut after) = if auto == "NOTSET" { (pads[at], pads[at + spatial]) } else { (0, 0) };
        let target = match wanted {
            Some(wanted) => Some(size(
                *wanted.get(wanted.len().saturating_sub(spatial) + at).ok_or("`output_shape` is too short")?,
            )?),
            None if same => Some(input * stride),
            None => None,
        };
        if let Some(target) = target {
            let pad = full.saturating_sub(target);
            (before, after) = if auto == "SAME_UPPER" { (pad / 2, pad - pad / 2) } else { (pad - pad / 2, pad / 2) };
        }
        let output = match target {
            Some(target) => target,
            None => full.checked_sub(before.saturating_add(after)).ok_or("the pads are longer than the output")?,
        };
        // Seen from the output, whose places the input's windows fall on.
        axes.push(Axis { input: output, kernel, stride, dilation, before, after, output: input });
    }
    let maps = w.shape()[1] * groups;
    let shape: Vec<usize> = [x.shape()[0], maps].into_iter().chain(axes.iter().map(|axis| axis.input)).collect();
    count(&shape)?;
    call.budget.work(&[&[x.len()], &w.shape()[1..]].concat())?;
    let bias = call.optional(2);
    if bias.is_some_and(|bias| bias.shape() != [maps]) {
        return Err(format!("the bias is not one number for each of {maps} maps"));
    }
    numbers!(x, values => {
        let bias = bias.map(Tensor::of).transpose()?;
        Tensor::new(shape, spread(values, w.of()?, bias, x, w, &axes, groups))
    })
}

fn spread<T: Number>(
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    of: &Tensor,
    by: &Tensor,
    axes: &[Axis],
    groups: usize,
) -> Vec<T> {
    let (channels, own_maps) = (of.shape()[1], by.shape()[1]);
    let (inputs, kernel): (Vec<usize>, Vec<usize>) = axes.iter().map(|axis| (axis.output, axis.kernel)).unzip();
    let outside: usize = axes.iter().map(|axis| axis.input).product();
    let (inside, window): (usize, usize) = (inputs.iter().product(), kernel.iter().product());
    let maps = own_maps * groups;
    let fill = |at: usize| bias.map_or(T::default(), |bias| bias[at / outside % maps]);
    let mut made: Vec<T> = (0..of.shape()[0] * maps * outside).map(fill).collect();
    for batch in 0..of.shape()[0] {
        for channel in 0..channels {
            let mut at = 0;
            each(&inputs, |input| {
                let x = x[(batch * channels + channel) * inside + at];
                let mut of_window = 0;
                each(&kernel, |place| {
                    if let Some(place) = window::place(axes, input, place) {
                        for map in 0..own_maps {
                            let to = (batch * maps + channel / (channels / groups) * own_maps + map) * outside + place;
                            made[to] = made[to].add(x.mul(w[(channel * own_maps + map) * window + of_window]));
                        }
                    }
                    of_window += 1;
                });
                at += 1;
            });
        }
    }
    made
}

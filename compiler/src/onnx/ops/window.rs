//! Windows that slide over the axes behind batch and channels: of convolutions and of pooling.

use super::{Call, size};
use crate::onnx::tensor::{Tensor, count};

/// How a window goes over an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Places before and after the input.
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) output: usize,
}

impl Axis {
    /// The place in the input that a place of the window falls on; none outside.
    pub(super) fn place(self, output: usize, inside: usize) -> Option<usize> {
        (output * self.stride + inside * self.dilation).checked_sub(self.before).filter(|&place| place < self.input)
    }
}

/// A list of an attribute with one number for each axis.
pub(super) fn list(call: &Call<'_>, name: &str, axes: usize, default: usize) -> Result<Vec<usize>, String> {
    let Some(values) = call.attributes.ints(name)? else { return Ok(vec![default; axes]) };
    if values.len() != axes {
        return Err(format!("`{name}` has {} numbers, and there are {axes} axes", values.len()));
    }
    values.iter().map(|&value| size(value)).collect()
}

/// How the windows of a node go over `x`, whose first two axes are batch and channels.
pub(super) fn axes(call: &Call<'_>, x: &Tensor, kernel: &[usize]) -> Result<Vec<Axis>, String> {
    let spatial = x.rank().checked_sub(2).filter(|&spatial| spatial == kernel.len() && spatial > 0);
    let spatial = spatial.ok_or_else(|| format!("a window of {kernel:?} does not go over {x}"))?;
    let (strides, dilations) = (list(call, "strides", spatial, 1)?, list(call, "dilations", spatial, 1)?);
    let pads = match call.attributes.ints("pads")? {
        Some(pads) if pads.len() == 2 * spatial => pads.iter().map(|&pad| size(pad)).collect::<Result<_, _>>()?,
        Some(pads) => return Err(format!("{} pads do not go with {spatial} axes", pads.len())),
        None => vec![0; 2 * spatial],
    };
    let auto = call.attributes.text_or("auto_pad", "NOTSET")?;
    let ceil = call.attributes.flag_or("ceil_mode", false)?;
    let mut axes = Vec::with_capacity(spatial);
    for at in 0..spatial {
        let (input, kernel, stride, dilation) = (x.shape()[2 + at], kernel[at], strides[at], dilations[at]);
        if stride == 0 || dilation == 0 || kernel == 0 {
            return Err("a window has no size, step or spread".to_owned());
        }
        let reach =
            (kernel - 1).checked_mul(dilation).and_then(|reach| reach.checked_add(1)).ok_or("a window is too large")?;
        let mut axis = Axis { input, kernel, stride, dilation, before: pads[at], after: pads[at + spatial], output: 0 };
        match auto {
            "NOTSET" => {}
            "VALID" => (axis.before, axis.after) = (0, 0),
            "SAME_UPPER" | "SAME_LOWER" => {
                let output = input.div_ceil(stride);
                let pad = (output.max(1) - 1)
                    .checked_mul(stride)
                    .and_then(|last| last.checked_add(reach))
                    .ok_or("a window is too large")?;
                let pad = pad.saturating_sub(input);
                let (small, large) = (pad / 2, pad - pad / 2);
                (axis.before, axis.after) = if auto == "SAME_UPPER" { (small, large) } else { (large, small) };
            }
            other => return Err(format!("the padding `{}` is not known", other.escape_debug())),
        }
        let whole = axis
            .before
            .checked_add(axis.after)
            .and_then(|pad| pad.checked_add(input))
            .ok_or("a window is too large")?;
        let free = whole.checked_sub(reach).ok_or_else(|| format!("a window of {reach} does not fit into {whole}"))?;
        axis.output = if ceil { free.div_ceil(stride) } else { free / stride } + 1;
        // A last window that would begin behind the input is none.
        if ceil && (axis.output - 1) * stride >= input + axis.before {
            axis.output -= 1;
        }
        axes.push(axis);
    }
    count(&axes.iter().map(|axis| axis.output).collect::<Vec<_>>())?;
    count(&axes.iter().map(|axis| axis.kernel).collect::<Vec<_>>())?;
    Ok(axes)
}

/// Every place of a shape, as one index an axis, in order.
pub(super) fn each(shape: &[usize], mut visit: impl FnMut(&[usize])) {
    if shape.contains(&0) {
        return;
    }
    let mut at = vec![0; shape.len()];
    loop {
        visit(&at);
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            at[axis] += 1;
            if at[axis] < shape[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
}

/// The place of a window's number in the axes behind the channels; none outside.
pub(super) fn place(axes: &[Axis], output: &[usize], inside: &[usize]) -> Option<usize> {
    let mut flat = 0;
    for ((axis, &output), &inside) in axes.iter().zip(output).zip(inside) {
        flat = flat * axis.input + axis.place(output, inside)?;
    }
    Some(flat)
}

//! One number for each window: its mean, or its largest.

use super::number::{Number, floats, numbers};
use super::window::{self, each};
use super::{Call, Limit, Operator, reduce, row, rows_of};
use crate::onnx::tensor::{Tensor, count};

const KNOWN: &[&str] = &["auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"];

pub(super) const OPERATORS: &[Operator] = &[
    row("AveragePool", 7, (1, 1), KNOWN, average)
        .widened()
        .limits(&[Limit::Since("ceil_mode", 10), Limit::Since("dilations", 19)]),
    rows_of(
        "MaxPool",
        1,
        (1, 1),
        2,
        &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"],
        largest,
    )
    .widened()
    .limits(&[Limit::Since("storage_order", 8), Limit::Since("ceil_mode", 10), Limit::Since("dilations", 10)]),
    row("GlobalAveragePool", 1, (1, 1), &[], global).widened(),
    row("GlobalMaxPool", 1, (1, 1), &[], global_largest).widened(),
];

fn kernel(call: &Call<'_>) -> Result<Vec<usize>, String> {
    let kernel = call.attributes.ints("kernel_shape")?.ok_or("it has no kernel_shape")?;
    kernel.iter().map(|&size| super::size(size)).collect()
}

/// A window of a channel: how many of its places are within the pads, and those that are in the input.
struct Window {
    padded: usize,
    places: Vec<usize>,
}

/// The shape of the output, and the windows of a channel.
fn windows(call: &Call<'_>, x: &Tensor) -> Result<(Vec<usize>, Vec<Window>), String> {
    let kernel = kernel(call)?;
    let axes = window::axes(call, x, &kernel)?;
    let outputs: Vec<usize> = axes.iter().map(|axis| axis.output).collect();
    // Every window keeps its places.
    let inside = count(&[&outputs[..], &kernel].concat())?;
    call.budget.work(&[x.shape()[0], x.shape()[1], inside])?;
    let mut windows = Vec::new();
    each(&outputs, |output| {
        let mut own = Window { padded: 0, places: Vec::new() };
        each(&kernel, |inside| {
            // The last window may reach past the pads, where it is rounded up.
            let within = axes.iter().zip(output).zip(inside).all(|((axis, &output), &inside)| {
                output * axis.stride + inside * axis.dilation < axis.input + axis.before + axis.after
            });
            own.padded += usize::from(within);
            own.places.extend(window::place(&axes, output, inside));
        });
        windows.push(own);
    });
    Ok(([&x.shape()[..2], &outputs].concat(), windows))
}

fn average(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], inside: usize, windows: &[Window], pads: bool) -> Vec<T> {
        let of = |channel: &[T], window: &Window| {
            let sum: f64 = window.places.iter().map(|&at| channel[at].wide()).sum();
            T::of(sum / if pads { window.padded } else { window.places.len() } as f64)
        };
        values
            .chunks_exact(inside.max(1))
            .flat_map(|channel| windows.iter().map(move |window| of(channel, window)))
            .collect()
    }
    let x = call.input(0)?;
    let (shape, windows) = windows(call, x)?;
    let pads = call.attributes.flag_or("count_include_pad", false)?;
    let inside = x.shape()[2..].iter().product();
    floats!(x, values => Tensor::new(shape, typed(values, inside, &windows, pads)))
}

fn largest(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    fn typed<T: Number>(values: &[T], inside: usize, windows: &[Window]) -> Result<(Vec<T>, Vec<usize>), String> {
        let mut made = (Vec::new(), Vec::new());
        for (channel, own) in values.chunks_exact(inside.max(1)).enumerate() {
            for window in windows {
                let first = *window.places.first().ok_or("a window lies in the pads alone")?;
                let best =
                    window.places.iter().fold(first, |best, &at| if own[at].above(own[best]) { at } else { best });
                made.0.push(own[best]);
                made.1.push(channel * inside + best);
            }
        }
        Ok(made)
    }
    let x = call.input(0)?;
    let (shape, windows) = windows(call, x)?;
    let inside: usize = x.shape()[2..].iter().product();
    let (made, places) = numbers!(x, values => {
        let (made, places) = typed(values, inside, &windows)?;
        Ok((Tensor::new(shape.clone(), made)?, places))
    })?;
    // In the order of columns the places of a channel are counted down its columns.
    let by_columns = call.attributes.flag_or("storage_order", false)?;
    let place = |at: usize| match x.shape() {
        &[_, _, rows, columns] if by_columns => {
            let within = at % inside;
            at - within + within % columns * rows + within / columns
        }
        _ => at,
    };
    let places = Tensor::new(shape, places.into_iter().map(|at| place(at) as i64).collect::<Vec<i64>>())?;
    Ok([made, places].into_iter().take(call.outputs).collect())
}

fn behind_channels(x: &Tensor) -> Result<Vec<usize>, String> {
    if x.rank() < 3 {
        Err(format!("axes behind the channels are needed, not {x}"))
    } else {
        Ok((2..x.rank()).collect())
    }
}

fn global(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    reduce::mean(x, &behind_channels(x)?)
}

fn global_largest(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    reduce::largest(x, &behind_channels(x)?)
}

//! Normalizations: by mean and variance of a part, then scaled and shifted.

use super::number::{Number, floats};
use super::{Call, Limit, Operator, row, rows_of, size};
use crate::onnx::indices::{around, axes, axis, broadcast, places, repeated, strides};
use crate::onnx::tensor::{Tensor, Value};

pub(super) const OPERATORS: &[Operator] = &[
    rows_of("LayerNormalization", 17, (2, 3), 3, &["axis", "epsilon", "stash_type"], layer).widened().narrowing(1),
    row("RMSNormalization", 23, (2, 2), &["axis", "epsilon", "stash_type"], root_mean_square)
        .widened()
        .mixed()
        .typed_by(1),
    row("BatchNormalization", 7, (5, 5), &["epsilon", "momentum", "spatial", "training_mode"], batch)
        .widened()
        .mixed()
        .limits(&[Limit::Until("spatial", 8), Limit::Since("training_mode", 14)]),
    row("InstanceNormalization", 6, (3, 3), &["epsilon"], |call| grouped(call, None)).widened(),
    row("GroupNormalization", 21, (3, 3), &["epsilon", "num_groups", "stash_type"], |call| {
        grouped(call, Some(call.attributes.int("num_groups")?.ok_or("it has no num_groups")?))
    })
    .widened(),
    row("MeanVarianceNormalization", 9, (1, 1), &["axes"], mean_variance).widened(),
    row("LpNormalization", 1, (1, 1), &["axis", "p"], lengths).widened(),
    row("LRN", 1, (1, 1), &["alpha", "beta", "bias", "size"], neighbours).widened(),
];

/// The mean and one over the deviation of some numbers.
fn moments(values: impl Iterator<Item = f64> + Clone, epsilon: f64) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

/// A scale or shift read as if it had the shape of `x`.
fn beside<T: Value>(x: &Tensor, other: &Tensor) -> Result<Vec<T>, String> {
    if broadcast(x.shape(), other.shape())? != x.shape() {
        return Err(format!("{other} does not go with {x}"));
    }
    let values = other.of::<T>()?;
    Ok(places(x.shape(), &repeated(other.shape(), x.shape()), 0).into_iter().map(|at| values[at]).collect())
}

fn layer(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    fn typed<T: Number>(values: &[T], call: &Call<'_>) -> Result<Vec<Tensor>, String> {
        let (x, scale, shift) = (call.input(0)?, call.input(1)?, call.optional(2));
        let at = axis(call.attributes.int_or("axis", -1)?, x.rank())?;
        let epsilon = call.attributes.float_or("epsilon", 1e-5)?.into();
        let width: usize = x.shape()[at..].iter().product();
        let scale = beside::<T>(x, scale)?;
        let shift = shift.map(|shift| beside::<T>(x, shift)).transpose()?;
        let (mut made, mut means, mut scales) = (Vec::with_capacity(values.len()), vec![], vec![]);
        for row in values.chunks_exact(width.max(1)) {
            let (mean, inverse) = moments(row.iter().map(|x| x.wide()), epsilon);
            for x in row {
                let at = made.len();
                let normal = (x.wide() - mean) * inverse * scale[at].wide();
                made.push(T::of(normal + shift.as_ref().map_or(0.0, |shift| shift[at].wide())));
            }
            means.push(mean as f32);
            scales.push(inverse as f32);
        }
        let shape: Vec<usize> = x.shape()[..at].iter().copied().chain(x.shape()[at..].iter().map(|_| 1)).collect();
        let all =
            [Tensor::new(x.shape(), T::wrap(made))?, Tensor::new(shape.clone(), means)?, Tensor::new(shape, scales)?];
        Ok(all.into_iter().take(call.outputs).collect())
    }
    let x = call.input(0)?;
    floats!(x, values => typed(values, call))
}

fn root_mean_square(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], call: &Call<'_>) -> Result<Tensor, String> {
        let (x, scale) = (call.input(0)?, call.input(1)?);
        let at = axis(call.attributes.int_or("axis", -1)?, x.rank())?;
        let epsilon = f64::from(call.attributes.float_or("epsilon", 1e-5)?);
        let width: usize = x.shape()[at..].iter().product();
        let scale = beside::<T>(x, scale)?;
        let mut made = Vec::with_capacity(values.len());
        for row in values.chunks_exact(width.max(1)) {
            let square = row.iter().map(|x| x.wide() * x.wide()).sum::<f64>() / width as f64;
            let inverse = 1.0 / (square + epsilon).sqrt();
            made.extend(
                row.iter().zip(&scale[made.len()..]).map(|(x, scale)| T::of(x.wide() * inverse * scale.wide())),
            );
        }
        Tensor::new(x.shape(), T::wrap(made))
    }
    let x = call.input(0)?;
    floats!(x, values => typed(values, call))
}

/// The numbers of a channel, one each.
fn by_channel<T: Number>(call: &Call<'_>, at: usize, channels: usize) -> Result<Vec<f64>, String> {
    let values: Vec<f64> = call.input(at)?.of::<T>()?.iter().map(|x| x.wide()).collect();
    if values.len() == channels {
        Ok(values)
    } else {
        Err(format!("{} numbers are not one for each of {channels} channels", values.len()))
    }
}

fn channels(x: &Tensor) -> Result<(usize, usize, usize), String> {
    if x.rank() < 2 { Err(format!("channels are needed, not {x}")) } else { Ok(around(x.shape(), 1)) }
}

fn batch(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], call: &Call<'_>) -> Result<Tensor, String> {
        let x = call.input(0)?;
        let (_, count, inner) = channels(x)?;
        let epsilon = f64::from(call.attributes.float_or("epsilon", 1e-5)?);
        let read = |at| by_channel::<T>(call, at, count);
        let (scale, shift, mean, variance) = (read(1)?, read(2)?, read(3)?, read(4)?);
        let one = |(at, x): (usize, &T)| {
            let channel = at / inner.max(1) % count;
            T::of((x.wide() - mean[channel]) / (variance[channel] + epsilon).sqrt() * scale[channel] + shift[channel])
        };
        Tensor::new(x.shape(), T::wrap(values.iter().enumerate().map(one).collect()))
    }
    if call.attributes.flag_or("training_mode", false)? || !call.attributes.flag_or("spatial", true)? {
        return Err("the model is in training, or normalizes each place by itself".to_owned());
    }
    let x = call.input(0)?;
    floats!(x, values => typed(values, call))
}

/// Each group of channels of each text by itself; without a number of groups, each channel.
fn grouped(call: &Call<'_>, groups: Option<i64>) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], call: &Call<'_>, groups: Option<i64>) -> Result<Tensor, String> {
        let x = call.input(0)?;
        let (_, count, inner) = channels(x)?;
        let groups = groups.map_or(Ok(count), size)?;
        if groups == 0 || !count.is_multiple_of(groups) {
            return Err(format!("{count} channels are not {groups} groups"));
        }
        let epsilon = call.attributes.float_or("epsilon", 1e-5)?.into();
        let (scale, shift) = (by_channel::<T>(call, 1, count)?, by_channel::<T>(call, 2, count)?);
        let mut made = Vec::with_capacity(values.len());
        for group in values.chunks_exact((count / groups * inner).max(1)) {
            let (mean, inverse) = moments(group.iter().map(|x| x.wide()), epsilon);
            for x in group {
                let channel = made.len() / inner % count;
                made.push(T::of((x.wide() - mean) * inverse * scale[channel] + shift[channel]));
            }
        }
        Tensor::new(x.shape(), T::wrap(made))
    }
    let x = call.input(0)?;
    floats!(x, values => typed(values, call, groups))
}

fn mean_variance(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], x: &Tensor, over: &[usize]) -> Result<Tensor, String> {
        let all = strides(x.shape());
        let part = |keep: bool| {
            let chosen: Vec<usize> = (0..x.rank()).filter(|axis| over.contains(axis) != keep).collect();
            let shape: Vec<usize> = chosen.iter().map(|&axis| x.shape()[axis]).collect();
            places(&shape, &chosen.iter().map(|&axis| all[axis]).collect::<Vec<_>>(), 0)
        };
        let inside = part(false);
        let mut made = values.to_vec();
        for start in part(true) {
            let own = inside.iter().map(|place| values[start + place].wide());
            let mean = own.clone().sum::<f64>() / inside.len() as f64;
            let variance = own.map(|x| (x - mean) * (x - mean)).sum::<f64>() / inside.len() as f64;
            for place in &inside {
                made[start + place] = T::of((values[start + place].wide() - mean) / (variance.sqrt() + 1e-9));
            }
        }
        Tensor::new(x.shape(), T::wrap(made))
    }
    let x = call.input(0)?;
    let over = axes(call.attributes.ints("axes")?.unwrap_or(&[0, 2, 3]), x.rank())?;
    floats!(x, values => typed(values, x, &over))
}

/// Each line of an axis by its length; one of zeros stays.
fn lengths(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], (outer, size, inner): (usize, usize, usize), p: i64) -> Vec<T> {
        let mut made = values.to_vec();
        for line in 0..outer * inner {
            let places = || (0..size).map(move |index| (line / inner * size + index) * inner + line % inner);
            let length = match p {
                1 => places().map(|at| values[at].wide().abs()).sum::<f64>(),
                _ => places().map(|at| values[at].wide() * values[at].wide()).sum::<f64>().sqrt(),
            };
            for at in places() {
                made[at] = if length == 0.0 { T::default() } else { T::of(values[at].wide() / length) };
            }
        }
        made
    }
    let x = call.input(0)?;
    let at = axis(call.attributes.int_or("axis", -1)?, x.rank())?;
    let p = call.attributes.int_or("p", 2)?;
    if p != 1 && p != 2 {
        return Err(format!("the power {p} is not 1 or 2"));
    }
    floats!(x, values => Tensor::new(x.shape(), typed(values, around(x.shape(), at), p)))
}

/// Each number by the squares of the channels around it.
fn neighbours(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], call: &Call<'_>, x: &Tensor) -> Result<Tensor, String> {
        let (_, count, inner) = channels(x)?;
        let width = size(call.attributes.int("size")?.ok_or("it has no size")?)?;
        let number = |name, default| call.attributes.float_or(name, default).map(f64::from);
        let (alpha, beta, bias) = (number("alpha", 1e-4)?, number("beta", 0.75)?, number("bias", 1.0)?);
        call.budget.work(&[x.len(), width.min(count)])?;
        let one = |(at, x): (usize, &T)| {
            let channel = at / inner.max(1) % count;
            let first = channel.saturating_sub(width.saturating_sub(1) / 2);
            let last = (channel + width / 2).min(count - 1);
            let start = at - channel * inner;
            let squares: f64 = (first..=last).map(|other| values[start + other * inner].wide().powi(2)).sum();
            T::of(x.wide() / (bias + alpha / width as f64 * squares).powf(beta))
        };
        Tensor::new(x.shape(), T::wrap(values.iter().enumerate().map(one).collect()))
    }
    let x = call.input(0)?;
    floats!(x, values => typed(values, call, x))
}

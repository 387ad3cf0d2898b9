//! Numbers by index. An index past the end of its axis is an error that names it, never another row.

use super::{Call, Limit, Operator, ints, row};
use crate::onnx::elem::Elem;
use crate::onnx::indices::{around, axis, places, strides};
use crate::onnx::tensor::{Tensor, count};

pub(super) const OPERATORS: &[Operator] = &[
    row("Gather", 1, (2, 2), &["axis"], gather),
    row("GatherElements", 11, (2, 2), &["axis"], elements),
    row("GatherND", 11, (2, 2), &["batch_dims"], slices).limits(&[Limit::Since("batch_dims", 12)]),
    row("Compress", 9, (2, 2), &["axis"], compress),
    row("NonZero", 9, (1, 1), &[], nonzero),
];

/// An index as a place on an axis of that size; it may be counted from the end.
pub(super) fn index(index: i64, size: usize) -> Result<usize, String> {
    let from_start = if index < 0 { index + size as i64 } else { index };
    usize::try_from(from_start)
        .ok()
        .filter(|&index| index < size)
        .ok_or_else(|| format!("the index {index} is not in an axis of {size}"))
}

fn gather(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let at = axis(call.attributes.int_or("axis", 0)?, x.rank())?;
    let (outer, size, inner) = around(x.shape(), at);
    let rows: Vec<usize> = ints(indices)?.into_iter().map(|row| index(row, size)).collect::<Result<_, _>>()?;
    let shape = [&x.shape()[..at], indices.shape(), &x.shape()[at + 1..]].concat();
    let mut places = Vec::with_capacity(count(&shape)?);
    for before in 0..outer {
        for row in &rows {
            let start = (before * size + row) * inner;
            places.extend(start..start + inner);
        }
    }
    Ok(x.pick(shape, &places))
}

/// The place in `x` of each index of a tensor of as many axes, which replaces the place on `axis`.
pub(super) fn along(x: &Tensor, indices: &Tensor, at: usize) -> Result<Vec<usize>, String> {
    let fits = indices.rank() == x.rank()
        && indices.shape().iter().zip(x.shape()).enumerate().all(|(axis, (own, of))| axis == at || own <= of);
    if !fits {
        return Err(format!("the indices {indices} do not go with {x}"));
    }
    let mut all = strides(x.shape());
    let step = all[at].unsigned_abs();
    all[at] = 0;
    let starts = places(indices.shape(), &all, 0);
    let found = starts.into_iter().zip(ints(indices)?);
    found.map(|(start, row)| Ok(start + index(row, x.shape()[at])? * step)).collect()
}

fn elements(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let at = axis(call.attributes.int_or("axis", 0)?, x.rank())?;
    Ok(x.pick(indices.shape(), &along(x, indices, at)?))
}

/// Where slices of `x` begin that the last axis of `indices` names, and how long each is.
pub(super) fn starts(x: &Tensor, indices: &Tensor, batch: usize) -> Result<(Vec<usize>, usize), String> {
    let wrong = || format!("the indices {indices} do not go with {x}");
    let depth = *indices.shape().last().ok_or_else(wrong)?;
    let used = batch + depth;
    if batch >= indices.rank() || used > x.rank() || depth == 0 || indices.shape()[..batch] != x.shape()[..batch] {
        return Err(wrong());
    }
    let all = strides(x.shape());
    let values = ints(indices)?;
    let batches: usize = x.shape()[..batch].iter().product();
    let per_batch = (values.len() / depth).checked_div(batches).unwrap_or(0);
    let of_batch = x.shape()[batch..].iter().product::<usize>();
    let found = values.chunks_exact(depth).enumerate().map(|(at, tuple)| {
        let mut start = at / per_batch.max(1) * of_batch;
        for (axis, &place) in tuple.iter().enumerate() {
            start += index(place, x.shape()[batch + axis])? * all[batch + axis].unsigned_abs();
        }
        Ok(start)
    });
    Ok((found.collect::<Result<_, String>>()?, x.shape()[used..].iter().product()))
}

fn slices(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let batch = super::size(call.attributes.int_or("batch_dims", 0)?)?;
    let (starts, length) = starts(x, indices, batch)?;
    let depth = indices.shape()[indices.rank() - 1];
    let shape = [&indices.shape()[..indices.rank() - 1], &x.shape()[batch + depth..]].concat();
    count(&shape)?;
    let places: Vec<usize> = starts.into_iter().flat_map(|start| start..start + length).collect();
    Ok(x.pick(shape, &places))
}

fn compress(call: &Call<'_>) -> Result<Tensor, String> {
    let (mut x, kept) = (call.input(0)?.clone(), call.input(1)?.of::<bool>()?);
    let at = match call.attributes.int("axis")? {
        Some(at) => axis(at, x.rank())?,
        None => {
            x = x.reshaped([x.len()])?;
            0
        }
    };
    let (outer, size, inner) = around(x.shape(), at);
    if kept.len() > size {
        return Err(format!("{} choices are more than the axis has", kept.len()));
    }
    let rows: Vec<usize> = (0..kept.len()).filter(|&row| kept[row]).collect();
    let mut shape = x.shape().to_vec();
    shape[at] = rows.len();
    let of = |before: usize| {
        rows.iter().flat_map(move |row| (before * size + row) * inner..(before * size + row + 1) * inner)
    };
    let places: Vec<usize> = (0..outer).flat_map(of).collect();
    Ok(x.pick(shape, &places))
}

fn nonzero(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let truth = super::cast::to(x, Elem::Bool)?;
    let found: Vec<usize> = truth.of::<bool>()?.iter().enumerate().filter(|(_, is)| **is).map(|(at, _)| at).collect();
    let all = strides(x.shape());
    let of = |axis: usize| {
        let (stride, size) = (all[axis].unsigned_abs(), x.shape()[axis]);
        found.iter().map(move |at| (at / stride % size) as i64)
    };
    Tensor::new([x.rank(), found.len()], (0..x.rank()).flat_map(of).collect::<Vec<i64>>())
}

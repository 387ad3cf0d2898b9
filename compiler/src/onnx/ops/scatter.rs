//! Numbers put in by index.

use super::gather::{along, index, starts};
use super::number::{Number, numbers};
use super::{Call, Limit, Operator, cast, ints, joined, one, row, size};
use crate::onnx::indices::{around, axis};
use crate::onnx::tensor::{Tensor, count};

pub(super) const OPERATORS: &[Operator] = &[
    row("Scatter", 9, (3, 3), &["axis"], elements).until(10),
    row("ScatterElements", 11, (3, 3), &["axis", "reduction"], elements).limits(&[Limit::Since("reduction", 16)]),
    row("ScatterND", 11, (3, 3), &["reduction"], slices).limits(&[Limit::Since("reduction", 16)]),
    row("TensorScatter", 24, (2, 3), &["axis", "mode"], cache),
    row("OneHot", 9, (3, 3), &["axis"], one_hot),
];

/// `x` with the updates at their places, joined with what is there as the node says.
fn put(call: &Call<'_>, x: &Tensor, updates: &Tensor, places: &[usize]) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], updates: &Tensor, places: &[usize], how: &str) -> Result<Vec<T>, String> {
        let join: fn(T, T) -> T = match how {
            "add" => T::add,
            "mul" => T::mul,
            "max" => |a, b| if b.above(a) { b } else { a },
            "min" => |a, b| if b.below(a) { b } else { a },
            other => return Err(format!("the reduction `{}` is not known", other.escape_debug())),
        };
        let mut made = values.to_vec();
        for (&place, &update) in places.iter().zip(updates.of::<T>()?) {
            made[place] = join(made[place], update);
        }
        Ok(made)
    }
    let how = call.attributes.text_or("reduction", "none")?;
    if how == "none" {
        return replaced(x, updates, places);
    }
    numbers!(x, values => Tensor::new(x.shape(), typed(values, updates, places, how)?))
}

/// `x` with the updates in the place of what is there; the last at a place stays.
fn replaced(x: &Tensor, updates: &Tensor, places: &[usize]) -> Result<Tensor, String> {
    let mut from: Vec<usize> = (0..x.len()).collect();
    for (update, &place) in places.iter().enumerate() {
        from[place] = x.len() + update;
    }
    Tensor::new(x.shape(), joined(x.data(), updates.data())?.pick(&from))
}

fn elements(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, indices, updates) = (call.input(0)?, call.input(1)?, call.input(2)?);
    if updates.shape() != indices.shape() {
        return Err(format!("the updates {updates} do not go with the indices {indices}"));
    }
    let at = axis(call.attributes.int_or("axis", 0)?, x.rank())?;
    put(call, x, updates, &along(x, indices, at)?)
}

fn slices(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, indices, updates) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let (starts, length) = starts(x, indices, 0)?;
    let (depth, before) = indices.shape().split_last().ok_or("there are no indices")?;
    if updates.shape() != [before, &x.shape()[*depth..]].concat() {
        return Err(format!("the updates {updates} do not go with the indices {indices} of {x}"));
    }
    let places: Vec<usize> = starts.into_iter().flat_map(|start| start..start + length).collect();
    put(call, x, updates, &places)
}

/// New keys or values into a cache, from a place of each batch on.
fn cache(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, update) = (call.input(0)?, call.input(1)?);
    let at = axis(call.attributes.int_or("axis", -2)?, x.rank())?;
    let circular = match call.attributes.text_or("mode", "linear")? {
        "linear" => false,
        "circular" => true,
        other => return Err(format!("the mode `{}` is not known", other.escape_debug())),
    };
    let alike =
        update.rank() == x.rank() && (0..x.rank()).all(|axis| axis == at || update.shape()[axis] == x.shape()[axis]);
    if !alike || at == 0 {
        return Err(format!("the update {update} does not go with {x}"));
    }
    let batches = x.shape()[0];
    let firsts = call.optional(2).map_or(Ok(vec![0; batches]), ints)?;
    if firsts.len() != batches {
        return Err(format!("{} places are not one for each of {batches}", firsts.len()));
    }
    let (outer, length, inner) = around(update.shape(), at);
    let whole = x.shape()[at];
    let mut places = Vec::with_capacity(update.len());
    for before in 0..outer {
        let first = firsts[before / (outer / batches.max(1)).max(1)];
        for row in 0..length as i64 {
            let row = first.checked_add(row).ok_or("a place is out of range")?;
            let row = if circular { row.rem_euclid(whole.max(1) as i64) } else { row };
            // A place is no index: it is not counted from the end.
            let row = usize::try_from(row).ok().filter(|&row| row < whole);
            let row = row.ok_or_else(|| format!("the cache of {whole} has no place {first}"))?;
            places.extend((before * whole + row) * inner..(before * whole + row + 1) * inner);
        }
    }
    replaced(x, update, &places)
}

fn one_hot(call: &Call<'_>) -> Result<Tensor, String> {
    let (indices, depth, values) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let depth = size(one(depth)? as i64)?;
    if values.len() != 2 {
        return Err(format!("two numbers are needed, off and on, not {values}"));
    }
    let mut shape = indices.shape().to_vec();
    let at = axis(call.attributes.int_or("axis", -1)?, shape.len() + 1)?;
    shape.insert(at, depth);
    let mut places = vec![0; count(&shape)?];
    let (_, _, inner) = around(&shape, at);
    let wide = cast::to(indices, crate::onnx::Elem::I64)?;
    for (place, &hot) in wide.of::<i64>()?.iter().enumerate() {
        // An index outside is off everywhere.
        if let Ok(hot) = index(hot, depth) {
            places[(place / inner * depth + hot) * inner + place % inner] = 1;
        }
    }
    Tensor::new(shape, values.data().pick(&places))
}

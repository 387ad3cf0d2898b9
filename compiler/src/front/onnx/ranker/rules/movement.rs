//! Operators that move numbers: of columns that are only read, and of values that were computed.

use super::super::axes::{Form, counted, splits};
use super::super::columns::fixed;
use super::super::import::{Importer, Lowered};
use super::{Made, input, made, masks, output};
use crate::graph::{Dim, ValueId};
use crate::onnx::{Size, Source, Step};
use crate::ops::{Concat, Transpose};

/// ONNX's number of the kind that is true or false.
const TRUTH: i64 = 9;

/// The most copies that a value is repeated in.
const COPIES: usize = 4096;

/// Another shape for the same numbers, whose rows stay rows.
pub(super) fn reshape(to: &mut Importer<'_>, step: &Step) -> Made {
    let (from, out) = (input(step, 0)?, output(step)?);
    let (before, after) = (to.sizes(from)?, to.sizes(out)?);
    if splits(&before) != splits(&after) {
        return Err("it mixes the numbers of rows".to_owned());
    }
    match to.lowered(from) {
        Some(Lowered::Columns(columns)) => return Ok(vec![Lowered::Columns(columns.clone().reshaped(&after)?)]),
        Some(Lowered::Mask(_) | Lowered::Places(_)) => return same(to, step),
        _ => {}
    }
    let (x, dims) = (to.value(from)?, to.form(out)?.dims);
    made(to.reshaped(x, &dims, &step.name)?)
}

/// Repeats: of a mask what it is by item, of all else nothing.
pub(super) fn tile(to: &mut Importer<'_>, step: &Step) -> Made {
    let from = input(step, 0)?;
    let mask = matches!(to.lowered(from), Some(Lowered::Mask(_)));
    if mask || to.sizes(from)? == to.sizes(output(step)?)? {
        return same(to, step);
    }
    Err("it repeats what is no mask".to_owned())
}

pub(super) fn same(to: &mut Importer<'_>, step: &Step) -> Made {
    let from = to.lowered(input(step, 0)?).ok_or("its input does not follow from what is given")?;
    Ok(vec![from.clone()])
}

/// Columns may be cast to numbers and ids alike, for which they are is what reads them; numbers stay f32.
pub(super) fn cast(to: &mut Importer<'_>, step: &Step) -> Made {
    let target = step.int_or("to", 0)?;
    // Floats and whole numbers of 32 and 64 bits, and truth, as ONNX numbers its kinds.
    let kept = match to.lowered(input(step, 0)?) {
        Some(Lowered::Columns(_)) if target == TRUTH => return masks::is_any(to, input(step, 0)?),
        Some(Lowered::Mask(mask)) if target == TRUTH => {
            return Ok(vec![Lowered::Mask(mask.map(|number| f64::from(u8::from(number != 0.0))))]);
        }
        Some(Lowered::Mask(mask)) => [mask.equal, mask.other].iter().all(|it| it.fract() == 0.0) || target == 1,
        Some(Lowered::Columns(_) | Lowered::Places(_)) => [1, 6, 7, 11].contains(&target),
        Some(Lowered::Value(_)) => target == 1,
        _ => false,
    };
    if kept { same(to, step) } else { Err("it changes the kind of numbers".to_owned()) }
}

pub(super) fn transpose(to: &mut Importer<'_>, step: &Step) -> Made {
    let from = input(step, 0)?;
    if let Some(Lowered::Mask(_)) = to.lowered(from) {
        return same(to, step);
    }
    let rank = to.sizes(from)?.len();
    let order: Vec<usize> = match step.ints("perm")? {
        Some(axes) => axes.iter().map(|&axis| counted(axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if let Some(Lowered::Columns(columns)) = to.lowered(from) {
        let shape = order.iter().map(|&axis| columns.shape[axis]).collect();
        let moved = columns.picked(shape, |at| {
            let mut own = vec![0; rank];
            order.iter().zip(at).for_each(|(&axis, &at)| own[axis] = at);
            own
        });
        return Ok(vec![Lowered::Columns(moved)]);
    }
    let (before, after) = (to.form(from)?, to.form(output(step)?)?);
    // Where each axis of the new form stood before; a row's or a head's that is not in the file stays.
    let axes: Vec<usize> = (0..after.dims.len())
        .map(|axis| after.from(axis).map_or(Some(axis), |at| before.places[order[at]]))
        .collect::<Option<_>>()
        .ok_or("it moves an axis that is none")?;
    let rows =
        |axes: &[usize]| axes.iter().copied().filter(|&at| before.dims[at].fixed().is_none()).collect::<Vec<_>>();
    if !rows(&axes).is_sorted() {
        return Err("it turns scores of items by items".to_owned());
    }
    let x = to.value(from)?;
    if axes.is_sorted() {
        return made(x);
    }
    made(to.add(Transpose { axes }, &[x], &step.name)?)
}

pub(super) fn concat(to: &mut Importer<'_>, step: &Step) -> Made {
    let out = output(step)?;
    let (sizes, form) = (to.sizes(out)?, to.form(out)?);
    let axis = counted(step.int_or("axis", 0)?, sizes.len())?;
    let inputs: Vec<usize> = step.inputs.iter().copied().flatten().collect();
    let columns: Option<Vec<_>> = inputs
        .iter()
        .map(
            |&value| if let Some(Lowered::Columns(columns)) = to.lowered(value) { Some(columns.clone()) } else { None },
        )
        .collect();
    if !matches!(sizes[axis], Size::Fixed(_)) {
        return Err("it puts rows after rows".to_owned());
    }
    if let Some(columns) = columns {
        return Ok(vec![Lowered::Columns(super::super::columns::Columns::joined(&columns, axis)?)]);
    }
    let Some(at) = form.places[axis] else {
        // A joint axis of one is a single input's.
        let x = to.value(*inputs.first().ok_or("it joins nothing")?)?;
        return made(x);
    };
    let row = usize::from(form.dims[0].fixed().is_none());
    let mut parts = Vec::new();
    for value in inputs {
        let own = match to.sizes(value)?[axis] {
            Size::Fixed(own) => own,
            _ => return Err("it puts rows after rows".to_owned()),
        };
        let mut dims = form.dims.clone();
        dims[at] = Dim::Fixed(own);
        let user = to.trace.source(value) == Source::Text && form.dims.first() == Some(&Dim::Candidates);
        let dims = &dims[if user { row } else { 0 }..];
        let x = if to.trace.source(value) == Source::Lengths {
            let id = to.known_operand(value, &sizes, &form)?;
            let shape: Vec<usize> = dims[if user { 0 } else { row }..].iter().filter_map(|dim| dim.fixed()).collect();
            filled(to, id, &shape)?
        } else {
            let id = to.value(value)?;
            to.reshaped(id, dims, &step.name)?
        };
        parts.push(x);
    }
    made(to.add(Concat { axis: at }, &parts, &step.name)?)
}

/// A constant in all of a shape.
fn filled(to: &mut Importer<'_>, id: ValueId, shape: &[usize]) -> Result<ValueId, String> {
    let constant = to.graph.as_const(id).ok_or("it joins what follows from the lengths")?;
    let (numbers, count) = (constant.to_f32(), shape.iter().product::<usize>());
    let numbers = match numbers[..] {
        [number] if count <= COPIES => vec![number; count],
        _ if numbers.len() == count => numbers,
        _ => return Err("it joins constants of another shape".to_owned()),
    };
    Ok(to.graph.constant("constant", crate::graph::Constant::f32(shape, &numbers)))
}

/// Repeats axes of one: those of rows are no axes here, others are copied.
pub(super) fn expand(to: &mut Importer<'_>, step: &Step) -> Made {
    let (from, out) = (input(step, 0)?, output(step)?);
    let (before, after) = (to.sizes(from)?, to.sizes(out)?);
    if let Some(Lowered::Columns(columns)) = to.lowered(from) {
        let skipped = after.len() - before.len();
        let own = columns.shape.clone();
        let shape = fixed(&after);
        if shape.iter().product::<usize>() > COPIES {
            return Err("it repeats columns too often".to_owned());
        }
        let columns = columns.picked(shape, |at| {
            at[skipped..].iter().zip(&own).map(|(&at, &size)| if size == 1 { 0 } else { at }).collect()
        });
        return Ok(vec![Lowered::Columns(columns)]);
    }
    if let Some(Lowered::Mask(_)) = to.lowered(from) {
        return same(to, step);
    }
    let form: Form = to.form(out)?;
    let mut x = to.operand(from, &after, &form)?;
    let missing = form.dims.len() - to.graph.ty(x).rank();
    let shape = [vec![Dim::Fixed(1); missing], to.graph.ty(x).shape.clone()].concat();
    x = to.reshaped(x, &shape, &step.name)?;
    for (at, dim) in form.dims.iter().enumerate() {
        match (to.graph.ty(x).shape[at], *dim) {
            (own, wanted) if own == wanted => {}
            (Dim::Fixed(1), Dim::Fixed(count)) if count <= COPIES => {
                x = to.add(Concat { axis: at }, &vec![x; count], &step.name)?;
            }
            _ => return Err("it repeats what is given for each item, or too often".to_owned()),
        }
    }
    made(x)
}

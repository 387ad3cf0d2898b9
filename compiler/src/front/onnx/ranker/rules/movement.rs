//! Operators that move numbers: of columns that are only read, and of values that were computed.

use super::super::axes::{Form, counted, splits};
use super::super::columns::fixed;
use super::super::import::{Importer, Lowered};
use super::super::known::whole;
use super::reduce::pooled;
use super::{Made, input, made, optional, output};
use crate::graph::{Dim, ValueId};
use crate::onnx::{Size, Source, Step};
use crate::ops::{Concat, Select, Slice, Transpose};
use modeldeploy_format::program::Pooling;

/// The most copies that a value is repeated in.
const COPIES: usize = 4096;

/// Another shape for the same numbers, whose rows stay rows.
pub(super) fn reshape(to: &mut Importer<'_>, step: &Step) -> Made {
    let (from, out) = (input(step, 0)?, output(step)?);
    let (before, after) = (to.sizes(from)?, to.sizes(out)?);
    if splits(&before) != splits(&after) {
        return Err("it mixes the numbers of rows".to_owned());
    }
    if let Some(Lowered::Columns(columns)) = to.lowered(from) {
        return Ok(vec![Lowered::Columns(columns.clone().reshaped(&after)?)]);
    }
    let (x, dims) = (to.value(from)?, to.form(out)?.dims);
    made(to.reshaped(x, &dims, &step.name)?)
}

pub(super) fn same(to: &mut Importer<'_>, step: &Step) -> Made {
    let from = to.lowered(input(step, 0)?).ok_or("its input does not follow from what is given")?;
    Ok(vec![from.clone()])
}

/// Columns may be cast to numbers and ids alike, for which they are is what reads them; numbers stay f32.
pub(super) fn cast(to: &mut Importer<'_>, step: &Step) -> Made {
    let target = step.int_or("to", 0)?;
    // Floats and whole numbers of 32 and 64 bits, as ONNX numbers its kinds.
    let kept = match to.lowered(input(step, 0)?) {
        Some(Lowered::Columns(_)) => [1, 6, 7, 11].contains(&target),
        Some(Lowered::Value(_)) => target == 1,
        _ => false,
    };
    if kept { same(to, step) } else { Err("it changes the kind of numbers".to_owned()) }
}

pub(super) fn transpose(to: &mut Importer<'_>, step: &Step) -> Made {
    let from = input(step, 0)?;
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

/// Rows of a table by ids, or places of a value.
pub(super) fn gather(to: &mut Importer<'_>, step: &Step) -> Made {
    let (from, index, out) = (input(step, 0)?, input(step, 1)?, output(step)?);
    if to.trace.source(from) == Source::Lengths {
        let Some(Lowered::Columns(ids)) = to.lowered(index).cloned() else {
            return Err("it looks rows up by what was computed".to_owned());
        };
        let table = to.constant(from).filter(|table| table.rank() > 0).ok_or("its table is not constant")?;
        if counted(step.int_or("axis", 0)?, table.rank())? != 0 {
            return Err("it looks columns of a table up".to_owned());
        }
        let (table, name) =
            (super::super::super::import::constant(table, table.shape().to_vec())?, to.trace.name(from).to_owned());
        let form = to.form(out)?;
        let label = name.strip_suffix(".weight").unwrap_or(&step.name).to_owned();
        return made(to.looked_up(&ids, (&table, &name), &form, &label)?);
    }
    let sizes = to.sizes(from)?;
    let axis = counted(step.int_or("axis", 0)?, sizes.len())?;
    let places = |count: usize, chosen: &[i64]| -> Result<Vec<usize>, String> {
        chosen.iter().map(|&at| counted(at, count)).collect()
    };
    if sizes[axis] == Size::Tokens {
        return item(to, step, axis);
    }
    let chosen = to.integers(index).ok_or("it takes places that are not constant")?;
    let Size::Fixed(size) = sizes[axis] else { return Err("it takes some candidates out".to_owned()) };
    let chosen = places(size, &chosen)?;
    if let Some(Lowered::Columns(columns)) = to.lowered(from) {
        return Ok(vec![Lowered::Columns(columns.selected(axis, &chosen).reshaped(&to.sizes(out)?)?)]);
    }
    let (x, dims) = (selected(to, step, axis, &chosen)?, to.form(out)?.dims);
    made(to.reshaped(x, &dims, &step.name)?)
}

/// The first or the last item of a session.
fn item(to: &mut Importer<'_>, step: &Step, axis: usize) -> Made {
    let (from, index) = (input(step, 0)?, input(step, 1)?);
    let lengths = [5_i64, 7].map(Some);
    let chosen = to.known(index).ok_or("it takes an item out that is not known before")?;
    let each: Vec<Option<i64>> =
        chosen.iter().map(|tensor| whole(tensor).filter(|it| it.len() == 1).map(|it| it[0])).collect();
    let last = each.iter().all(|at| *at == Some(-1))
        || (0..2).all(|run| each[run].is_some() && each[run].map(|at| at + 1) == lengths[run]);
    let pooling = match each[..] {
        [Some(0), Some(0), Some(0)] => Pooling::Cls,
        _ if last => Pooling::Last,
        _ => return Err("it takes out another item than the first and the last".to_owned()),
    };
    one_item(to, step, from, axis, pooling)
}

fn one_item(to: &mut Importer<'_>, step: &Step, from: usize, axis: usize, pooling: Pooling) -> Made {
    let form = to.form(from)?;
    if form.is_scores() || form.places[axis] != Some(0) {
        return Err("it takes items out of scores".to_owned());
    }
    let x = to.value(from)?;
    let (x, dims) = (pooled(to, x, pooling, &step.name)?, to.form(output(step)?)?.dims);
    made(to.reshaped(x, &dims, &step.name)?)
}

/// Places of an axis of a value, by its axis in the file.
fn selected(to: &mut Importer<'_>, step: &Step, axis: usize, chosen: &[usize]) -> Result<ValueId, String> {
    let from = input(step, 0)?;
    let (x, form) = (to.value(from)?, to.form(from)?);
    let Some(at) = form.places[axis] else {
        // Of an axis of one there is one place.
        return if chosen.len() == 1 { Ok(x) } else { Err("it repeats a row".to_owned()) };
    };
    picked(to, step, x, at, chosen)
}

/// Places of an axis of the graph.
fn picked(to: &mut Importer<'_>, step: &Step, x: ValueId, at: usize, chosen: &[usize]) -> Result<ValueId, String> {
    let (&start, len) = (chosen.first().ok_or("it takes nothing out")?, chosen.len());
    if chosen.iter().enumerate().all(|(place, &at)| at == start + place) {
        if to.graph.ty(x).shape[at] == Dim::Fixed(len) {
            return Ok(x);
        }
        return to.add(Slice { axis: at, start, len }, &[x], &step.name);
    }
    to.add(Select { axis: at, places: chosen.to_vec() }, &[x], &step.name)
}

/// Places of several axes at once, which must be the first and of fixed size.
pub(super) fn gather_nd(to: &mut Importer<'_>, step: &Step) -> Made {
    let (from, index, out) = (input(step, 0)?, input(step, 1)?, output(step)?);
    let (sizes, indices) =
        (to.sizes(from)?, to.constant(index).cloned().ok_or("it takes places that are not constant")?);
    let (Some(&axes), Some(numbers), 0) = (indices.shape().last(), whole(&indices), step.int_or("batch_dims", 0)?)
    else {
        return Err("its places are of another kind, or by batch".to_owned());
    };
    let outer = fixed(sizes.get(..axes).ok_or("it takes places of more axes than there are")?);
    if axes == 0 || sizes[..axes].iter().any(|size| !matches!(size, Size::Fixed(_))) {
        return Err("it takes rows out".to_owned());
    }
    let chosen = numbers.chunks_exact(axes).map(|at| {
        at.iter().zip(&outer).try_fold(0, |flat, (&at, &size)| Ok::<_, String>(flat * size + counted(at, size)?))
    });
    let chosen = chosen.collect::<Result<Vec<usize>, String>>()?;
    let (x, form) = (to.value(from)?, to.form(from)?);
    // The axes taken together are one, after that of the rows.
    let row = usize::from(form.dims.first().is_some_and(|dim| dim.fixed().is_none()));
    let kept = form.places[..axes].iter().flatten().count();
    let joint = outer.iter().product::<usize>();
    let dims = [&form.dims[..row], &[Dim::Fixed(joint)], &form.dims[row + kept..]].concat();
    let flat = to.reshaped(x, &dims, &step.name)?;
    let (x, dims) = (picked(to, step, flat, row, &chosen)?, to.form(out)?.dims);
    made(to.reshaped(x, &dims, &step.name)?)
}

pub(super) fn slice(to: &mut Importer<'_>, step: &Step) -> Made {
    let (from, out) = (input(step, 0)?, output(step)?);
    let (before, after) = (to.sizes(from)?, to.sizes(out)?);
    let list = |at: usize, name: &str| -> Result<Option<Vec<i64>>, String> {
        match optional(step, at) {
            Some(value) => to.integers(value).map(Some).ok_or_else(|| format!("its {name} are not constant")),
            None => Ok(step.ints(name)?.map(<[i64]>::to_vec)),
        }
    };
    let starts = list(1, "starts")?.ok_or("it has no starts")?;
    let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if axes.len() != starts.len() || steps.len() != starts.len() {
        return Err("its starts, axes and steps are not as many".to_owned());
    }
    let mut held = to.lowered(from).cloned().ok_or("its input does not follow from what is given")?;
    let form = to.form(from)?;
    for ((&start, &axis), &by) in starts.iter().zip(&axes).zip(&steps) {
        let axis = counted(axis, before.len())?;
        match (before[axis], after[axis]) {
            (Size::Fixed(size), Size::Fixed(len)) => {
                let clamped = if start < 0 { start.saturating_add(size as i64) } else { start };
                let clamped = clamped.clamp(0, (size as i64 - 1).max(0));
                let chosen: Vec<usize> = (0..len as i64)
                    .map(|at| at.checked_mul(by).and_then(|at| usize::try_from(clamped + at).ok()))
                    .collect::<Option<_>>()
                    .filter(|chosen: &Vec<usize>| chosen.iter().all(|&at| at < size))
                    .ok_or("it takes places that are none")?;
                held = match held {
                    Lowered::Columns(columns) => Lowered::Columns(columns.selected(axis, &chosen)),
                    Lowered::Value(x) => match form.places[axis] {
                        Some(at) => Lowered::Value(picked(to, step, x, at, &chosen)?),
                        None => Lowered::Value(x),
                    },
                    Lowered::Never => return Err("it cuts what is no number".to_owned()),
                };
            }
            (before, after) if before == after && by == 1 => {}
            (Size::Tokens, Size::Fixed(1)) if starts.len() == 1 && (start == 0 || start == -1) => {
                let pooling = if start == 0 { Pooling::Cls } else { Pooling::Last };
                return one_item(to, step, from, axis, pooling);
            }
            _ => return Err("it takes some rows out".to_owned()),
        }
    }
    match held {
        Lowered::Value(x) => {
            let dims = to.form(out)?.dims;
            made(to.reshaped(x, &dims, &step.name)?)
        }
        held => Ok(vec![held]),
    }
}

pub(super) fn split(to: &mut Importer<'_>, step: &Step) -> Made {
    let from = input(step, 0)?;
    let sizes = to.sizes(from)?;
    let axis = counted(step.int_or("axis", 0)?, sizes.len())?;
    let mut start = 0;
    let mut parts = Vec::new();
    for value in &step.outputs {
        let value = value.ok_or("one of its parts is left out")?;
        let Size::Fixed(len) = to.sizes(value)?[axis] else { return Err("it takes some rows out".to_owned()) };
        let chosen: Vec<usize> = (start..start + len).collect();
        start += len;
        parts.push(match to.lowered(from) {
            Some(Lowered::Columns(columns)) => Lowered::Columns(columns.selected(axis, &chosen)),
            _ => {
                let (x, dims) = (selected(to, step, axis, &chosen)?, to.form(value)?.dims);
                Lowered::Value(to.reshaped(x, &dims, &step.name)?)
            }
        });
    }
    Ok(parts)
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

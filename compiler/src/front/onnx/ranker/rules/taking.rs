//! Operators that take places out: rows of tables, columns, fields, the first and the last item.

use super::super::axes::counted;
use super::super::columns::fixed;
use super::super::import::{Importer, Lowered};
use super::super::known::whole;
use super::reduce::pooled;
use super::{Made, input, made, optional, output};
use crate::graph::{Dim, ValueId};
use crate::onnx::{Size, Source, Step};
use crate::ops::{Select, Slice};
use modeldeploy_format::program::Pooling;

/// Rows of a table by ids, or places of a value.
pub(super) fn gather(to: &mut Importer<'_>, step: &Step) -> Made {
    let (from, index, out) = (input(step, 0)?, input(step, 1)?, output(step)?);
    if to.trace.source(from) == Source::Lengths {
        let table = to.constant(from).filter(|table| table.rank() > 0).ok_or("its table is not constant")?;
        if counted(step.int_or("axis", 0)?, table.rank())? != 0 {
            return Err("it looks columns of a table up".to_owned());
        }
        let (table, name) =
            (super::super::super::import::constant(table, table.shape().to_vec())?, to.trace.name(from).to_owned());
        let form = to.form(out)?;
        let ids = match to.lowered(index).cloned() {
            Some(Lowered::Columns(ids)) => ids,
            Some(Lowered::Places(places)) => {
                let rows = to.masked_rows(places, (&table, &name))?;
                return made(to.reshaped(rows, &form.dims, &step.name)?);
            }
            _ => return Err("it looks rows up by what was computed".to_owned()),
        };
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
    let lengths = to.trace.tokens().map(|tokens| i64::try_from(tokens).ok());
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

/// Whether a place is that of the last item, however many there are.
fn is_last(to: &Importer<'_>, place: i64) -> bool {
    let [first, second] = to.trace.tokens();
    place == -1 || (first == second && usize::try_from(place).is_ok_and(|place| place + 1 == first))
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
                    .map(|at| at.checked_mul(by).and_then(|at| usize::try_from(clamped.checked_add(at)?).ok()))
                    .collect::<Option<_>>()
                    .filter(|chosen: &Vec<usize>| chosen.iter().all(|&at| at < size))
                    .ok_or("it takes places that are none")?;
                held = match held {
                    Lowered::Columns(columns) => Lowered::Columns(columns.selected(axis, &chosen)),
                    Lowered::Value(x) => match form.places[axis] {
                        Some(at) => Lowered::Value(picked(to, step, x, at, &chosen)?),
                        None => Lowered::Value(x),
                    },
                    Lowered::Never | Lowered::Mask(_) | Lowered::Places(_) => {
                        return Err("it cuts what is no number".to_owned());
                    }
                };
            }
            (before, after) if before == after && by == 1 => {}
            (Size::Tokens, Size::Fixed(1)) if starts.len() == 1 && (start == 0 || is_last(to, start)) => {
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

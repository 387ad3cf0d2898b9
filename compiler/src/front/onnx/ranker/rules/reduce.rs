//! Sums, means and maxima: over fields and columns, or over the items of a session.

use super::super::axes::counted;
use super::super::import::{Importer, flat};
use super::{Made, axes, input, made, output};
use crate::graph::{Dim, ValueId};
use crate::onnx::{Size, Step};
use crate::ops::{Mul, Op, Pool, ReduceMax, ReduceMean, ReduceSum, Sqrt};
use modeldeploy_format::program::Pooling;

pub(super) fn reduce(to: &mut Importer<'_>, step: &Step, how: Pooling) -> Made {
    let x = to.value(input(step, 0)?)?;
    made(reduced(to, step, x, how)?)
}

pub(super) fn squares(to: &mut Importer<'_>, step: &Step) -> Made {
    let x = to.value(input(step, 0)?)?;
    let square = to.add(Mul, &[x, x], &step.name)?;
    made(reduced(to, step, square, Pooling::Sum)?)
}

pub(super) fn length(to: &mut Importer<'_>, step: &Step) -> Made {
    let x = to.value(input(step, 0)?)?;
    let square = to.add(Mul, &[x, x], &step.name)?;
    let sum = reduced(to, step, square, Pooling::Sum)?;
    made(to.add(Sqrt, &[sum], &step.name)?)
}

/// `x`, which has the form of the node's input, without the axes that the node names.
fn reduced(to: &mut Importer<'_>, step: &Step, mut x: ValueId, how: Pooling) -> Result<ValueId, String> {
    let value = input(step, 0)?;
    let (sizes, form) = (to.sizes(value)?, to.form(value)?);
    let listed = match axes(to, step)? {
        Some(axes) if !axes.is_empty() => axes,
        _ if step.int_or("noop_with_empty_axes", 0)? != 0 => vec![],
        _ => (0..sizes.len() as i64).collect(),
    };
    let mut own = Vec::new();
    for axis in listed {
        let axis = counted(axis, sizes.len())?;
        match (sizes[axis], form.places[axis]) {
            // The rows of the user are one, but in a file that repeats them a sum would count them.
            (Size::Candidates, _) => return Err("it goes over the batch".to_owned()),
            (_, Some(at)) => own.push(at),
            (_, None) => {}
        }
    }
    if form.is_scores() && !own.is_empty() {
        return Err("it goes over scores of items by items".to_owned());
    }
    // From the last, so that the axes before keep their numbers.
    own.sort_unstable();
    for at in own.into_iter().rev() {
        x = match to.graph.ty(x).shape[at] {
            Dim::Tokens => pooled(to, x, how, &step.name)?,
            _ => to.add(
                match how {
                    Pooling::Sum => Op::from(ReduceSum { axis: at, keep: false }),
                    Pooling::Mean => ReduceMean { axis: at, keep: false }.into(),
                    _ => ReduceMax { axis: at, keep: false }.into(),
                },
                &[x],
                &step.name,
            )?,
        };
    }
    let dims = to.form(output(step)?)?.dims;
    to.reshaped(x, &dims, &step.name)
}

/// One row for those of the items, `[items, …]`.
pub(super) fn pooled(to: &mut Importer<'_>, x: ValueId, pooling: Pooling, name: &str) -> Result<ValueId, String> {
    let row = to.graph.ty(x).row().to_vec();
    let width = row.iter().try_fold(1_usize, |width, dim| width.checked_mul(dim.fixed()?)).ok_or("its rows vary")?;
    let rows = to.reshaped(x, &flat(Some(Dim::Tokens), &[width]), name)?;
    let one = to.add(Pool { pooling }, &[rows], name)?;
    to.reshaped(one, &row, name)
}

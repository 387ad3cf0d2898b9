//! Sums, means and extremes over axes.

use super::number::{Number, numbers};
use super::{Call, Limit, Operator, cast, row};
use crate::onnx::elem::Elem;
use crate::onnx::indices::{around, axes, axis, places, strides};
use crate::onnx::tensor::Tensor;

const KNOWN: &[&str] = &["axes", "keepdims", "noop_with_empty_axes"];

/// Axes are an input from opset 18 on, but of `ReduceSum`, where they are from 13 on.
const AXES: &[Limit] = &[Limit::Until("axes", 17), Limit::Inputs(1, 17), Limit::Since("noop_with_empty_axes", 18)];
const LAST: &[Limit] = &[Limit::Since("select_last_index", 12)];

pub(super) const OPERATORS: &[Operator] = &[
    row("ReduceSum", 1, (1, 2), KNOWN, |call| reduce(call, 13, Kind::Sum)).widened().limits(&[
        Limit::Until("axes", 12),
        Limit::Inputs(1, 12),
        Limit::Since("noop_with_empty_axes", 13),
    ]),
    row("ReduceMean", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::Mean)).widened().limits(AXES),
    row("ReduceMax", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::Max)).widened().limits(AXES),
    row("ReduceMin", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::Min)).widened().limits(AXES),
    row("ReduceProd", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::Product)).widened().limits(AXES),
    row("ReduceL1", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::L1)).widened().limits(AXES),
    row("ReduceL2", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::L2)).widened().limits(AXES),
    row("ReduceLogSum", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::LogSum)).widened().limits(AXES),
    row("ReduceLogSumExp", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::LogSumExp)).widened().limits(AXES),
    row("ReduceSumSquare", 1, (1, 2), KNOWN, |call| reduce(call, 18, Kind::SumSquare)).widened().limits(AXES),
    row("ArgMax", 1, (1, 1), &["axis", "keepdims", "select_last_index"], |call| place(call, true))
        .widened()
        .limits(LAST),
    row("ArgMin", 1, (1, 1), &["axis", "keepdims", "select_last_index"], |call| place(call, false))
        .widened()
        .limits(LAST),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sum,
    Mean,
    Max,
    Min,
    Product,
    L1,
    L2,
    LogSum,
    LogSumExp,
    SumSquare,
}

/// The axes are an input from opset `since` on.
fn reduce(call: &Call<'_>, since: i64, kind: Kind) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let given = call.ints_since(since, 1, "axes")?.filter(|given| !given.is_empty());
    let given = match given {
        Some(given) => axes(&given, x.rank())?,
        None if call.attributes.flag_or("noop_with_empty_axes", false)? => vec![],
        None => (0..x.rank()).collect(),
    };
    over(x, &given, call.attributes.flag_or("keepdims", true)?, kind)
}

/// The mean over axes, each kept as one.
pub(super) fn mean(x: &Tensor, over_axes: &[usize]) -> Result<Tensor, String> {
    over(x, over_axes, true, Kind::Mean)
}

/// The largest over axes, each kept as one.
pub(super) fn largest(x: &Tensor, over_axes: &[usize]) -> Result<Tensor, String> {
    over(x, over_axes, true, Kind::Max)
}

fn over(x: &Tensor, given: &[usize], keep: bool, kind: Kind) -> Result<Tensor, String> {
    if x.elem() == Elem::Bool {
        // The extremes of truth are those of 0 and 1.
        let made = over(&cast::to(x, Elem::U8)?, given, keep, kind)?;
        return cast::to(&made, Elem::Bool);
    }
    let all = strides(x.shape());
    let (left, gone): (Vec<usize>, Vec<usize>) = (0..x.rank()).partition(|axis| !given.contains(axis));
    let part = |axes: &[usize]| {
        let shape: Vec<usize> = axes.iter().map(|&axis| x.shape()[axis]).collect();
        let strides: Vec<isize> = axes.iter().map(|&axis| all[axis]).collect();
        places(&shape, &strides, 0)
    };
    let (starts, inside) = (part(&left), part(&gone));
    let shape: Vec<usize> = (0..x.rank())
        .filter(|axis| keep || left.contains(axis))
        .map(|axis| if left.contains(&axis) { x.shape()[axis] } else { 1 })
        .collect();
    numbers!(x, values => {
        let made: Result<Vec<_>, String> = starts.iter().map(|start| one(values, *start, &inside, kind)).collect();
        Tensor::new(shape, made?)
    })
}

fn one<T: Number>(values: &[T], start: usize, inside: &[usize], kind: Kind) -> Result<T, String> {
    let all = || inside.iter().map(|place| values[start + place]);
    let zero = T::default();
    // Sums of floats are kept wide and rounded once; those of whole numbers wrap as their kind does.
    let float = T::ELEM.is_float();
    let wide = |f: fn(f64) -> f64| all().map(|x| f(x.wide())).sum::<f64>();
    Ok(match kind {
        Kind::Sum | Kind::Mean if float => {
            let sum = wide(|x| x);
            T::of(if kind == Kind::Mean { sum / inside.len() as f64 } else { sum })
        }
        Kind::Sum => all().fold(zero, T::add),
        Kind::Mean => {
            let sum: f64 = wide(|x| x);
            T::of(sum / inside.len() as f64)
        }
        Kind::Max => all().fold(T::lowest(), |most, x| if x.above(most) { x } else { most }),
        Kind::Min => all().fold(T::highest(), |least, x| if x.below(least) { x } else { least }),
        Kind::Product => all().fold(T::of(1.0), T::mul),
        Kind::L1 => T::of(wide(f64::abs)),
        Kind::L2 => T::of(wide(|x| x * x).sqrt()),
        Kind::LogSum => T::of(wide(|x| x).ln()),
        Kind::LogSumExp => {
            let most = all().map(Number::wide).fold(f64::NEG_INFINITY, f64::max);
            let shift = if most.is_finite() { most } else { 0.0 };
            T::of(all().map(|x| (x.wide() - shift).exp()).sum::<f64>().ln() + shift)
        }
        Kind::SumSquare if float => T::of(wide(|x| x * x)),
        Kind::SumSquare => all().fold(zero, |sum, x| sum.add(x.mul(x))),
    })
}

fn place(call: &Call<'_>, most: bool) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], [outer, size, inner]: [usize; 3], most: bool, last: bool) -> Vec<i64> {
        let mut found = Vec::with_capacity(outer * inner);
        for before in 0..outer {
            for after in 0..inner {
                let at = |index: usize| values[(before * size + index) * inner + after];
                let better = |a: T, b: T| if most { a.above(b) } else { a.below(b) };
                let best = (1..size).fold(0, |best, index| {
                    let wins = if last { !better(at(best), at(index)) } else { better(at(index), at(best)) };
                    if wins { index } else { best }
                });
                found.push(best as i64);
            }
        }
        found
    }
    let x = call.input(0)?;
    let axis = axis(call.attributes.int_or("axis", 0)?, x.rank())?;
    let last = call.attributes.flag_or("select_last_index", false)?;
    let (outer, size, inner) = around(x.shape(), axis);
    if size == 0 {
        return Err(format!("the axis {axis} is empty"));
    }
    let mut shape = x.shape().to_vec();
    if call.attributes.flag_or("keepdims", true)? {
        shape[axis] = 1;
    } else {
        shape.remove(axis);
    }
    numbers!(x, values => Tensor::new(shape, typed(values, [outer, size, inner], most, last)))
}

//! Running sums and products, and the largest of an axis.

use super::number::{Number, numbers};
use super::{Call, Limit, Operator, ints, one, row, rows_of, size};
use crate::onnx::indices::{around, axis};
use crate::onnx::tensor::Tensor;

pub(super) const OPERATORS: &[Operator] = &[
    row("CumSum", 11, (2, 2), &["exclusive", "reverse"], |call| running(call, false)).widened(),
    row("CumProd", 26, (2, 2), &["exclusive", "reverse"], |call| running(call, true)).widened(),
    rows_of("TopK", 1, (1, 2), 2, &["axis", "k", "largest", "sorted"], top).limits(&[
        Limit::Until("k", 9),
        Limit::Inputs(1, 9),
        Limit::Since("largest", 11),
        Limit::Since("sorted", 11),
    ]),
];

fn running(call: &Call<'_>, product: bool) -> Result<Tensor, String> {
    fn typed<T: Number>(
        values: &[T],
        (outer, size, inner): (usize, usize, usize),
        product: bool,
        flags: [bool; 2],
    ) -> Vec<T> {
        let [exclusive, reverse] = flags;
        let mut made = values.to_vec();
        for before in 0..outer {
            for after in 0..inner {
                let mut sum = if product { T::of(1.0) } else { T::default() };
                for step in 0..size {
                    let index = if reverse { size - 1 - step } else { step };
                    let at = (before * size + index) * inner + after;
                    let with = if product { sum.mul(values[at]) } else { sum.add(values[at]) };
                    made[at] = if exclusive { sum } else { with };
                    sum = with;
                }
            }
        }
        made
    }
    let x = call.input(0)?;
    let along = call.input(1)?;
    if along.len() != 1 {
        return Err(format!("one axis is needed, not {along}"));
    }
    let axis = axis(ints(along)?[0], x.rank())?;
    let flags = [call.attributes.flag_or("exclusive", false)?, call.attributes.flag_or("reverse", false)?];
    numbers!(x, values => Tensor::new(x.shape(), typed(values, around(x.shape(), axis), product, flags)))
}

/// The `k` largest or smallest of an axis, with where they stood; of equal ones the first comes first, and NaN is the largest.
fn top(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    fn order<T: Number>(values: &[T], base: usize, inner: usize, count: usize, largest: bool) -> Vec<usize> {
        let at = |index: usize| values[base + index * inner];
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| {
            let by = at(a).order(at(b));
            if largest { by.reverse() } else { by }
        });
        order
    }
    let x = call.input(0)?;
    let axis = axis(call.attributes.int_or("axis", -1)?, x.rank())?;
    let largest = call.attributes.flag_or("largest", true)?;
    let k = if call.opset < 10 {
        size(call.attributes.int("k")?.ok_or("it does not say how many")?)?
    } else {
        let k = call.input(1)?;
        one(k)?;
        size(ints(k)?[0])?
    };
    let (outer, count, inner) = around(x.shape(), axis);
    if k > count {
        return Err(format!("the axis {axis} has no {k} numbers"));
    }
    let mut shape = x.shape().to_vec();
    shape[axis] = k;
    let (mut places, mut indices) = (vec![0; outer * k * inner], vec![0_i64; outer * k * inner]);
    for before in 0..outer {
        for after in 0..inner {
            let base = before * count * inner + after;
            let order = numbers!(x, values => Ok(order(values, base, inner, count, largest)))?;
            for (rank, &index) in order[..k].iter().enumerate() {
                let to = (before * k + rank) * inner + after;
                (places[to], indices[to]) = (base + index * inner, index as i64);
            }
        }
    }
    Ok(vec![x.pick(shape.clone(), &places), Tensor::new(shape, indices)?])
}

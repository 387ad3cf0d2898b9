//! Shares of a whole along an axis.

use super::number::{Number, floats};
use super::{Call, Operator, row};
use crate::onnx::indices::{around, axis};
use crate::onnx::tensor::Tensor;

pub(super) const OPERATORS: &[Operator] = &[
    row("Softmax", 1, (1, 1), &["axis"], |call| of(call, Kind::Shares)).widened(),
    row("LogSoftmax", 1, (1, 1), &["axis"], |call| of(call, Kind::Logs)).widened(),
    row("Hardmax", 1, (1, 1), &["axis"], |call| of(call, Kind::Largest)).widened(),
];

#[derive(Clone, Copy)]
enum Kind {
    Shares,
    /// Shares of which a row of nothing but −∞ has none: all of it is masked.
    Masked,
    Logs,
    Largest,
}

fn of(call: &Call<'_>, kind: Kind) -> Result<Tensor, String> {
    let x = call.input(0)?;
    // Before opset 13 all axes from the given one on were one.
    let old = call.opset < 13;
    let at = call.attributes.int_or("axis", if old { 1 } else { -1 })?;
    if old && at == x.rank() as i64 {
        return over(x, (x.len(), 1, 1), kind);
    }
    let at = axis(at, x.rank())?;
    let (outer, size, inner) = around(x.shape(), at);
    over(x, if old { (outer, size * inner, 1) } else { (outer, size, inner) }, kind)
}

/// Over the last axis, of scores that a mask may have forbidden all.
pub(super) fn rows(x: &Tensor) -> Result<Tensor, String> {
    let width = x.shape().last().copied().unwrap_or(1);
    over(x, (x.len().checked_div(width).unwrap_or(0), width, 1), Kind::Masked)
}

fn over(x: &Tensor, parts: (usize, usize, usize), kind: Kind) -> Result<Tensor, String> {
    fn typed<T: Number>(values: &[T], (outer, size, inner): (usize, usize, usize), kind: Kind) -> Vec<T> {
        let mut made = values.to_vec();
        for before in 0..outer {
            for after in 0..inner {
                let places = || (0..size).map(|index| (before * size + index) * inner + after);
                let most = places().map(|at| values[at].wide()).fold(f64::NEG_INFINITY, f64::max);
                let exp = |at: usize| (values[at].wide() - most).exp();
                let sum: f64 = places().map(exp).sum();
                let masked = places().all(|at| values[at].wide() == f64::NEG_INFINITY);
                let first = places().reduce(|best, at| if values[at].above(values[best]) { at } else { best });
                for at in places() {
                    made[at] = T::of(match kind {
                        Kind::Masked if masked => 0.0,
                        Kind::Shares | Kind::Masked => exp(at) / sum,
                        Kind::Logs => values[at].wide() - most - sum.ln(),
                        Kind::Largest => f64::from(u8::from(first == Some(at))),
                    });
                }
            }
        }
        made
    }
    floats!(x, values => Tensor::new(x.shape(), typed(values, parts, kind)))
}

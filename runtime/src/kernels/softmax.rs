//! Softmax over rows.
//!
//! Bound by the exponential. The row's greatest value is subtracted first, so nothing overflows; the sum takes sixteen
//! lanes and the fixed tree. Each value is within a few ULP.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Operand, Rows, RowsMut};
use crate::numerics::exp;

/// `out = e^(x - max) / Σ e^(x - max)`, row by row; `x` may stand in `out` already.
///
/// # Panics
///
/// If a buffer is too short for `rows` rows of `width`.
pub fn softmax_rows(isa: Isa, x: Operand<Rows<'_>>, rows: usize, width: usize, out: RowsMut<'_>) {
    x.check("x", rows, width);
    out.check("out", rows, width);
    isa.run(Softmax { x, rows, width, out });
}

struct Softmax<'a> {
    x: Operand<Rows<'a>>,
    rows: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for r in 0..self.rows {
            let out = self.out.row(r, self.width);
            self.x.bring(r, out);
            softmax_row(s, out, 1.0, None);
        }
    }
}

/// The softmax of `scale · row + bias`, in place.
#[inline(always)]
pub(crate) fn softmax_row<S: Simd>(s: S, row: &mut [f32], scale: f32, bias: Option<&[f32]>) {
    let (chunks, rest) = row.as_chunks_mut::<16>();
    let full = 16 * chunks.len();
    let mut greatest = s.splat(f32::NEG_INFINITY);
    for (i, chunk) in chunks.iter_mut().enumerate() {
        let x = scaled(s, s.load(chunk), scale, bias, 16 * i);
        s.store(chunk, x);
        greatest = s.max(greatest, x);
    }
    if !rest.is_empty() {
        let x = scaled(s, s.load_part(rest, 0.0), scale, bias, full);
        s.store_part(rest, x);
        greatest = s.max(greatest, s.load_part(rest, f32::NEG_INFINITY));
    }
    let greatest = s.splat(s.largest(greatest));
    let mut total = s.splat(0.0);
    for chunk in chunks.iter_mut() {
        let y = exp(s, s.sub(s.load(chunk), greatest));
        s.store(chunk, y);
        total = s.add(total, y);
    }
    if !rest.is_empty() {
        let y = exp(s, s.sub(s.load_part(rest, f32::NEG_INFINITY), greatest));
        s.store_part(rest, y);
        total = s.add(total, y);
    }
    let inverse = s.splat(1.0 / s.sum(total));
    for chunk in chunks {
        let y = s.mul(s.load(chunk), inverse);
        s.store(chunk, y);
    }
    if !rest.is_empty() {
        let y = s.mul(s.load_part(rest, 0.0), inverse);
        s.store_part(rest, y);
    }
}

#[inline(always)]
fn scaled<S: Simd>(s: S, x: S::F, scale: f32, bias: Option<&[f32]>, column: usize) -> S::F {
    let bias = match bias {
        None => s.splat(0.0),
        Some(bias) => match bias[column..].first_chunk() {
            Some(chunk) => s.load(chunk),
            None => s.load_part(&bias[column..], 0.0),
        },
    };
    s.fma(x, s.splat(scale), bias)
}

#[cfg(test)]
mod tests;

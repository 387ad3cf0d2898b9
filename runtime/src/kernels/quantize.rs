//! Rows of f32 to 8-bit codes, each row with a scale and a zero of its own.
//!
//! Bound by memory: two passes over a row that stays in the nearest cache. An error of half a scale at most (one at
//! the ends of the range, where the zero's rounding cuts off). Formula, for a row's least `lo ≤ 0` and greatest `hi ≥ 0`:
//! `scale = hi/255 - lo/255`, `zero = round(-lo/scale)`, `code = clamp(round(x · (1/scale) + zero), 0, 255)`.

use modeldeploy_format::program::RowScale;

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::Rows;
use crate::kernels::rows::check_rows;

/// Quantized rows to read: row `r` starts at `r · stride`.
#[derive(Clone, Copy, Debug)]
pub struct Q8Rows<'a> {
    /// The codes.
    pub codes: &'a [u8],
    /// From one row to the next; at least the width rounded up to 4.
    pub stride: usize,
    /// One a row.
    pub params: &'a [RowScale],
}

impl Q8Rows<'_> {
    /// # Panics
    ///
    /// If the codes are not `params.len()` rows of `width`.
    pub(crate) fn check(&self, what: &str, width: usize) {
        check_rows(what, self.codes.len(), self.stride, self.params.len(), width);
    }
}

/// Quantized rows to write: row `r` starts at `r · stride`, and is written up to its width rounded up to 4.
#[derive(Debug)]
pub struct Q8RowsMut<'a> {
    /// The codes.
    pub codes: &'a mut [u8],
    /// From one row to the next; at least the width rounded up to 4.
    pub stride: usize,
    /// One a row.
    pub params: &'a mut [RowScale],
}

impl<'a> Q8RowsMut<'a> {
    /// Takes the first `rows` rows off.
    ///
    /// # Panics
    ///
    /// If there are not as many.
    pub(crate) fn take_rows(&mut self, rows: usize) -> Q8RowsMut<'a> {
        let codes = self.codes.split_off_mut(..rows * self.stride).expect("there are as many rows");
        let params = self.params.split_off_mut(..rows).expect("there are as many rows");
        Q8RowsMut { codes, stride: self.stride, params }
    }

    /// # Panics
    ///
    /// If the codes are not `params.len()` rows of `width` rounded up to 4.
    pub(crate) fn check(&self, what: &str, width: usize) {
        check_rows(what, self.codes.len(), self.stride, self.params.len(), width.next_multiple_of(4));
    }

    /// Row `r`'s codes, padding included, and its parameters.
    #[inline(always)]
    pub(crate) fn row(&mut self, r: usize, width: usize) -> (&mut [u8], &mut RowScale) {
        (&mut self.codes[r * self.stride..][..width.next_multiple_of(4)], &mut self.params[r])
    }
}

/// Quantizes `out.params.len()` rows of `width` values. Codes past the width, up to a multiple of 4, are the row's zero.
///
/// A row of range under `255 · 2^-126` is all zeros: scale 0, zero 0. A row with a NaN or an infinity gets scale NaN,
/// zero 0 and codes 0.
///
/// # Panics
///
/// If a buffer is too short for its shape.
pub fn quantize_rows(isa: Isa, x: Rows<'_>, width: usize, out: Q8RowsMut<'_>) {
    x.check("x", out.params.len(), width);
    out.check("codes", width);
    isa.run(Quantize { x, width, out });
}

struct Quantize<'a> {
    x: Rows<'a>,
    width: usize,
    out: Q8RowsMut<'a>,
}

impl Kernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for r in 0..self.out.params.len() {
            let (chunks, rest) = self.x.row(r, self.width).as_chunks::<16>();
            // Two, so that neither waits for itself.
            let mut ranges = [Range::new(s); 2];
            let (pairs, last) = chunks.as_chunks::<2>();
            for [first, second] in pairs {
                ranges[0].include(s, s.load(first));
                ranges[1].include(s, s.load(second));
            }
            for chunk in last {
                ranges[0].include(s, s.load(chunk));
            }
            if !rest.is_empty() {
                ranges[1].include(s, s.load_part(rest, 0.0));
            }
            let step = ranges[0].and(s, ranges[1]).step(s);
            let (codes, params) = self.out.row(r, self.width);
            *params = step.params;
            // The rest is at most fifteen values, sixteen codes with its padding.
            let (codes, code_rest) = codes.split_at_mut(16 * chunks.len());
            for (codes, chunk) in codes.as_chunks_mut::<16>().0.iter_mut().zip(chunks) {
                s.store_u8(codes, step.codes(s, s.load(chunk)));
            }
            step.store_part(s, s.load_part(rest, 0.0), code_rest);
        }
    }
}

/// The running range of a row, 0 included.
#[derive(Clone, Copy)]
pub(crate) struct Range<F> {
    lo: F,
    hi: F,
    /// 0 while all is finite, else NaN.
    poison: F,
}

impl<F: Copy> Range<F> {
    #[inline(always)]
    pub(crate) fn new<S: Simd<F = F>>(s: S) -> Self {
        let zero = s.splat(0.0);
        Self { lo: zero, hi: zero, poison: zero }
    }

    #[inline(always)]
    pub(crate) fn include<S: Simd<F = F>>(&mut self, s: S, x: F) {
        self.lo = s.min(x, self.lo);
        self.hi = s.max(x, self.hi);
        self.poison = s.fma(x, s.splat(0.0), self.poison);
    }

    /// That of both.
    #[inline(always)]
    pub(crate) fn and<S: Simd<F = F>>(self, s: S, other: Self) -> Self {
        Self { lo: s.min(self.lo, other.lo), hi: s.max(self.hi, other.hi), poison: s.add(self.poison, other.poison) }
    }

    /// The row's scale and zero.
    #[inline(always)]
    pub(crate) fn step<S: Simd<F = F>>(self, s: S) -> Step {
        let (lo, hi) = (s.smallest(self.lo), s.largest(self.hi));
        let scale = hi / 255.0 - lo / 255.0;
        if s.sum(self.poison).is_nan() {
            Step { params: RowScale { scale: f32::NAN, zero: 0 }, inverse: 0.0 }
        } else if scale < f32::MIN_POSITIVE {
            Step { params: RowScale { scale: 0.0, zero: 0 }, inverse: 0.0 }
        } else {
            let inverse = 1.0 / scale;
            let zero = (-lo * inverse).round_ties_even().min(255.0);
            Step { params: RowScale { scale, zero: zero as i32 }, inverse }
        }
    }
}

/// How a row's values become codes.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) params: RowScale,
    inverse: f32,
}

impl Step {
    /// The codes of sixteen values.
    #[inline(always)]
    pub(crate) fn codes<S: Simd>(self, s: S, x: S::F) -> S::I {
        let scaled = s.fma(x, s.splat(self.inverse), s.splat(self.params.zero as f32));
        let code = s.round_to_int(scaled);
        s.max_int(s.splat_int(0), s.min_int(s.splat_int(255), code))
    }

    /// The codes of the first values, as many as `codes` has.
    #[inline(always)]
    pub(crate) fn store_part<S: Simd>(self, s: S, x: S::F, codes: &mut [u8]) {
        let mut lanes = [0; 16];
        s.store_u8(&mut lanes, self.codes(s, x));
        codes.copy_from_slice(&lanes[..codes.len()]);
    }
}

#[cfg(test)]
mod tests;

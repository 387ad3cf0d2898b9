//! LayerNorm over rows, the sum with a residual before it, and the quantization after it.
//!
//! `z = (x - mean) / √(variance + eps)`, `y = z · gamma + beta`, the variance about the mean, in two passes over a row
//! that stays in the nearest cache. Bound by memory. Sums take sixteen lanes and the fixed tree; the last
//! multiply-add is fused.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::quantize::Range;
use crate::kernels::{Operand, Q8RowsMut, Rows, RowsMut};

/// A scale and an offset for each column.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// Multiplies the normalized value.
    pub gamma: &'a [f32],
    /// Is added to it.
    pub beta: &'a [f32],
}

impl Affine<'_> {
    /// # Panics
    ///
    /// If they are not `width` values.
    pub(crate) fn check(&self, width: usize) {
        assert_eq!((self.gamma.len(), self.beta.len()), (width, width), "not one gamma and beta a column");
    }

    /// Gamma and beta by whole sixteens.
    #[inline(always)]
    fn chunks(&self) -> impl Iterator<Item = (&[f32; 16], &[f32; 16])> {
        self.gamma.as_chunks().0.iter().zip(self.beta.as_chunks().0)
    }

    #[inline(always)]
    pub(crate) fn apply<S: Simd>(&self, s: S, z: S::F, column: usize) -> S::F {
        match (self.gamma[column..].first_chunk(), self.beta[column..].first_chunk()) {
            (Some(gamma), Some(beta)) => s.fma(z, s.load(gamma), s.load(beta)),
            _ => s.fma(z, s.load_part(&self.gamma[column..], 0.0), s.load_part(&self.beta[column..], 0.0)),
        }
    }
}

/// What is normalized.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm<'a> {
    /// The rows, which may stand in the output already.
    pub x: Operand<Rows<'a>>,
    /// Rows added to them first.
    pub residual: Option<Rows<'a>>,
    /// How many.
    pub rows: usize,
    /// Added to the variance.
    pub eps: f32,
    /// The scale and offset of the output; its length is the width of a row.
    pub affine: Affine<'a>,
}

/// `out = normalize(x + residual) · gamma + beta`, row by row.
///
/// # Panics
///
/// If a buffer is too short for its shape, or the width is 0.
pub fn layer_norm(isa: Isa, norm: LayerNorm<'_>, out: RowsMut<'_>) {
    norm.check(&out);
    isa.run(Normalize { norm, out, quantized: None });
}

/// [`layer_norm`], and the same normalized rows with a second scale and offset (those that smooth the range), quantized
/// as by [`crate::kernels::quantize_rows`].
///
/// # Panics
///
/// If a buffer is too short for its shape, or the width is 0.
pub fn layer_norm_quantize(isa: Isa, norm: LayerNorm<'_>, out: RowsMut<'_>, smooth: Affine<'_>, codes: Q8RowsMut<'_>) {
    norm.check(&out);
    smooth.check(norm.affine.gamma.len());
    assert_eq!(codes.params.len(), norm.rows, "not one scale a row");
    codes.check("codes", norm.affine.gamma.len());
    isa.run(Normalize { norm, out, quantized: Some((smooth, codes)) });
}

impl LayerNorm<'_> {
    fn check(&self, out: &RowsMut<'_>) {
        let width = self.affine.gamma.len();
        assert!(width > 0, "rows of no values have no mean");
        self.affine.check(width);
        self.x.check("x", self.rows, width);
        if let Some(residual) = self.residual {
            residual.check("residual", self.rows, width);
        }
        out.check("out", self.rows, width);
    }
}

/// How many rows are summed at once.
const TOGETHER: usize = 4;

struct Normalize<'a> {
    norm: LayerNorm<'a>,
    out: RowsMut<'a>,
    quantized: Option<(Affine<'a>, Q8RowsMut<'a>)>,
}

impl Kernel for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let rows = self.norm.rows;
        for first in (0..rows / TOGETHER).map(|group| group * TOGETHER) {
            self.some::<S, TOGETHER>(s, first);
        }
        for row in rows / TOGETHER * TOGETHER..rows {
            self.some::<S, 1>(s, row);
        }
    }
}

impl Normalize<'_> {
    /// Rows `first` to `first + R`, whose sums, each a chain of its own, keep one another company.
    #[inline(always)]
    fn some<S: Simd, const R: usize>(&mut self, s: S, first: usize) {
        let LayerNorm { x, residual, eps, affine, .. } = self.norm;
        let width = affine.gamma.len();
        for r in first..first + R {
            let out = self.out.row(r, width);
            x.bring(r, out);
            if let Some(residual) = residual {
                add(s, residual.row(r, width), out);
            }
        }
        let mut rows = [&[][..]; R];
        for (r, row) in rows.iter_mut().enumerate() {
            *row = self.out.written(first + r, width);
        }
        let moments = moments(s, rows, eps);
        for (r, moments) in (first..).zip(moments) {
            let out = self.out.row(r, width);
            match &mut self.quantized {
                None => moments.apply(s, out, affine),
                Some((smooth, codes)) => moments.quantize(s, out, [affine, *smooth], codes, r),
            }
        }
    }
}

/// `row += residual`
#[inline(always)]
fn add<S: Simd>(s: S, residual: &[f32], row: &mut [f32]) {
    let (residual, residual_rest) = residual.as_chunks::<16>();
    let (chunks, rest) = row.as_chunks_mut::<16>();
    for (chunk, residual) in chunks.iter_mut().zip(residual) {
        s.store(chunk, s.add(s.load(chunk), s.load(residual)));
    }
    if !rest.is_empty() {
        s.store_part(rest, s.add(s.load_part(rest, 0.0), s.load_part(residual_rest, 0.0)));
    }
}

/// A row's mean, and one over its deviation.
#[derive(Clone, Copy)]
struct Moments {
    mean: f32,
    inverse: f32,
}

/// Those of some rows of one width.
#[inline(always)]
fn moments<S: Simd, const R: usize>(s: S, rows: [&[f32]; R], eps: f32) -> [Moments; R] {
    let width = rows[0].len();
    let (chunks, rest) = (width / 16, width % 16);
    let mut totals = [s.splat(0.0); R];
    for c in 0..chunks {
        for (total, row) in totals.iter_mut().zip(rows) {
            *total = s.add(*total, s.load(row.as_chunks().0[c..].first().expect("a chunk of the row")));
        }
    }
    let mut moments = [Moments { mean: 0.0, inverse: 0.0 }; R];
    for ((moments, total), row) in moments.iter_mut().zip(totals).zip(rows) {
        let total = if rest == 0 { total } else { s.add(total, s.load_part(&row[16 * chunks..], 0.0)) };
        moments.mean = s.sum(total) / width as f32;
    }
    let mut squares = [s.splat(0.0); R];
    for c in 0..chunks {
        for ((square, row), moments) in squares.iter_mut().zip(rows).zip(&moments) {
            let x = s.load(row.as_chunks().0[c..].first().expect("a chunk of the row"));
            let off = s.sub(x, s.splat(moments.mean));
            *square = s.fma(off, off, *square);
        }
    }
    for ((moments, mut square), row) in moments.iter_mut().zip(squares).zip(rows) {
        if rest != 0 {
            let off = s.sub(s.load_part(&row[16 * chunks..], moments.mean), s.splat(moments.mean));
            square = s.fma(off, off, square);
        }
        moments.inverse = 1.0 / (s.sum(square) / width as f32 + eps).sqrt();
    }
    moments
}

impl Moments {
    #[inline(always)]
    fn normalize<S: Simd>(self, s: S, x: S::F) -> S::F {
        s.mul(s.sub(x, s.splat(self.mean)), s.splat(self.inverse))
    }

    #[inline(always)]
    fn apply<S: Simd>(self, s: S, row: &mut [f32], affine: Affine<'_>) {
        let (chunks, rest) = row.as_chunks_mut::<16>();
        let full = 16 * chunks.len();
        for (chunk, affine) in chunks.iter_mut().zip(affine.chunks()) {
            let z = self.normalize(s, s.load(chunk));
            s.store(chunk, s.fma(z, s.load(affine.0), s.load(affine.1)));
        }
        if !rest.is_empty() {
            let y = affine.apply(s, self.normalize(s, s.load_part(rest, 0.0)), full);
            s.store_part(rest, y);
        }
    }

    /// The row's codes by `smooth`, and the row itself by `affine`.
    #[inline(always)]
    fn quantize<S: Simd>(
        self,
        s: S,
        row: &mut [f32],
        [affine, smooth]: [Affine<'_>; 2],
        codes: &mut Q8RowsMut<'_>,
        r: usize,
    ) {
        let width = row.len();
        let (chunks, rest) = row.as_chunks_mut::<16>();
        let full = 16 * chunks.len();
        // Two, so that neither waits for itself.
        let mut ranges = [Range::new(s); 2];
        for (i, (chunk, smooth)) in chunks.iter_mut().zip(smooth.chunks()).enumerate() {
            let z = self.normalize(s, s.load(chunk));
            s.store(chunk, z);
            let y = s.fma(z, s.load(smooth.0), s.load(smooth.1));
            match i % 2 {
                0 => ranges[0].include(s, y),
                _ => ranges[1].include(s, y),
            }
        }
        // Past the width gamma and beta load as 0, so the padding is 0 there and its code the row's zero.
        let z = self.normalize(s, s.load_part(rest, self.mean));
        let last = smooth.apply(s, z, full);
        ranges[0].include(s, last);
        let step = ranges[0].and(s, ranges[1]).step(s);
        let (codes, params) = codes.row(r, width);
        *params = step.params;
        let (codes, code_rest) = codes.split_at_mut(full);
        let both = affine.chunks().zip(smooth.chunks());
        for ((codes, chunk), (affine, smooth)) in codes.as_chunks_mut::<16>().0.iter_mut().zip(chunks).zip(both) {
            let z = s.load(chunk);
            s.store_u8(codes, step.codes(s, s.fma(z, s.load(smooth.0), s.load(smooth.1))));
            s.store(chunk, s.fma(z, s.load(affine.0), s.load(affine.1)));
        }
        step.store_part(s, last, code_rest);
        if !rest.is_empty() {
            s.store_part(rest, affine.apply(s, z, full));
        }
    }
}

#[cfg(test)]
mod tests;

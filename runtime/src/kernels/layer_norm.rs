//! LayerNorm over rows, the sum with a residual before it, and the quantization after it.
//!
//! `z = (x - mean) / √(variance + eps)`, `y = z · gamma + beta`, the variance about the mean, in two passes over a row
//! that stays in the nearest cache. Bound by memory. Sums take sixteen lanes and the fixed tree; the last
//! multiply-add is fused.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::quantize::Range;
use crate::kernels::{Q8RowsMut, Rows, RowsMut};

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
    fn check(&self, width: usize) {
        assert_eq!((self.gamma.len(), self.beta.len()), (width, width), "not one gamma and beta a column");
    }

    #[inline(always)]
    fn apply<S: Simd>(&self, s: S, z: S::F, column: usize) -> S::F {
        match (self.gamma[column..].first_chunk(), self.beta[column..].first_chunk()) {
            (Some(gamma), Some(beta)) => s.fma(z, s.load(gamma), s.load(beta)),
            _ => s.fma(z, s.load_part(&self.gamma[column..], 0.0), s.load_part(&self.beta[column..], 0.0)),
        }
    }
}

/// What is normalized.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm<'a> {
    /// The rows.
    pub x: Rows<'a>,
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

struct Normalize<'a> {
    norm: LayerNorm<'a>,
    out: RowsMut<'a>,
    quantized: Option<(Affine<'a>, Q8RowsMut<'a>)>,
}

impl Kernel for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let LayerNorm { x, residual, rows, eps, affine } = self.norm;
        let width = affine.gamma.len();
        for r in 0..rows {
            let out = self.out.row(r, width);
            let total = gather(s, x.row(r, width), residual.map(|residual| residual.row(r, width)), out);
            let mean = total / width as f32;
            let variance = squares(s, out, mean) / width as f32;
            let moments = Moments { mean, inverse: 1.0 / (variance + eps).sqrt() };
            if let Some((smooth, codes)) = &mut self.quantized {
                moments.quantize(s, out, *smooth, codes, r);
            }
            moments.apply(s, out, affine);
        }
    }
}

/// `out = x + residual`; returns the sum of the row.
#[inline(always)]
fn gather<S: Simd>(s: S, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) -> f32 {
    let mut total = s.splat(0.0);
    let (chunks, rest) = x.as_chunks::<16>();
    let (out_chunks, out_rest) = out.as_chunks_mut::<16>();
    match residual {
        Some(residual) => {
            let (residual, residual_rest) = residual.as_chunks::<16>();
            for ((x, residual), out) in chunks.iter().zip(residual).zip(out_chunks) {
                let sum = s.add(s.load(x), s.load(residual));
                s.store(out, sum);
                total = s.add(total, sum);
            }
            if !rest.is_empty() {
                let sum = s.add(s.load_part(rest, 0.0), s.load_part(residual_rest, 0.0));
                s.store_part(out_rest, sum);
                total = s.add(total, sum);
            }
        }
        None => {
            for (x, out) in chunks.iter().zip(out_chunks) {
                s.store(out, s.load(x));
                total = s.add(total, s.load(x));
            }
            if !rest.is_empty() {
                out_rest.copy_from_slice(rest);
                total = s.add(total, s.load_part(rest, 0.0));
            }
        }
    }
    s.sum(total)
}

/// `Σ (x - mean)²`
#[inline(always)]
fn squares<S: Simd>(s: S, x: &[f32], mean: f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut total = s.splat(0.0);
    for chunk in chunks {
        let off = s.sub(s.load(chunk), s.splat(mean));
        total = s.fma(off, off, total);
    }
    if !rest.is_empty() {
        let off = s.sub(s.load_part(rest, mean), s.splat(mean));
        total = s.fma(off, off, total);
    }
    s.sum(total)
}

/// A row's mean, and one over its deviation.
#[derive(Clone, Copy)]
struct Moments {
    mean: f32,
    inverse: f32,
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
        for (i, chunk) in chunks.iter_mut().enumerate() {
            let y = affine.apply(s, self.normalize(s, s.load(chunk)), 16 * i);
            s.store(chunk, y);
        }
        if !rest.is_empty() {
            let y = affine.apply(s, self.normalize(s, s.load_part(rest, 0.0)), full);
            s.store_part(rest, y);
        }
    }

    #[inline(always)]
    fn quantize<S: Simd>(self, s: S, row: &[f32], smooth: Affine<'_>, codes: &mut Q8RowsMut<'_>, r: usize) {
        let (chunks, rest) = row.as_chunks::<16>();
        let full = 16 * chunks.len();
        let mut range = Range::new(s);
        for (i, chunk) in chunks.iter().enumerate() {
            range.include(s, smooth.apply(s, self.normalize(s, s.load(chunk)), 16 * i));
        }
        // Past the width gamma and beta load as 0, so the padding is 0 there and its code the row's zero.
        let last = smooth.apply(s, self.normalize(s, s.load_part(rest, self.mean)), full);
        range.include(s, last);
        let step = range.step(s);
        let (codes, params) = codes.row(r, row.len());
        *params = step.params;
        let (codes, code_rest) = codes.split_at_mut(full);
        for (i, (codes, chunk)) in codes.as_chunks_mut::<16>().0.iter_mut().zip(chunks).enumerate() {
            let y = smooth.apply(s, self.normalize(s, s.load(chunk)), 16 * i);
            s.store_u8(codes, step.codes(s, y));
        }
        step.store_part(s, last, code_rest);
    }
}

#[cfg(test)]
mod tests;

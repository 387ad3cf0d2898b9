//! The f32 product, over weights stored as f32 or as bf16.
//!
//! Bound by arithmetic from a few rows on. Each output is one chain of fused multiply-adds over k ascending from 0,
//! so its bits depend neither on the instruction set nor on the tile; its error is that of such a sum.

use modeldeploy_format::program::Activation;

use crate::isa::{Isa, Room, Simd, Walk};
use crate::kernels::activate::apply;
use crate::kernels::tile::{Multiply, Place, Product, Ready};
use crate::kernels::{Epilogue, Rows, RowsMut};

/// f32 weights in panels.
#[derive(Clone, Copy, Debug)]
pub struct F32Panels<'a> {
    /// `[n/16][k][16]`, n padded to 16 with zeros.
    pub values: &'a [f32],
    /// Output columns.
    pub n: usize,
    /// Depth.
    pub k: usize,
}

/// bf16 weights in panels; each is widened exactly.
#[derive(Clone, Copy, Debug)]
pub struct Bf16Panels<'a> {
    /// The bits, `[n/16][k][16]`, n padded to 16 with zeros.
    pub values: &'a [u16],
    /// Output columns.
    pub n: usize,
    /// Depth.
    pub k: usize,
}

/// `out[m, n] = activation(Σ x[m, k] · w[k, n] + bias[n]) + residual[m, n]` for `rows` rows.
///
/// # Panics
///
/// If a buffer is too short for its shape.
pub fn gemm_f32(isa: Isa, x: Rows<'_>, rows: usize, w: F32Panels<'_>, epilogue: Epilogue<'_>, out: RowsMut<'_>) {
    isa.run(multiply(x, rows, w.values, (w.n, w.k), epilogue, out));
}

/// [`gemm_f32`] over weights stored as bf16; the arithmetic is in f32.
///
/// # Panics
///
/// If a buffer is too short for its shape.
pub fn gemm_bf16(isa: Isa, x: Rows<'_>, rows: usize, w: Bf16Panels<'_>, epilogue: Epilogue<'_>, out: RowsMut<'_>) {
    isa.run(multiply(x, rows, w.values, (w.n, w.k), epilogue, out));
}

/// The checked product of `rows` rows of `x` and panels of `(n, k)`.
pub(crate) fn multiply<'a, W: Weight>(
    x: Rows<'a>,
    rows: usize,
    panels: &'a [W],
    (n, k): (usize, usize),
    epilogue: Epilogue<'a>,
    out: RowsMut<'a>,
) -> Multiply<'a, Float<'a, W>> {
    assert_eq!(panels.len(), n.next_multiple_of(16) * k, "the panels are not [n/16][k][16]");
    x.check("x", rows, k);
    epilogue.check(rows, n);
    out.check("out", rows, n);
    Multiply { product: Float { x, panels, k }, rows, n, epilogue, out }
}

/// How a weight is stored.
pub(crate) trait Weight: Copy {
    fn load<S: Simd>(s: S, weights: &[Self; 16]) -> S::F;
}

impl Weight for f32 {
    #[inline(always)]
    fn load<S: Simd>(s: S, weights: &[Self; 16]) -> S::F {
        s.load(weights)
    }
}

impl Weight for u16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, weights: &[Self; 16]) -> S::F {
        s.load_bf16(weights)
    }
}

pub(crate) struct Float<'a, W> {
    x: Rows<'a>,
    panels: &'a [W],
    k: usize,
}

impl<W> Clone for Float<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Float<'_, W> {}

impl<W: Weight> Product for Float<'_, W> {
    #[inline(always)]
    fn narrow_rows<S: Simd>() -> usize {
        6
    }

    #[inline(always)]
    fn activate<S: Simd>(s: S, activation: Activation, y: S::F) -> S::F {
        apply(s, activation, y)
    }

    type Sum<S: Simd> = S::F;

    #[inline(always)]
    fn accumulate<S: Simd, const R: usize, const P: usize>(self, s: S, place: Place, _: Ready<'_>) -> [[S::F; P]; R] {
        let rows = &self.x.values[place.row * self.x.stride..];
        let panels = &self.panels[16 * self.k * place.panel..];
        let walk = Walk::<f32, 1, W, 16, R, P>::new(rows, self.x.stride, panels, 16 * self.k, self.k);
        let ahead = place.ahead(P, self.k, 16);
        let mut totals = [[s.splat(0.0); P]; R];
        for step in walk.steps() {
            let mut weights = [s.splat(0.0); P];
            for (p, weights) in weights.iter_mut().enumerate() {
                *weights = W::load(s, step.panel(p));
            }
            for (r, totals) in totals.iter_mut().enumerate() {
                let [x] = step.row(r);
                let x = s.splat(x);
                for (total, &weights) in totals.iter_mut().zip(&weights) {
                    *total = s.fma(x, weights, *total);
                }
            }
            ahead.prefetch(s, self.panels, step.index(), P);
        }
        totals
    }

    type Row<S: Simd> = ();

    #[inline(always)]
    fn row<S: Simd>(self, _s: S, _row: usize) {}

    type Columns<S: Simd> = ();

    #[inline(always)]
    fn ready<S: Simd>(self, _s: S, _panel: usize, _tiles: usize, _room: &mut Room) -> Ready<'_> {
        Ready::default()
    }

    #[inline(always)]
    fn columns<S: Simd, const FULL: bool>(self, _s: S, _column: usize, _debts: &[i32; 16]) {}

    #[inline(always)]
    fn finish<S: Simd>(self, s: S, sum: S::F, _row: (), _columns: (), bias: S::F) -> S::F {
        s.add(sum, bias)
    }
}

#[cfg(test)]
mod tests;

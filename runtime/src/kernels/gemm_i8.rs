//! The int8 product: codes of rows times panels of weights, exact in i32, scaled and finished in f32.
//!
//! Bound by arithmetic from eight rows on, by the reading of the weights below. The sums are exact; the f32 that
//! follows is one expression on every instruction set, so the bits are the same.

mod matrix;

use modeldeploy_format::program::{Activation, RowScale};

use crate::isa::{Isa, Kept, Kernel, Room, Simd, TILE_STEP, Walk};
use crate::kernels::activate::apply_to_codes;
use crate::kernels::epilogue::columns;
use crate::kernels::tile::{Multiply, Place, Product, Ready};
use crate::kernels::{Epilogue, Q8Rows, RowsMut};

/// The deepest product whose sums cannot leave i32: `255 · 127 · k < 2^31`.
const MAX_K: usize = 65_536;

/// int8 weights, symmetric per output column: `w[k, n] ≈ scales[n] · code`.
#[derive(Clone, Copy, Debug)]
pub struct I8Panels<'a> {
    /// `[n/16][k/4][16][4]`, n padded to 16 and k to 4 with zeros; all within ±127.
    pub codes: &'a [i8],
    /// One scale a column, `n` of them.
    pub scales: &'a [f32],
    /// Each column's sum of codes over k, `n` of them.
    pub sums: &'a [i32],
    /// Output columns.
    pub n: usize,
    /// Depth.
    pub k: usize,
}

/// `out[m, n] = activation(scale[m] · w.scales[n] · (Σ code · w - zero[m] · w.sums[n]) + bias[n]) + residual[m, n]`
///
/// The number of rows is that of `x.params`. Results: `fma(scale · w.scales[n], f32(sum), bias[n])`.
///
/// # Panics
///
/// If a buffer is too short for its shape, or `w.k` is over 65,536.
pub fn gemm_i8(isa: Isa, x: Q8Rows<'_>, w: I8Panels<'_>, epilogue: Epilogue<'_>, out: RowsMut<'_>) {
    let rows = x.params.len();
    let depth = w.k.next_multiple_of(4);
    assert!(w.k <= MAX_K, "k = {} may overflow the sums", w.k);
    assert_eq!(w.codes.len(), w.n.next_multiple_of(16) * depth, "the panels are not [n/16][k/4][16][4]");
    assert_eq!((w.scales.len(), w.sums.len()), (w.n, w.n), "not one scale and sum a column");
    x.check("codes", depth);
    epilogue.check(rows, w.n);
    out.check("out", rows, w.n);
    isa.run(Whole(Multiply { product: Int8 { x, w }, rows, n: w.n, epilogue, out }));
}

/// The product on a matrix unit where there is one, the depth is in whole steps of it and the rows are more than one, which it reads
/// its weights no faster for (bench `kernels`, `search`); in vectors elsewhere.
struct Whole<'a>(Multiply<'a, Int8<'a>>);

impl Kernel for Whole<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let fits = self.0.rows > 1 && self.0.product.w.k.is_multiple_of(TILE_STEP);
        match s.matrix() {
            Some(matrix) if fits => matrix::multiply(s, matrix, self.0),
            _ => self.0.run(s),
        }
    }
}

#[derive(Clone, Copy)]
struct Int8<'a> {
    x: Q8Rows<'a>,
    w: I8Panels<'a>,
}

impl Int8<'_> {
    /// One row and one panel. The sums being exact, four chains share the depth, and the panel is read in the order in which it lies:
    /// what comes from memory comes faster so than from four panels in turn, and faster than with a prefetch (bench `kernels`, `search`).
    #[inline(always)]
    fn lone<S: Simd, W: Weights>(self, s: S, codes: &[u8], panel: &[W]) -> S::I {
        let walk = Walk::<u8, 16, W, 4, 1, 1>::new(codes, self.x.stride, panel, panel.len(), panel.len() / 4);
        let mut totals = [s.splat_int(0); 4];
        for step in walk.steps() {
            let row = step.row(0);
            let (codes, _) = row.as_chunks();
            for (total, (codes, weights)) in totals.iter_mut().zip(codes.iter().zip(step.panel(0))) {
                *total = s.dot(*total, s.codes(*codes), weights.load(s));
            }
        }
        let done = panel.len() / 4 * 4;
        let (codes, _) = codes[4 * done..].as_chunks();
        for (total, (codes, weights)) in totals.iter_mut().zip(codes.iter().zip(&panel[done..])) {
            *total = s.dot(*total, s.codes(*codes), weights.load(s));
        }
        s.add_int(s.add_int(totals[0], totals[1]), s.add_int(totals[2], totals[3]))
    }

    /// A tile's sums over panels whose weights lie in either form.
    #[inline(always)]
    fn sums<S: Simd, W: Weights, const R: usize, const P: usize>(
        self,
        s: S,
        place: Place,
        panels: &[W],
    ) -> [[S::I; P]; R] {
        let steps = self.w.k.div_ceil(4);
        let codes = &self.x.codes[place.row * self.x.stride..];
        if R == 1 {
            let mut totals = [s.splat_int(0); P];
            for (p, total) in totals.iter_mut().enumerate() {
                *total = self.lone(s, codes, &panels[steps * p..][..steps]);
            }
            return [totals; R];
        }
        let walk = Walk::<u8, 4, W, 1, R, P>::new(codes, self.x.stride, panels, steps, steps);
        let ahead = place.ahead(P, steps, 64);
        let mut totals = [[s.splat_int(0); P]; R];
        for step in walk.steps() {
            let mut weights = [step.panel(0)[0].load(s); P];
            for (p, weights) in weights.iter_mut().enumerate() {
                *weights = step.panel(p)[0].load(s);
            }
            for (r, totals) in totals.iter_mut().enumerate() {
                let codes = s.codes(step.row(r));
                for (total, &weights) in totals.iter_mut().zip(&weights) {
                    *total = s.dot(*total, codes, weights);
                }
            }
            ahead.prefetch(s, self.w.codes, step.index(), P);
        }
        totals
    }
}

/// How the weights of a step are stored.
trait Weights {
    fn load<S: Simd>(&self, s: S) -> S::Weights;
}

impl Weights for [i8; 64] {
    #[inline(always)]
    fn load<S: Simd>(&self, s: S) -> S::Weights {
        s.weights(self)
    }
}

impl Weights for Kept {
    #[inline(always)]
    fn load<S: Simd>(&self, s: S) -> S::Weights {
        self.weights(s)
    }
}

impl Product for Int8<'_> {
    #[inline(always)]
    fn narrow_rows<S: Simd>() -> usize {
        S::DOT_ROWS
    }

    #[inline(always)]
    fn activate<S: Simd>(s: S, activation: Activation, y: S::F) -> S::F {
        apply_to_codes(s, activation, y)
    }

    type Sum<S: Simd> = S::I;

    #[inline(always)]
    fn accumulate<S: Simd, const R: usize, const P: usize>(
        self,
        s: S,
        place: Place,
        ready: Ready<'_>,
    ) -> [[S::I; P]; R] {
        if S::DEBTS && !ready.kept.is_empty() {
            return self.sums(s, place, ready.kept);
        }
        self.sums(s, place, &self.w.codes.as_chunks::<64>().0[self.w.k.div_ceil(4) * place.panel..])
    }

    type Row<S: Simd> = Row<S>;

    #[inline(always)]
    fn row<S: Simd>(self, s: S, row: usize) -> Row<S> {
        let RowScale { scale, zero } = self.x.params[row];
        Row { scale: s.splat(scale), zero: s.splat_int(zero) }
    }

    type Columns<S: Simd> = Columns<S>;

    #[inline(always)]
    fn ready<S: Simd>(self, s: S, panel: usize, tiles: usize, room: &mut Room) -> Ready<'_> {
        let mut ready = Ready::default();
        if S::DEBTS {
            let depth = 16 * self.w.k.next_multiple_of(4);
            let (panel, _) = self.w.codes[depth * panel..][..depth].as_chunks();
            let (kept, debt) = room.keep(s, panel, tiles);
            ready.kept = kept;
            s.store_int(&mut ready.debts, debt);
        }
        ready
    }

    #[inline(always)]
    fn columns<S: Simd, const FULL: bool>(self, s: S, column: usize, debts: &[i32; 16]) -> Columns<S> {
        let sums = match self.w.sums[column..].first_chunk() {
            Some(chunk) => s.load_int(chunk),
            None if FULL => unreachable!("a full panel has sixteen columns"),
            None => s.load_int_part(&self.w.sums[column..]),
        };
        let debts = if S::DEBTS { s.load_int(debts) } else { s.splat_int(0) };
        Columns { sums, debts, scales: columns::<S, FULL>(s, self.w.scales, column) }
    }

    #[inline(always)]
    fn finish<S: Simd>(self, s: S, sum: S::I, row: Row<S>, columns: Columns<S>, bias: S::F) -> S::F {
        let total = s.dot_total(s.add_int(sum, columns.debts), columns.sums);
        let total = s.sub_int(total, s.mul_int(row.zero, columns.sums));
        s.fma(s.mul(row.scale, columns.scales), s.int_to_f32(total), bias)
    }
}

/// A row's scale and zero.
#[derive(Clone, Copy)]
pub(crate) struct Row<S: Simd> {
    scale: S::F,
    zero: S::I,
}

/// The weights' sums, debts and scales of sixteen columns.
#[derive(Clone, Copy)]
pub(crate) struct Columns<S: Simd> {
    sums: S::I,
    debts: S::I,
    scales: S::F,
}

#[cfg(test)]
mod tests;

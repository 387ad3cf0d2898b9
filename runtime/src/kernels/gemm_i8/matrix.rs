//! The int8 product on a matrix unit: two tiles of rows by two panels, whose sums go through the nearest cache to be finished.
//!
//! The unit works beside the vectors: while it multiplies a block, the rows of the block before are finished, a share with each step.
//! Up to 32 rows the product is bound by the reading of the weights, and what comes next in their own stream is asked for 2 KiB
//! ahead; with more rows the next two panels come in shares, one with each pass over these: of
//! three policies tried in a bare loop on a Sapphire Rapids server, the fastest for each; bench `kernels` measures the whole.

use super::{Columns, Int8};
use crate::isa::{Matrix, Simd, Sums, TILE_ROWS, TILE_STEP};
use crate::kernels::epilogue::columns;
use crate::kernels::tile::{Multiply, Product};
use modeldeploy_format::program::Activation;
use std::ops::Range;

/// How far ahead of itself a lone pass over its panels asks for more, in bytes.
const AHEAD: usize = 2048;

/// The whole product. The depth is a multiple of [`TILE_STEP`].
#[inline(always)]
pub(super) fn multiply<S: Simd>(s: S, matrix: Matrix, whole: Multiply<'_, Int8<'_>>) {
    if whole.rows == 0 || whole.n == 0 {
        return;
    }
    // Asked once for all, so that the loop over rows is free of it.
    match whole.epilogue.activation {
        Activation::Identity => walk(s, matrix, whole, Nothing),
        Activation::Gelu => walk(s, matrix, whole, Gelu),
        other => walk(s, matrix, whole, other),
    }
}

/// What follows the bias.
trait Activate: Copy {
    fn activate<S: Simd>(self, s: S, y: S::F) -> S::F;
}

#[derive(Clone, Copy)]
struct Nothing;

impl Activate for Nothing {
    #[inline(always)]
    fn activate<S: Simd>(self, _: S, y: S::F) -> S::F {
        y
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl Activate for Gelu {
    #[inline(always)]
    fn activate<S: Simd>(self, s: S, y: S::F) -> S::F {
        Int8::activate(s, Activation::Gelu, y)
    }
}

impl Activate for Activation {
    #[inline(always)]
    fn activate<S: Simd>(self, s: S, y: S::F) -> S::F {
        Int8::activate(s, self, y)
    }
}

/// Sums that are still to be finished: of which rows, by which panels.
struct Block<S: Simd> {
    /// The rows, those of the first tile and then those of the second; what the tile before has met is left out.
    fresh: Range<usize>,
    /// The first row of each tile; of the second, the first that is its own.
    starts: [usize; 2],
    own: usize,
    /// How many of the rows are finished with a step.
    share: usize,
    /// The first of the two panels.
    panel: usize,
    shared: [(Columns<S>, S::F); 2],
}

#[inline(always)]
fn walk<S: Simd>(s: S, matrix: Matrix, mut whole: Multiply<'_, Int8<'_>>, activate: impl Activate) {
    let (rows, n) = (whole.rows, whole.n);
    let Int8 { x, w } = whole.product;
    let (panels, steps) = (n.div_ceil(16), w.k / TILE_STEP);
    // All tiles have as many rows; the last begins early enough for that.
    let count = rows.div_ceil(TILE_ROWS);
    let each = rows.div_ceil(count);
    let start = |tile: usize| (tile * each).min(rows - each);
    let passes = count.div_ceil(2);
    // Lines of each panel to be asked for at a step.
    let lines = TILE_ROWS.div_ceil(passes);
    let mut tiles = matrix.tiles(each);
    let mut sums = [const { Sums([[[[0; 16]; TILE_ROWS]; 2]; 2]) }; 2];
    let mut is_even = true;
    let mut last: Option<Block<S>> = None;
    let size = 16 * w.k;
    for panel in (0..panels).step_by(2) {
        let first = &w.codes[panel * size..][..size];
        // A lone last panel is multiplied twice, which the unit does in the time of one.
        let second = if panel + 1 < panels { &w.codes[(panel + 1) * size..][..size] } else { first };
        let column = 16 * panel;
        let shared = [shared(s, &whole, column), shared(s, &whole, (column + 16).min(n))];
        for pass in 0..passes {
            let of = |tile: usize| (tile < count).then(|| &x.codes[start(tile) * x.stride..]);
            let (tile, next) = (2 * pass, 2 * pass + 1);
            let products = tiles.walk([of(tile), of(next)], x.stride, [first, second], steps);
            let mut ahead = panel * size + if passes == 1 { AHEAD } else { 2 * size + pass * steps * lines * 64 };
            let [even, odd] = &mut sums;
            let (ready, filling) = if is_even { (odd, even) } else { (even, odd) };
            is_even = !is_even;
            for step in 0..steps {
                for line in 0..lines {
                    s.prefetch_near(w.codes, ahead + 64 * line);
                    s.prefetch_near(w.codes, ahead + size + 64 * line);
                }
                ahead += 64 * lines;
                products.step(step);
                if let Some(last) = &last {
                    last.finish(s, &mut whole, ready, step, activate);
                }
            }
            products.store(filling);
            let fresh = tile * each..((next + 1) * each).min(rows);
            let (starts, own) = ([start(tile), start(next)], next * each);
            let share = fresh.len().div_ceil(steps);
            last = Some(Block { fresh, starts, own, share, panel, shared });
        }
    }
    if let Some(last) = last {
        for step in 0..steps {
            last.finish(s, &mut whole, &sums[usize::from(is_even)], step, activate);
        }
    }
}

/// What the sixteen columns from `column` on share.
#[inline(always)]
fn shared<S: Simd>(s: S, whole: &Multiply<'_, Int8<'_>>, column: usize) -> (Columns<S>, S::F) {
    let (product, epilogue, n) = (whole.product, whole.epilogue, whole.n);
    if column + 16 <= n {
        (product.columns::<S, true>(s, column, &[0; 16]), epilogue.bias_at::<S, true>(s, column, n))
    } else {
        (product.columns::<S, false>(s, column, &[0; 16]), epilogue.bias_at::<S, false>(s, column, n))
    }
}

impl<S: Simd> Block<S> {
    /// Finishes the rows of step `step`.
    #[inline(always)]
    fn finish(&self, s: S, whole: &mut Multiply<'_, Int8<'_>>, sums: &Sums, step: usize, activate: impl Activate) {
        let from = self.fresh.start + step * self.share;
        for row in from..(from + self.share).min(self.fresh.end) {
            let half = usize::from(row >= self.own);
            let [first, second] = &sums.0[half];
            let at = row - self.starts[half];
            self.row(s, whole, row, [&first[at], &second[at]], activate);
        }
    }

    #[inline(always)]
    fn row(
        &self,
        s: S,
        whole: &mut Multiply<'_, Int8<'_>>,
        row: usize,
        sums: [&[i32; 16]; 2],
        activate: impl Activate,
    ) {
        let (product, residual, n) = (whole.product, whole.epilogue.residual, whole.n);
        let column = 16 * self.panel;
        let scale = product.row(s, row);
        let (chunks, rest) = whole.out.row(row, n)[column..].as_chunks_mut::<16>();
        // In place, it is what stands there.
        let apart = residual.map(|residual| residual.apart().map(|rows| &rows.row(row, n)[column..]));
        for (p, (sums, (shared, bias))) in sums.into_iter().zip(self.shared).enumerate() {
            let y = activate.activate(s, product.finish(s, s.load_int(sums), scale, shared, bias));
            if let Some(chunk) = chunks.get_mut(p) {
                let y = match apart {
                    None => y,
                    Some(None) => s.add(y, s.load(chunk)),
                    Some(Some(apart)) => s.add(y, columns::<S, true>(s, apart, 16 * p)),
                };
                s.store(chunk, y);
            } else if p == chunks.len() && !rest.is_empty() {
                let y = match apart {
                    None => y,
                    Some(None) => s.add(y, s.load_part(rest, 0.0)),
                    Some(Some(apart)) => s.add(y, columns::<S, false>(s, apart, 16 * p)),
                };
                s.store_part(rest, y);
            }
        }
    }
}

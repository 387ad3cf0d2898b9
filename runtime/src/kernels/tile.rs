//! The loops that every matrix product shares: `C[m,n] = A[m,k] · B[k,n]` in register tiles.
//!
//! B's panels of sixteen columns are taken a few at a time and all the rows pass over them, divided evenly, so that no tile is a
//! small rest. While they do, the next panels come into the second cache, a share of their lines with each tile. Each output is
//! one chain over k, so the shape of a tile changes no bit.

use crate::isa::{Block, Kept, Kernel, Room, Simd, Tiles};
use crate::kernels::epilogue::columns;
use crate::kernels::{Epilogue, Operand, RowsMut};
use modeldeploy_format::program::Activation;
use std::marker::PhantomData;

/// The most rows of a tile.
const MAX_ROWS: usize = 8;
/// The most panels of a tile.
const MAX_PANELS: usize = 4;

/// Where a tile lies among those that pass over the same panels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The first row.
    pub(crate) row: usize,
    /// The first panel.
    pub(crate) panel: usize,
    /// How many tiles pass over these panels.
    pub(crate) tiles: usize,
    /// Which of them this is.
    pub(crate) tile: usize,
}

/// One tile's share of the panels that come next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Where the share begins, in values.
    start: usize,
    /// From one step along k to the next, in values, for each of the tile's panels.
    pace: usize,
}

impl Place {
    /// The share of a tile of `panels` panels, each of `steps` steps of `step` values.
    #[inline(always)]
    pub(crate) fn ahead(self, panels: usize, steps: usize, step: usize) -> Ahead {
        let pace = step.div_ceil(self.tiles);
        Ahead { start: ((self.panel + panels) * step + self.tile * pace * panels) * steps, pace }
    }
}

impl Ahead {
    /// Asks for what step `at` of a tile of `panels` panels is to bring.
    #[inline(always)]
    pub(crate) fn prefetch<S: Simd, T>(self, s: S, src: &[T], at: usize, panels: usize) {
        for i in 0..panels {
            s.prefetch(src, self.start + (at * panels + i) * self.pace);
        }
    }
}

/// What the tiles that pass over a panel share, where its weights leave debts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ready<'r> {
    /// Its weights, if they were kept.
    pub(crate) kept: &'r [Kept],
    /// What the sums at its columns lack, the same for all rows.
    pub(crate) debts: [i32; 16],
}

/// One kind of product: how a tile is summed, and what its sums mean.
pub(crate) trait Product: Copy {
    /// The most rows of a narrow tile.
    fn narrow_rows<S: Simd>() -> usize;

    /// The activation of sixteen values of this product.
    fn activate<S: Simd>(s: S, activation: Activation, y: S::F) -> S::F;

    /// Sixteen sums, in the product's own form.
    type Sum<S: Simd>: Copy;

    /// Sums a tile of `R` rows and `P` panels over all of k.
    fn accumulate<S: Simd, const R: usize, const P: usize>(
        self,
        s: S,
        place: Place,
        ready: Ready<'_>,
    ) -> [[Self::Sum<S>; P]; R];

    /// What a row's values share in [`Product::finish`].
    type Row<S: Simd>: Copy;

    /// That of `row`.
    fn row<S: Simd>(self, s: S, row: usize) -> Self::Row<S>;

    /// What the columns of a panel share in [`Product::finish`].
    type Columns<S: Simd>: Copy;

    /// What is done once for the `tiles` tiles that pass over a panel.
    fn ready<S: Simd>(self, s: S, panel: usize, tiles: usize, room: &mut Room) -> Ready<'_>;

    /// That of the sixteen columns from `column` on, all of them there if `FULL`, whose sums lack `debts`.
    fn columns<S: Simd, const FULL: bool>(self, s: S, column: usize, debts: &[i32; 16]) -> Self::Columns<S>;

    /// The values of `sum`, which is that of a row at a panel's columns, `bias` added.
    fn finish<S: Simd>(self, s: S, sum: Self::Sum<S>, row: Self::Row<S>, columns: Self::Columns<S>, bias: S::F)
    -> S::F;
}

/// A whole product with its epilogue.
pub(crate) struct Multiply<'a, T> {
    pub(crate) product: T,
    pub(crate) rows: usize,
    pub(crate) n: usize,
    pub(crate) epilogue: Epilogue<'a>,
    pub(crate) out: RowsMut<'a>,
}

/// Calls `$tile` with the tile's shape as constants; the shapes that cannot be are left out.
macro_rules! shapes {
    ($s:ident, $rows:ident, $panels:ident, $full:literal, $tile:ident; $($r:literal x $p:literal),*) => {
        match ($rows, $panels) {
            $(($r, $p) => $s.vectorize(Tile::<T, $r, $p, $full>($tile)),)*
            _ => unreachable!("no tile of {} rows and {} panels", $rows, $panels),
        }
    };
}

impl<T: Product> Kernel for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        if self.rows == 0 {
            return;
        }
        let most = match S::TILES {
            Tiles::Wide => MAX_ROWS,
            Tiles::Narrow => T::narrow_rows::<S>(),
        };
        let tiles = self.rows.div_ceil(most);
        let panels = self.n.div_ceil(16);
        // A step's weights and one row's codes are in registers beside the sums: 32 must hold the three.
        let widest = match (S::TILES, self.rows.div_ceil(tiles)) {
            (Tiles::Narrow, _) => 1,
            (Tiles::Wide, ..7) => MAX_PANELS,
            (Tiles::Wide, 7..) => 3,
        };
        let mut panel = 0;
        const { assert!(!S::DEBTS || matches!(S::TILES, Tiles::Narrow), "debts are kept for one panel") };
        let mut room = Room::new();
        while panel < panels {
            let width = if panel + widest <= self.n / 16 { widest } else { 1 };
            let ready = self.product.ready(s, panel, tiles, &mut room);
            for tile in 0..tiles {
                let row = tile * self.rows / tiles;
                let rows = (tile + 1) * self.rows / tiles - row;
                self.tile(s, Place { row, panel, tiles, tile }, ready, rows, width);
            }
            panel += width;
        }
    }
}

impl<T: Product> Multiply<'_, T> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, s: S, place: Place, ready: Ready<'_>, rows: usize, panels: usize) {
        let full = place.panel + panels <= self.n / 16;
        let (product, epilogue) = (self.product, self.epilogue);
        let job = Job { product, place, ready, n: self.n, epilogue, out: self.out.reborrow() };
        match (S::TILES, full) {
            (Tiles::Wide, true) if panels > 1 => shapes!(s, rows, panels, true, job;
                1 x 4, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 4, 6 x 3, 7 x 3, 8 x 3),
            (Tiles::Wide, _) => shapes!(s, rows, panels, false, job;
                1 x 1, 2 x 1, 3 x 1, 4 x 1, 5 x 1, 6 x 1, 7 x 1, 8 x 1),
            (Tiles::Narrow, true) => shapes!(s, rows, panels, true, job; 1 x 1, 2 x 1, 3 x 1, 4 x 1, 5 x 1, 6 x 1),
            (Tiles::Narrow, false) => shapes!(s, rows, panels, false, job; 1 x 1, 2 x 1, 3 x 1, 4 x 1, 5 x 1, 6 x 1),
        }
        if self.epilogue.activation != Activation::Identity {
            s.vectorize(Activate::<T> {
                product: PhantomData,
                place,
                rows,
                panels,
                n: self.n,
                epilogue: self.epilogue,
                out: self.out.reborrow(),
            });
        }
    }
}

/// What a tile is cut from.
struct Job<'s, 'a, T> {
    product: T,
    place: Place,
    ready: Ready<'s>,
    n: usize,
    epilogue: Epilogue<'a>,
    out: RowsMut<'s>,
}

/// One tile, summed and finished but for the activation and what follows it. If `FULL`, all its columns are there.
struct Tile<'s, 'a, T, const R: usize, const P: usize, const FULL: bool>(Job<'s, 'a, T>);

impl<T: Product, const R: usize, const P: usize, const FULL: bool> Kernel for Tile<'_, '_, T, R, P, FULL> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Job { product, place, ready, n, epilogue, mut out } = self.0;
        let sums = product.accumulate::<S, R, P>(s, place, ready);
        let residual = epilogue.residual.filter(|_| epilogue.activation == Activation::Identity);
        let column = 16 * place.panel;
        let mut shared =
            [(product.columns::<S, FULL>(s, column, &ready.debts), epilogue.bias_at::<S, FULL>(s, column, n)); P];
        for (p, shared) in shared.iter_mut().enumerate().skip(1) {
            let column = column + 16 * p;
            *shared = (product.columns::<S, FULL>(s, column, &ready.debts), epilogue.bias_at::<S, FULL>(s, column, n));
        }
        if FULL {
            let mut to = out.block::<R, P>(place.row, column);
            // Asked once a tile, so that the loops that nothing follows are free of it.
            let Some(residual) = residual else {
                for (r, sums) in sums.iter().enumerate() {
                    let row = product.row(s, place.row + r);
                    for (p, (&sum, &(columns, bias))) in sums.iter().zip(&shared).enumerate() {
                        s.store(to.at(r, p), product.finish(s, sum, row, columns, bias));
                    }
                }
                return;
            };
            let residual = residual.apart().map(|rows| {
                let at = place.row * rows.stride + column;
                Block::<R, P>::new(&rows.values[at..], rows.stride)
            });
            for (r, sums) in sums.iter().enumerate() {
                let row = product.row(s, place.row + r);
                for (p, (&sum, &(columns, bias))) in sums.iter().zip(&shared).enumerate() {
                    let y = product.finish(s, sum, row, columns, bias);
                    let residual = match &residual {
                        Some(rows) => s.load(rows.at(r, p)),
                        None => s.load(to.at(r, p)),
                    };
                    s.store(to.at(r, p), s.add(y, residual));
                }
            }
            return;
        }
        for (r, sums) in sums.iter().enumerate() {
            let row = place.row + r;
            let mut y = product.finish(s, sums[0], product.row(s, row), shared[0].0, shared[0].1);
            match residual {
                None => {}
                Some(Operand::Apart(rows)) => y = s.add(y, columns::<S, FULL>(s, rows.row(row, n), column)),
                Some(Operand::InPlace) => y = s.add(y, columns::<S, FULL>(s, out.row(row, n), column)),
            }
            store(s, &mut out.row(row, n)[column..], y);
        }
    }
}

/// The activation of one tile and what follows it, in place.
struct Activate<'s, 'a, T> {
    product: PhantomData<T>,
    place: Place,
    rows: usize,
    panels: usize,
    n: usize,
    epilogue: Epilogue<'a>,
    out: RowsMut<'s>,
}

impl<T: Product> Kernel for Activate<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let column = 16 * self.place.panel;
        let width = (self.n - column).min(16 * self.panels);
        for row in self.place.row..self.place.row + self.rows {
            let out = &mut self.out.row(row, self.n)[column..][..width];
            let residual = self.epilogue.residual.and_then(Operand::apart);
            let residual = residual.map(|rows| &rows.row(row, self.n)[column..][..width]);
            let (chunks, rest) = out.as_chunks_mut::<16>();
            for (p, chunk) in chunks.iter_mut().enumerate() {
                let mut y = T::activate(s, self.epilogue.activation, s.load(chunk));
                if let Some(residual) = residual {
                    y = s.add(y, columns::<S, true>(s, residual, 16 * p));
                }
                s.store(chunk, y);
            }
            if !rest.is_empty() {
                let mut y = T::activate(s, self.epilogue.activation, s.load_part(rest, 0.0));
                if let Some(residual) = residual {
                    y = s.add(y, columns::<S, false>(s, residual, width - rest.len()));
                }
                s.store_part(rest, y);
            }
        }
    }
}

/// Stores what lies within `out`, the row's rest.
#[inline(always)]
fn store<S: Simd>(s: S, out: &mut [f32], y: S::F) {
    match out.first_chunk_mut() {
        Some(chunk) => s.store(chunk, y),
        None => s.store_part(out, y),
    }
}

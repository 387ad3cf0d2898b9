//! The loops that every matrix product shares: `C[m,n] = A[m,k] · B[k,n]` in register tiles.
//!
//! B's panels of sixteen columns are taken a few at a time, so that they stay in the nearest cache while all the rows
//! pass over them; the rows are divided evenly, so that no tile is a small rest. Each output is one chain over k, so
//! the shape of a tile changes no bit.

use crate::isa::{Kernel, Simd, Tiles};
use crate::kernels::{Epilogue, RowsMut};

/// The most rows of a tile.
const MAX_ROWS: usize = 8;
/// The most panels of a tile.
const MAX_PANELS: usize = 4;

/// The sums of one tile, by row and panel, in the product's own form.
pub(crate) type Sums = [[[i32; 16]; MAX_PANELS]; MAX_ROWS];

/// Where a tile lies, and which share of the next panels it is to bring near.
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

impl Place {
    /// How many cache lines of the next panels each step asks for, and the first of them in this tile's share, where
    /// a panel has `steps` lines and a tile `panels` panels.
    #[inline(always)]
    pub(crate) fn ahead(self, panels: usize, steps: usize) -> (usize, usize) {
        let each = panels.div_ceil(self.tiles);
        (each, ((self.panel + panels) + self.tile * each) * steps)
    }
}

/// One kind of product: how a tile is summed, and what its sums mean.
pub(crate) trait Product: Copy {
    /// The most rows of a tile on sixteen registers.
    const NARROW_ROWS: usize;

    /// Sums a tile of `R` rows and `P` panels over all of k.
    fn accumulate<S: Simd, const R: usize, const P: usize>(self, s: S, place: Place, sums: &mut Sums);

    /// What the columns of a panel share in [`Product::finish`].
    type Columns<S: Simd>: Copy;

    /// That of the sixteen columns from `column` on.
    fn columns<S: Simd>(self, s: S, column: usize) -> Self::Columns<S>;

    /// The values of `sums`, which are those of `row` at these columns, `bias` added.
    fn finish<S: Simd>(self, s: S, sums: &[i32; 16], row: usize, columns: Self::Columns<S>, bias: S::F) -> S::F;
}

/// A whole product with its epilogue.
pub(crate) struct Multiply<'a, T> {
    pub(crate) product: T,
    pub(crate) rows: usize,
    pub(crate) n: usize,
    pub(crate) epilogue: Epilogue<'a>,
    pub(crate) out: RowsMut<'a>,
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
            Tiles::Narrow => T::NARROW_ROWS,
        };
        let tiles = self.rows.div_ceil(most);
        let panels = self.n.div_ceil(16);
        let mut sums: Sums = [[[0; 16]; MAX_PANELS]; MAX_ROWS];
        let mut panel = 0;
        while panel < panels {
            // All of a step's codes and weights are in registers beside the sums: 32 must hold the three.
            let width = match (S::TILES, self.rows.div_ceil(tiles)) {
                (Tiles::Narrow, _) => 1,
                (Tiles::Wide, ..6) => 4,
                (Tiles::Wide, 6..8) => 3,
                (Tiles::Wide, 8..) => 2,
            };
            let width = match panels - panel {
                left if width <= left => width,
                2.. if S::TILES == Tiles::Wide => 2,
                _ => 1,
            };
            for tile in 0..tiles {
                let row = tile * self.rows / tiles;
                let place = Place { row, panel, tiles, tile };
                self.tile(s, place, ((tile + 1) * self.rows / tiles - row, width), &mut sums);
            }
            panel += width;
        }
    }
}

/// Calls `$tile` with the tile's shape as constants; the shapes that cannot be are left out.
macro_rules! shapes {
    ($s:ident, $rows:ident, $panels:ident, $tile:expr; $($r:literal x $p:literal),*) => {
        match ($rows, $panels) {
            $(($r, $p) => $s.vectorize(Accumulate::<T, $r, $p> { product: $tile.0, place: $tile.1, sums: $tile.2 }),)*
            _ => unreachable!("no tile of {} rows and {} panels", $rows, $panels),
        }
    };
}

impl<T: Product> Multiply<'_, T> {
    #[inline(always)]
    fn tile<S: Simd>(&mut self, s: S, place: Place, (rows, panels): (usize, usize), sums: &mut Sums) {
        let job = (self.product, place, &mut *sums);
        match S::TILES {
            Tiles::Wide => shapes!(s, rows, panels, job;
                1 x 1, 2 x 1, 3 x 1, 4 x 1, 5 x 1, 6 x 1, 7 x 1, 8 x 1,
                1 x 2, 2 x 2, 3 x 2, 4 x 2, 5 x 2, 6 x 2, 7 x 2, 8 x 2, 5 x 3, 6 x 3, 7 x 3,
                1 x 4, 2 x 4, 3 x 4, 4 x 4, 5 x 4),
            Tiles::Narrow => shapes!(s, rows, panels, job; 1 x 1, 2 x 1, 3 x 1, 4 x 1, 5 x 1, 6 x 1),
        }
        s.vectorize(Finish {
            product: self.product,
            place,
            rows,
            panels,
            n: self.n,
            sums,
            epilogue: self.epilogue,
            out: self.out.reborrow(),
        });
    }
}

struct Accumulate<'s, T, const R: usize, const P: usize> {
    product: T,
    place: Place,
    sums: &'s mut Sums,
}

impl<T: Product, const R: usize, const P: usize> Kernel for Accumulate<'_, T, R, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.product.accumulate::<S, R, P>(s, self.place, self.sums);
    }
}

struct Finish<'s, 'a, T> {
    product: T,
    place: Place,
    rows: usize,
    panels: usize,
    n: usize,
    sums: &'s Sums,
    epilogue: Epilogue<'a>,
    out: RowsMut<'s>,
}

impl<T: Product> Kernel for Finish<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for p in 0..self.panels {
            let column = 16 * (self.place.panel + p);
            let columns = self.product.columns(s, column);
            let bias = self.epilogue.bias_at(s, column, self.n);
            for (r, sums) in self.sums[..self.rows].iter().enumerate() {
                let row = self.place.row + r;
                let y = self.product.finish(s, &sums[p], row, columns, bias);
                let out = &mut self.out.row(row, self.n)[column..];
                self.epilogue.store(s, y, row, column, out);
            }
        }
    }
}

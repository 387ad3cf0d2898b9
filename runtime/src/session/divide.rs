//! How the work of a step is divided: evenly, among as many members of a team as it is worth while for.

use super::plan::Panels;
use crate::kernels::{Bf16Panels, F32Panels, I8Panels, RowsMut};
use core::ops::Range;
use modeldeploy_format::tensor::{PANEL, QUAD};

/// With fewer rows for each member a product is divided by columns: its weights are then read once, not once a member. With more it is
/// by rows, as all else is: what a member reads is then what it wrote. Chosen by single runs on a busy
/// Sapphire Rapids server, where 16 to 32 tokens hardly differ; bench `forward` would tell on an idle one.
pub(super) const ROWS_EACH: usize = 8;

/// Values of a row by row step that make up for handing out a part, by single runs as above.
const VALUES_EACH: usize = 2048;

/// Multiply-accumulates of a product that do.
pub(super) const MACS_EACH: usize = 1 << 16;

/// How a product is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Each part has some rows; there are so many parts.
    Rows(usize),
    /// Each part has some panels of all rows.
    Panels(usize),
}

/// A part of a product.
pub(super) struct Part<'a> {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// These columns of these rows.
    pub(super) y: RowsMut<'a>,
}

/// `count` things in so many ranges, or in as many as there are things.
pub(super) fn shares(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.min(count);
    (0..parts).map(move |part| part * count / parts..(part + 1) * count / parts)
}

/// The parts of a step over so many values, for a team of `members`.
pub(super) fn parts(values: usize, members: usize) -> usize {
    members.min(values / VALUES_EACH).max(1)
}

impl By {
    /// The division of a product of `rows` rows, `n` columns and depth `k`, for a team of `members`.
    pub(super) fn of(rows: usize, (n, k): (usize, usize), members: usize) -> By {
        let parts = members.min(rows * n * k / MACS_EACH).max(1);
        if parts == 1 || rows >= ROWS_EACH * parts { By::Rows(parts) } else { By::Panels(parts) }
    }

    /// The parts of an output of `rows` rows and `n` columns.
    pub(super) fn parts(self, rows: usize, n: usize, mut y: RowsMut<'_>) -> impl Iterator<Item = Part<'_>> {
        let (count, parts) = match self {
            By::Rows(parts) => (rows, parts),
            By::Panels(parts) => (n.div_ceil(PANEL), parts),
        };
        shares(count, parts).map(move |share| match self {
            By::Rows(_) => Part { y: y.take_rows(share.len()), rows: share, columns: 0..n },
            By::Panels(_) => {
                let columns = PANEL * share.start..n.min(PANEL * share.end);
                Part { rows: 0..rows, y: y.take_columns(columns.len()), columns }
            }
        })
    }
}

impl<'a> Panels<'a> {
    /// Columns and depth.
    pub(super) fn size(self) -> (usize, usize) {
        match self {
            Panels::F32(w) => (w.n, w.k),
            Panels::Bf16(w) => (w.n, w.k),
            Panels::Int8(w) => (w.n, w.k),
        }
    }

    /// Some whole panels.
    pub(super) fn columns(self, columns: Range<usize>) -> Panels<'a> {
        let n = columns.len();
        let lines = columns.start..columns.end.next_multiple_of(PANEL);
        let values = |depth: usize| lines.start * depth..lines.end * depth;
        match self {
            Panels::F32(w) => Panels::F32(F32Panels { values: &w.values[values(w.k)], n, ..w }),
            Panels::Bf16(w) => Panels::Bf16(Bf16Panels { values: &w.values[values(w.k)], n, ..w }),
            Panels::Int8(w) => {
                let codes = &w.codes[values(w.k.next_multiple_of(QUAD))];
                Panels::Int8(I8Panels { codes, scales: &w.scales[columns.clone()], sums: &w.sums[columns], n, ..w })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_all_there_is_as_even_as_can_be() {
        for (count, parts) in [(0, 1), (1, 1), (1, 4), (7, 3), (24, 5), (64, 64), (1000, 7)] {
            let all: Vec<_> = shares(count, parts).collect();
            assert_eq!(all.len(), parts.min(count));
            assert!(all.iter().cloned().flatten().eq(0..count), "{count} in {parts}: {all:?}");
            let (least, most) = (all.iter().map(Range::len).min(), all.iter().map(Range::len).max());
            assert!(most.unwrap_or(0) - least.unwrap_or(0) <= 1, "{count} in {parts}: {all:?}");
        }
    }

    #[test]
    fn a_product_is_divided_by_what_it_has_many_of() {
        for (rows, size, members, expected) in [
            (16, (384, 384), 1, By::Rows(1)),
            (1, (384, 384), 2, By::Panels(2)),
            (15, (384, 384), 2, By::Panels(2)),
            (16, (384, 384), 2, By::Rows(2)),
            (16, (384, 384), 3, By::Panels(3)),
            (1, (3, 384), 8, By::Rows(1)),
        ] {
            assert_eq!(By::of(rows, size, members), expected, "{rows} rows of {size:?} for {members}");
        }
    }

    #[test]
    fn parts_cover_an_output_once() {
        let (rows, n) = (5, 70);
        for by in [By::Rows(1), By::Rows(3), By::Rows(8), By::Panels(2), By::Panels(3), By::Panels(9)] {
            let mut values = vec![0; rows * n];
            let mut y = vec![0.0; rows * n];
            for part in by.parts(rows, n, RowsMut::new(&mut y, n)) {
                let Part { rows, columns, mut y } = part;
                for (r, row) in rows.enumerate() {
                    y.row(r, columns.len()).fill((row * n + columns.start) as f32);
                    columns.clone().for_each(|column| values[row * n + column] += 1);
                }
            }
            assert_eq!(values, vec![1; rows * n], "{by:?}");
            assert!(y.iter().enumerate().all(|(at, &y)| y <= at as f32 && at / n == y as usize / n), "{by:?}: {y:?}");
        }
    }
}

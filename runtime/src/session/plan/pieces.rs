//! What rows are put together from, with their tables.

use super::Plan;
use crate::kernels::Table;
use modeldeploy_format::Artifact;
use modeldeploy_format::program::{self, IdMask, Part, Rows, View};

/// A part of the rows that are put together.
pub(in crate::session) struct Piece<'a> {
    pub(in crate::session) from: From<'a>,
    /// How many columns.
    pub(in crate::session) width: usize,
    /// Whether it has a row for each text where there is one for each candidate.
    pub(in crate::session) shared: bool,
}

/// Where a part comes from.
pub(in crate::session) enum From<'a> {
    View(View),
    /// Numbers that are given with these rows, from a column on.
    Numbers(Rows, usize),
    Bag(Bag<'a>),
    Mask(IdMask),
}

/// Rows of a table, added up.
pub(in crate::session) struct Bag<'a> {
    pub(in crate::session) table: Table<'a>,
    pub(in crate::session) of: Rows,
    pub(in crate::session) column: usize,
    pub(in crate::session) count: usize,
    pub(in crate::session) mean: bool,
}

impl<'a> Piece<'a> {
    pub(super) fn new(artifact: &Artifact<'a>, part: &Part, rows: Rows, limits: &mut Plan<'a>) -> Piece<'a> {
        let (from, width, of) = match *part {
            Part::View(view) => (From::View(view), view.width, artifact.program().slot(view.slot).rows),
            Part::Numbers { of, column, count } => (From::Numbers(of, column as usize), count, of),
            Part::Bag(program::Bag { table, scales, offsets, of, column, count, mean }) => {
                let [rows, width] = artifact.tensor(table).dims[..] else {
                    unreachable!("a table is a matrix: proved by parse")
                };
                (column..column + count).for_each(|column| limits.bound(of, column, rows));
                let (column, count) = (column as usize, count as usize);
                let table = super::table(artifact, table, scales, offsets);
                let bag = Bag { table, of, column, count, mean };
                (From::Bag(bag), width, of)
            }
            Part::Mask(mask) => (From::Mask(mask), 1, mask.of),
        };
        Piece { from, width: width as usize, shared: of != rows }
    }
}

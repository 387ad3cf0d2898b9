//! Rows that stand beside others: one for each, or one for several of them.

use super::rows::Rows;
use core::ops::Range;

/// Rows to read, of which each row that is written has one.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The rows.
    pub rows: Rows<'a>,
    /// Which of them each row that is written has; none where they follow one another alike.
    pub of: Option<&'a [u32]>,
}

impl<'a> From<Rows<'a>> for Beside<'a> {
    fn from(rows: Rows<'a>) -> Beside<'a> {
        Beside { rows, of: None }
    }
}

impl<'a> Beside<'a> {
    /// The rows of some of those that are written.
    #[must_use]
    pub(crate) fn part(self, part: Range<usize>) -> Beside<'a> {
        match self.of {
            Some(of) => Beside { of: Some(&of[part]), ..self },
            None => Beside {
                rows: Rows { values: &self.rows.values[part.start * self.rows.stride..], ..self.rows },
                of: None,
            },
        }
    }

    /// The first `width` values of what stands beside row `r`.
    #[inline(always)]
    pub(crate) fn row(&self, r: usize, width: usize) -> &'a [f32] {
        self.rows.row(self.of.map_or(r, |of| of[r] as usize), width)
    }

    /// # Panics
    ///
    /// If they are not rows of `width` values for `rows` rows.
    pub(crate) fn check(&self, what: &str, rows: usize, width: usize) {
        let needed = match self.of {
            None => rows,
            Some(of) => {
                assert_eq!(of.len(), rows, "{what}: not one row for each");
                of.iter().max().map_or(0, |&last| last as usize + 1)
            }
        };
        self.rows.check(what, needed, width);
    }
}

//! What a row is put together from: columns that were computed, numbers that are given, rows of tables.

use super::{Rows, SlotId, TensorId, View};

/// A stretch of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// Columns of a slot with the same rows; or of one with a row for each text, where there is one for each candidate: the text's row
    /// stands in those of all its candidates.
    View(View),
    /// Numbers that are given.
    Numbers {
        /// With what: a token, a text, or a candidate, under the same rule as the rows of a view.
        of: Rows,
        /// The first of them.
        column: u32,
        /// How many.
        count: u32,
    },
    /// Rows of a table, added up.
    Bag(Bag),
    /// One of two numbers, by an id.
    Mask(IdMask),
}

/// `equal` where an id that is given is `id`, else `other`: the mask of padding, as models write it that know its id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdMask {
    /// With what the id is given, as [`Part::Numbers`] has it.
    pub of: Rows,
    /// Which of the ids.
    pub column: u32,
    /// What it is compared with.
    pub id: u32,
    /// The number where it is that.
    pub equal: f32,
    /// The number where it is another.
    pub other: f32,
}

/// Rows of one table, of as many ids as are given, added up: an embedding where it is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bag {
    /// `[rows, width]`: f32, bf16, i8 with `scales`, or u4 with `scales` and `offsets`.
    pub table: TensorId,
    /// `[rows]` f32, for a table of codes: the value is the code times its row's scale, and the row's offset more.
    pub scales: Option<TensorId>,
    /// `[rows]` f32, for a table of codes; none for an i8 table where all are 0.
    pub offsets: Option<TensorId>,
    /// With what the ids are given, as [`Part::Numbers`] has it.
    pub of: Rows,
    /// The first id.
    pub column: u32,
    /// How many ids: at least one.
    pub count: u32,
    /// Whether it is their mean, not their sum.
    pub mean: bool,
}

/// Some consecutive parts of a program's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRange {
    /// The first.
    pub first: u32,
    /// How many; at least one.
    pub count: u32,
}

/// How many values are given with a row of some kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Numbers.
    pub numbers: u32,
    /// Ids.
    pub ids: u32,
}

/// What is given to a program beside tokens: nothing to one that reads texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// With each item of a session.
    pub session: Columns,
    /// With each user.
    pub user: Columns,
    /// With each candidate.
    pub candidate: Columns,
}

impl Given {
    /// What is given with a row of that kind.
    pub const fn with(&self, rows: Rows) -> Columns {
        match rows {
            Rows::Tokens => self.session,
            Rows::Texts => self.user,
            Rows::Candidates => self.candidate,
        }
    }

    /// The same to be changed.
    pub(crate) const fn with_mut(&mut self, rows: Rows) -> &mut Columns {
        match rows {
            Rows::Tokens => &mut self.session,
            Rows::Texts => &mut self.user,
            Rows::Candidates => &mut self.candidate,
        }
    }

    /// Whether nothing is: the program reads texts.
    pub fn is_nothing(&self) -> bool {
        *self == Given::default()
    }
}

impl Part {
    /// The slot that it reads, if it is one's columns.
    pub fn input(&self) -> Option<SlotId> {
        match self {
            Part::View(view) => Some(view.slot),
            Part::Numbers { .. } | Part::Bag(_) | Part::Mask(_) => None,
        }
    }

    /// The tensors that it reads.
    pub fn tensors(&self) -> impl Iterator<Item = TensorId> + use<> {
        let tensors = match *self {
            Part::Bag(Bag { table, scales, offsets, .. }) => [Some(table), scales, offsets],
            Part::View(_) | Part::Numbers { .. } | Part::Mask(_) => [None; 3],
        };
        tensors.into_iter().flatten()
    }
}

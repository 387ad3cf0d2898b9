//! The program of a pack: a table of steps over planned slots.
//!
//! A program runs a *ragged batch*: the tokens of all texts one after the other, without padding. A slot therefore has either
//! a row for each token of the batch or a row for each text. Its place in the arena is planned at build time in bytes a row;
//! a session multiplies by its own capacity.
//!
//! A ranker's network is a program as well. Its text is a user, whose tokens are the items of a session, and who has candidates: the third
//! kind of rows. What depends on the user alone stands in the user's row and is computed once, however many candidates there are.

mod codec;
mod functions;
mod part;
mod step;
mod verify;

pub use functions::{Activation, Pooling, Triangle};
pub use part::{Bag, Columns, Given, IdMask, Part, PartRange};
pub use step::{Index, Lookup, Quantized, RelativeBias, Step, Weights};
pub use verify::ProgramError;

pub(crate) use codec::{decode, encode};
pub(crate) use verify::verify;

use core::fmt;

/// What the rows of a slot follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// A row for each token of the batch; of a ranker, for each item of a session.
    Tokens,
    /// A row for each text of the batch; of a ranker, for each user.
    Texts,
    /// A row for each candidate (rankers only).
    Candidates,
}

impl Rows {
    /// All of them, in the order of their codes.
    pub const ALL: [Rows; 3] = [Rows::Tokens, Rows::Texts, Rows::Candidates];
}

/// How a slot holds its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// `width` f32 values a row.
    F32,
    /// `width` 8-bit codes a row, filled up to [`Q8_STRIDE`], then, after the codes of all rows, a [`RowScale`] for each row.
    Q8,
}

/// Codes of a row of [`Storage::Q8`] are filled up to a multiple of this many bytes.
pub const Q8_STRIDE: usize = 64;

/// What the codes of one row of [`Storage::Q8`] mean: `x = scale · (code − zero)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct RowScale {
    /// The distance of two neighbouring codes.
    pub scale: f32,
    /// The code of 0, in 0..=255.
    pub zero: i32,
}

/// The most columns that a slot may have.
pub const MAX_WIDTH: u32 = 1 << 20;

/// The deepest int8 product whose sums cannot leave i32: `255 · 127 · k < 2³¹`.
pub const MAX_INT8_DEPTH: u32 = 1 << 16;

/// The most bytes a row that the slots of one kind of rows may take together.
pub const MAX_ROW_BYTES: u64 = 1 << 28;

/// A planned place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What its rows follow.
    pub rows: Rows,
    /// How it holds its values.
    pub storage: Storage,
    /// Values in a row.
    pub width: u32,
    /// Where it begins among the slots of its kind of rows: in bytes a row, a multiple of 4. With a capacity of `c` rows it
    /// begins `offset · c` bytes after the start of that part of the arena.
    pub offset: u64,
}

impl Slot {
    /// The bytes that the slot takes for each row of capacity.
    pub const fn row_bytes(&self) -> u64 {
        match self.storage {
            Storage::F32 => self.width as u64 * 4,
            Storage::Q8 => (self.width as u64).next_multiple_of(Q8_STRIDE as u64) + size_of::<RowScale>() as u64,
        }
    }

    /// The bytes a row at which it ends: `offset` and [`row_bytes`](Slot::row_bytes).
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.row_bytes())
    }

    /// Whether two slots may lie over one another in the arena.
    pub fn overlaps(&self, other: &Slot) -> bool {
        self.rows == other.rows && self.offset < other.end() && other.offset < self.end()
    }
}

/// A slot of the program, by its place in [`Program::slots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u32);

/// A tensor of the pack, by its place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

/// Some consecutive columns of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The slot.
    pub slot: SlotId,
    /// The first column.
    pub column: u32,
    /// How many columns.
    pub width: u32,
}

/// What a session does, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The planned places; no two that are alive at once overlap, but where a step works in place.
    pub slots: Vec<Slot>,
    /// The steps, in the order in which they run.
    pub steps: Vec<Step>,
    /// What the steps put together, each a range of these.
    pub parts: Vec<Part>,
    /// Where the result stands in the end: f32, a row for each text; of a ranker, for each candidate.
    pub output: SlotId,
}

impl Program {
    /// No step: a ranker's trees are no program.
    pub fn nothing() -> Program {
        Program { slots: vec![], steps: vec![], parts: vec![], output: SlotId(u32::MAX) }
    }

    /// The parts of a range; none where it is not one of this program.
    pub fn parts(&self, range: PartRange) -> &[Part] {
        let (first, count) = (range.first as usize, range.count as usize);
        self.parts.get(first..first.saturating_add(count)).unwrap_or_default()
    }

    /// The slots that a step reads.
    pub fn inputs(&self, step: &Step) -> impl Iterator<Item = SlotId> {
        step.own_inputs().chain(self.parts_of(step).iter().filter_map(Part::input))
    }

    /// The tensors that a step reads, in the order in which it reads them.
    pub fn tensors(&self, step: &Step) -> Vec<TensorId> {
        step.own_tensors().into_iter().chain(self.parts_of(step).iter().flat_map(Part::tensors)).collect()
    }

    fn parts_of(&self, step: &Step) -> &[Part] {
        match *step {
            Step::Concat { parts, .. } => self.parts(parts),
            _ => &[],
        }
    }

    /// The bytes of arena that each row of that kind needs.
    pub fn row_bytes(&self, rows: Rows) -> u64 {
        self.slots.iter().filter(|slot| slot.rows == rows).map(Slot::end).max().unwrap_or(0)
    }

    /// The slot of that id.
    ///
    /// # Panics
    ///
    /// If there is none: ids are proved when the pack is parsed.
    pub fn slot(&self, id: SlotId) -> &Slot {
        &self.slots[id.0 as usize]
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Display for TensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

//! Where each slot lies in the arena, for a batch of a given size.

use super::{Capacity, plan};
use core::ops::Range;
use modeldeploy_format::pack::ALIGN;
use modeldeploy_format::program::{Program, RowScale, Rows, Slot, SlotId, Storage};

/// Rows are counted in groups of this many, so that a slot, planned at a multiple of four bytes a row, begins at a multiple
/// of [`ALIGN`].
const GROUP: usize = ALIGN / 4;

/// The places of a program's slots.
pub(super) struct Layout<'p> {
    slots: &'p [Slot],
    size: Capacity,
    /// The rows, in whole groups.
    tokens: usize,
    texts: usize,
    candidates: usize,
    /// Where the texts' slots begin, and the candidates'.
    text_base: usize,
    candidate_base: usize,
    /// For each candidate the number of its text.
    owners: Range<usize>,
    scratch: Range<usize>,
    /// Bytes of one member's part of it.
    scratch_each: usize,
}

/// A slot's rows in the arena, in bytes.
pub(super) struct Place {
    /// The values or codes of its rows.
    pub(super) values: Range<usize>,
    /// What the codes mean; empty where the slot holds f32.
    pub(super) scales: Range<usize>,
    /// From one row to the next.
    pub(super) stride: usize,
    /// Values in a row.
    pub(super) width: usize,
    /// How many rows.
    pub(super) rows: usize,
}

impl Place {
    /// Whether its rows are f32, not codes.
    pub(super) fn is_f32(&self) -> bool {
        self.scales.is_empty()
    }

    /// Some of its rows.
    pub(super) fn part(&self, rows: Range<usize>) -> Place {
        let of = |all: &Range<usize>, each: usize| all.start + rows.start * each..all.start + rows.end * each;
        let each = if self.scales.is_empty() { 0 } else { size_of::<RowScale>() };
        Place { values: of(&self.values, self.stride), scales: of(&self.scales, each), rows: rows.len(), ..*self }
    }
}

impl<'p> Layout<'p> {
    /// The layout for a batch of that size, with so many bytes of scratch for each member of a team; `None` where its bytes are beyond
    /// `usize`.
    pub(super) fn new(program: &'p Program, size: Capacity, scratch: usize, members: usize) -> Option<Layout<'p>> {
        let tokens = size.tokens.checked_next_multiple_of(GROUP)?;
        let texts = size.texts.checked_next_multiple_of(GROUP)?;
        let candidates = size.candidates.checked_next_multiple_of(GROUP)?;
        let part = |rows, count| usize::try_from(program.row_bytes(rows)).ok()?.checked_mul(count);
        let text_base = part(Rows::Tokens, tokens)?;
        let candidate_base = text_base.checked_add(part(Rows::Texts, texts)?)?;
        let owners = candidate_base.checked_add(part(Rows::Candidates, candidates)?)?;
        let start = owners.checked_add(candidates.checked_mul(size_of::<u32>())?)?;
        let owners = owners..owners + size.candidates * size_of::<u32>();
        let scratch_each = scratch.checked_next_multiple_of(ALIGN)?;
        let scratch = start..start.checked_add(scratch_each.checked_mul(members)?)?;
        let slots = &program.slots;
        Some(Layout {
            slots,
            size,
            tokens,
            texts,
            candidates,
            text_base,
            candidate_base,
            owners,
            scratch,
            scratch_each,
        })
    }

    /// The bytes of an arena that holds it.
    pub(super) fn bytes(&self) -> usize {
        self.scratch.end
    }

    /// For each candidate the number of its text, as u32.
    pub(super) fn owners(&self) -> Range<usize> {
        self.owners.clone()
    }

    /// Memory that kernels may use as they like.
    pub(super) fn scratch(&self) -> Range<usize> {
        self.scratch.clone()
    }

    /// How many bytes of [`scratch`](Layout::scratch) are a member's.
    pub(super) fn scratch_each(&self) -> usize {
        self.scratch_each
    }

    pub(super) fn place(&self, id: SlotId) -> Place {
        let slot = &self.slots[id.0 as usize];
        let (base, group, rows) = match slot.rows {
            Rows::Tokens => (0, self.tokens, self.size.tokens),
            Rows::Texts => (self.text_base, self.texts, self.size.texts),
            Rows::Candidates => (self.candidate_base, self.candidates, self.size.candidates),
        };
        let stride = plan::stride(slot);
        let start = base + slot.offset as usize * group;
        let end = start + stride * group;
        let scales = match slot.storage {
            Storage::F32 => end..end,
            Storage::Q8 => end..end + rows * size_of::<RowScale>(),
        };
        Place { values: start..start + stride * rows, scales, stride, width: slot.width as usize, rows }
    }
}

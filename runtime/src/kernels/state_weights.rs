//! The weights by which recurrent layers multiply their state.

use super::{Bf16Panels, F32Panels};

/// How the weights are stored.
#[derive(Clone, Copy, Debug)]
pub enum StateWeights<'a> {
    /// As f32.
    F32(F32Panels<'a>),
    /// As bf16.
    Bf16(Bf16Panels<'a>),
}

impl StateWeights<'_> {
    /// Columns and depth.
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            StateWeights::F32(w) => (w.n, w.k),
            StateWeights::Bf16(w) => (w.n, w.k),
        }
    }
}

/// The row of a text's token of that number, where its rows are `start..end`, and the row of the one before, in the order in which a
/// recurrent layer goes.
#[inline(always)]
pub(crate) fn place(backward: bool, (start, end): (u32, u32), token: u32) -> (usize, usize) {
    if backward {
        let row = (end - 1 - token) as usize;
        (row, row + 1)
    } else {
        let row = (start + token) as usize;
        (row, row.wrapping_sub(1))
    }
}

//! A table among a node's inputs: its numbers, or codes and what they are worth by row.

use super::shapes;
use crate::graph::{Elem, Type, ValueId};
use candle_core::Tensor;

/// The inputs that are one table: `(table f32[rows, n])`, `(codes i8[rows, n], scales f32[rows])`, or
/// `(codes[rows, n], scales f32[rows], offsets f32[rows])` of i8 or u4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableInputs {
    /// f32 (which may be stored as bf16), i8 or u4, `[rows, n]`.
    pub table: ValueId,
    /// f32 `[rows]`, for a table of codes: what one code of a row is worth.
    pub scales: Option<ValueId>,
    /// f32 `[rows]`, for a table of codes: what a row's code of 0 is worth; 0 where an i8 table has none.
    pub offsets: Option<ValueId>,
}

impl TableInputs {
    /// A table of numbers.
    pub fn floats(table: ValueId) -> TableInputs {
        TableInputs { table, scales: None, offsets: None }
    }

    /// Its inputs, in their order.
    pub fn inputs(self) -> impl Iterator<Item = ValueId> {
        [Some(self.table), self.scales, self.offsets].into_iter().flatten()
    }

    /// The table of these inputs.
    ///
    /// # Panics
    ///
    /// If there are not one to three.
    pub(super) fn of(inputs: &[ValueId]) -> TableInputs {
        let [table, worth @ ..] = inputs else { panic!("a table is no input") };
        assert!(worth.len() <= 2, "a table is one to three inputs");
        TableInputs { table: *table, scales: worth.first().copied(), offsets: worth.get(1).copied() }
    }
}

/// The rows and the width of the table of these inputs.
pub(super) fn infer(inputs: &[Type]) -> Result<(usize, usize), String> {
    let [table, worth @ ..] = inputs else { return Err("there is no table".to_owned()) };
    let (rows, n) = shapes::matrix("a table", table)?;
    match (table.elem, worth) {
        (Elem::F32, []) | (Elem::I8, [_] | [_, _]) | (Elem::U4, [_, _]) => {}
        _ => return Err(format!("a table of {table} comes with {} rows of what codes are worth", worth.len())),
    }
    for (what, ty) in ["the scales", "the offsets"].into_iter().zip(worth) {
        shapes::vector(what, ty, rows)?;
    }
    Ok((rows, n))
}

/// The rows of the table of these inputs that a flat index names.
pub(super) fn rows(inputs: &[Tensor], index: &Tensor) -> candle_core::Result<Tensor> {
    let mut rows = inputs[0].index_select(index, 0)?;
    if let Some(scales) = inputs.get(1) {
        rows = rows.broadcast_mul(&scales.index_select(index, 0)?.unsqueeze(1)?)?;
    }
    if let Some(offsets) = inputs.get(2) {
        rows = rows.broadcast_add(&offsets.index_select(index, 0)?.unsqueeze(1)?)?;
    }
    Ok(rows)
}

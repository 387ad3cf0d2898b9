//! Rankers' networks with random weights, as packs: DLRM (Naumov et al. 2019) and SASRec (Kang and McAuley 2018).
//!
//! Weights follow from their place alone, so that other engines can be given the same (`peers/rank/weights.py`).

mod builder;
mod dlrm;
mod sasrec;

pub use builder::weights;
pub use dlrm::{DENSE, Dlrm, SPARSE, TABLE_ROWS, dlrm};
pub use sasrec::{ITEMS, SESSION, sasrec};

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// As f32.
    F32,
    /// As 8-bit codes: tables by row, products by column, and what they read by row.
    Int8,
}

impl Stored {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Stored::F32 => "f32",
            Stored::Int8 => "int8",
        }
    }
}

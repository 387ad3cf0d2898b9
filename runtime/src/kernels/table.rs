//! Tables of rows, as they are stored: what embeddings and bags read.

use crate::isa::Simd;

/// A table of rows of the output's width.
#[derive(Clone, Copy, Debug)]
pub enum Table<'a> {
    /// `[rows][width]`
    F32(&'a [f32]),
    /// The bits of bf16, `[rows][width]`.
    Bf16(&'a [u16]),
    /// `x ≈ scales[row] · code`
    I8 {
        /// `[rows][width]`
        codes: &'a [i8],
        /// One a row.
        scales: &'a [f32],
    },
}

/// How many rows before it is read a table's row is asked for.
pub(crate) const AHEAD: usize = 4;

impl Table<'_> {
    /// How many rows of `width` it has.
    ///
    /// # Panics
    ///
    /// If it is not whole rows, or has not one scale for each.
    pub(crate) fn entries(&self, width: usize) -> usize {
        let (len, scales) = match *self {
            Table::F32(values) => (values.len(), None),
            Table::Bf16(values) => (values.len(), None),
            Table::I8 { codes, scales } => (codes.len(), Some(scales.len())),
        };
        let entries = scales.unwrap_or(len / width.max(1));
        assert_eq!(len, entries * width, "the table is not whole rows of {width}");
        entries
    }

    /// Asks for row `id`, and its scale.
    #[inline(always)]
    pub(crate) fn prefetch<S: Simd>(&self, s: S, id: usize, width: usize) {
        let at = id * width;
        match *self {
            Self::F32(values) => (0..width).step_by(16).for_each(|i| s.prefetch(values, at + i)),
            Self::Bf16(values) => (0..width).step_by(32).for_each(|i| s.prefetch(values, at + i)),
            Self::I8 { codes, scales } => {
                (0..width).step_by(64).for_each(|i| s.prefetch(codes, at + i));
                s.prefetch(scales, id);
            }
        }
    }
}

/// How a table's entry is stored.
pub(crate) trait Entry: Copy + Default {
    /// Sixteen entries as they are stored, without their row's scale.
    fn load<S: Simd>(s: S, entries: &[Self; 16]) -> S::F;
}

impl Entry for f32 {
    #[inline(always)]
    fn load<S: Simd>(s: S, entries: &[Self; 16]) -> S::F {
        s.load(entries)
    }
}

impl Entry for u16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, entries: &[Self; 16]) -> S::F {
        s.load_bf16(entries)
    }
}

impl Entry for i8 {
    #[inline(always)]
    fn load<S: Simd>(s: S, entries: &[Self; 16]) -> S::F {
        s.load_i8(entries)
    }
}

//! What a kernel reads that may stand in its output already.

use crate::kernels::Rows;

/// Something that a kernel reads, row by row or value by value, before it writes there.
#[derive(Clone, Copy, Debug)]
pub enum Operand<T> {
    /// Apart from the output.
    Apart(T),
    /// In the output itself: the kernel works in place.
    InPlace,
}

impl<T> From<T> for Operand<T> {
    fn from(apart: T) -> Operand<T> {
        Operand::Apart(apart)
    }
}

impl<T> Operand<T> {
    /// What stands apart, if it does.
    #[inline(always)]
    pub(crate) fn apart(self) -> Option<T> {
        match self {
            Operand::Apart(apart) => Some(apart),
            Operand::InPlace => None,
        }
    }
}

impl Operand<Rows<'_>> {
    /// # Panics
    ///
    /// If they stand apart and are not `rows` rows of `width` values.
    pub(crate) fn check(self, what: &str, rows: usize, width: usize) {
        if let Some(apart) = self.apart() {
            apart.check(what, rows, width);
        }
    }

    /// Brings row `r` to `out`, its row of the output.
    #[inline(always)]
    pub(crate) fn bring(self, r: usize, out: &mut [f32]) {
        if let Some(rows) = self.apart() {
            out.copy_from_slice(rows.row(r, out.len()));
        }
    }
}

impl Operand<&[f32]> {
    /// # Panics
    ///
    /// If they stand apart and are not `len` values.
    pub(crate) fn check(self, what: &str, len: usize) {
        if let Some(values) = self.apart() {
            assert_eq!(values.len(), len, "{what} and out differ in length");
        }
    }

    /// Brings the values from `at` on to `out`, their place in the output.
    #[inline(always)]
    pub(crate) fn bring(self, at: usize, out: &mut [f32]) {
        if let Some(values) = self.apart() {
            out.copy_from_slice(&values[at..][..out.len()]);
        }
    }
}

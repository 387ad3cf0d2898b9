//! Row-major activations: rows of a buffer, a stride apart.

/// Rows of f32 to read: row `r` starts at `r · stride`. A column offset is a slice that starts there.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The buffer, from the first value of the first row on.
    pub values: &'a [f32],
    /// From one row to the next, in values.
    pub stride: usize,
}

/// Rows of f32 to write: row `r` starts at `r · stride`. What lies between the rows is left alone.
#[derive(Debug)]
pub struct RowsMut<'a> {
    /// The buffer, from the first value of the first row on.
    pub values: &'a mut [f32],
    /// From one row to the next, in values.
    pub stride: usize,
}

impl<'a> Rows<'a> {
    /// Row `r`'s first `width` values.
    #[inline(always)]
    pub(crate) fn row(&self, r: usize, width: usize) -> &'a [f32] {
        &self.values[r * self.stride..][..width]
    }

    /// # Panics
    ///
    /// If they are not `rows` rows of `width` values.
    pub(crate) fn check(&self, what: &str, rows: usize, width: usize) {
        check_rows(what, self.values.len(), self.stride, rows, width);
    }
}

impl RowsMut<'_> {
    /// Row `r`'s first `width` values.
    #[inline(always)]
    pub(crate) fn row(&mut self, r: usize, width: usize) -> &mut [f32] {
        &mut self.values[r * self.stride..][..width]
    }

    /// The same rows, for a shorter while.
    #[inline(always)]
    pub(crate) fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut { values: self.values, stride: self.stride }
    }

    /// # Panics
    ///
    /// If they are not `rows` rows of `width` values.
    pub(crate) fn check(&self, what: &str, rows: usize, width: usize) {
        check_rows(what, self.values.len(), self.stride, rows, width);
    }
}

/// # Panics
///
/// If a buffer of `len` values does not hold `rows` rows of `width`, `stride` apart.
pub(crate) fn check_rows(what: &str, len: usize, stride: usize, rows: usize, width: usize) {
    if rows == 0 {
        return;
    }
    assert!(rows == 1 || width <= stride, "{what}: rows of {width} overlap at a stride of {stride}");
    let end = (rows - 1).checked_mul(stride).and_then(|last| last.checked_add(width));
    assert!(
        end.is_some_and(|end| end <= len),
        "{what}: {rows} rows of {width} at a stride of {stride} do not fit {len}"
    );
}

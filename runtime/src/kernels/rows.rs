//! Row-major activations: rows of a buffer, a stride apart.
//!
//! Rows to write can be divided by columns, so that several threads write parts of the same rows at once: no slice has that shape.
#![expect(unsafe_code, reason = "parts of the same rows are written by several threads")]

use std::marker::PhantomData;

/// Rows of f32 to read: row `r` starts at `r · stride`. A column offset is a slice that starts there.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The buffer, from the first value of the first row on.
    pub values: &'a [f32],
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

/// Rows of f32 to write: row `r` starts at `r · stride`. What lies between the rows is left alone.
#[derive(Debug)]
pub struct RowsMut<'a> {
    first: *mut f32,
    /// The last row ends so many values from `first` on, or before.
    len: usize,
    stride: usize,
    /// Of each row so many values are in the view, at most `stride`.
    width: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: a view has its values alone, as `&mut [f32]` has: `new` borrows them, and what divides a view shares none of them out twice.
unsafe impl Send for RowsMut<'_> {}

impl<'a> RowsMut<'a> {
    /// The rows of `values`, from the first value of the first row on, `stride` apart and at most as wide.
    pub fn new(values: &'a mut [f32], stride: usize) -> Self {
        Self { first: values.as_mut_ptr(), len: values.len(), stride, width: stride, life: PhantomData }
    }

    /// Takes the first `rows` rows off.
    pub(crate) fn take_rows(&mut self, rows: usize) -> RowsMut<'a> {
        let len = self.len.min(rows.saturating_mul(self.stride));
        let taken = RowsMut { len, ..*self };
        self.first = self.first.wrapping_add(len);
        self.len -= len;
        taken
    }

    /// Takes the first `columns` columns of all rows off.
    pub(crate) fn take_columns(&mut self, columns: usize) -> RowsMut<'a> {
        let columns = self.width.min(columns);
        let taken = RowsMut { width: columns, ..*self };
        let past = self.len.min(columns);
        self.first = self.first.wrapping_add(past);
        self.len -= past;
        self.width -= columns;
        taken
    }

    /// The same rows, for a shorter while.
    #[inline(always)]
    pub(crate) fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut { ..*self }
    }

    /// The rows from `row` on without their first `column` values.
    ///
    /// # Panics
    ///
    /// If there is no such place.
    #[inline(always)]
    pub(crate) fn from(&mut self, row: usize, column: usize) -> RowsMut<'_> {
        let at = row.checked_mul(self.stride).and_then(|at| at.checked_add(column)).unwrap_or(usize::MAX);
        assert!(column <= self.width && at <= self.len, "the rows end before the place");
        RowsMut { first: self.first.wrapping_add(at), len: self.len - at, width: self.width - column, ..*self }
    }

    /// Row `r`'s first `width` values.
    ///
    /// # Panics
    ///
    /// If it has not as many.
    #[inline(always)]
    pub(crate) fn row(&mut self, r: usize, width: usize) -> &mut [f32] {
        let first = self.place(r, width);
        // SAFETY: `place` proved that so many values lie there within the view, which has them alone while it is borrowed.
        unsafe { std::slice::from_raw_parts_mut(first, width) }
    }

    /// Row `r`'s first `width` values, to read.
    ///
    /// # Panics
    ///
    /// If it has not as many.
    #[inline(always)]
    pub(crate) fn written(&self, r: usize, width: usize) -> &[f32] {
        let first = self.place(r, width);
        // SAFETY: `place` proved that so many values lie there within the view, which nobody writes to while it is borrowed.
        unsafe { std::slice::from_raw_parts(first, width) }
    }

    /// `R` rows of `P` times sixteen values from a row and a column on.
    ///
    /// # Panics
    ///
    /// If the rows end before the block.
    #[inline(always)]
    pub(crate) fn block<const R: usize, const P: usize>(&mut self, row: usize, column: usize) -> BlockMut<'_, R, P> {
        let rows = self.from(row, column);
        rows.place(R - 1, 16 * P);
        BlockMut { first: rows.first, stride: rows.stride, life: PhantomData }
    }

    /// Where row `r` starts, whose first `width` values are in the view.
    #[inline(always)]
    fn place(&self, r: usize, width: usize) -> *mut f32 {
        let end = r.checked_mul(self.stride).and_then(|at| at.checked_add(width));
        assert!(width <= self.width && end.is_some_and(|end| end <= self.len), "the rows end before the place");
        self.first.wrapping_add(r * self.stride)
    }

    /// # Panics
    ///
    /// If they are not `rows` rows of `width` values.
    pub(crate) fn check(&self, what: &str, rows: usize, width: usize) {
        check_rows(what, self.len, self.stride, rows, width);
        assert!(rows == 0 || width <= self.width, "{what}: rows of {width} values in {} columns", self.width);
    }
}

/// `R` rows of `P` times sixteen values to write.
pub(crate) struct BlockMut<'a, const R: usize, const P: usize> {
    first: *mut f32,
    stride: usize,
    life: PhantomData<&'a mut [f32]>,
}

impl<const R: usize, const P: usize> BlockMut<'_, R, P> {
    /// The sixteen values of row `r` from `16 · p` on.
    #[inline(always)]
    pub(crate) fn at(&mut self, r: usize, p: usize) -> &mut [f32; 16] {
        assert!(r < R && p < P);
        let at = self.first.wrapping_add(r * self.stride + 16 * p);
        // SAFETY: r < R and p < P, so sixteen values lie there within the view that `RowsMut::block` checked, borrowed alone.
        unsafe { &mut *at.cast::<[f32; 16]>() }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `mark` to all values of the first `rows` rows.
    fn fill(mut part: RowsMut<'_>, rows: usize, width: usize, mark: f32) {
        (0..rows).for_each(|r| part.row(r, width).fill(mark));
    }

    #[test]
    fn what_is_taken_lies_apart_from_what_is_left() {
        // Three rows of five and two values between them, the last row without.
        let mut values = [0.0; 19];
        let mut rest = RowsMut::new(&mut values, 7);
        rest = rest.take_columns(5);
        let mut top = rest.take_rows(1);
        fill(top.take_columns(2), 1, 2, 1.0);
        fill(top, 1, 3, 2.0);
        let left = rest.take_columns(4);
        std::thread::scope(|scope| {
            scope.spawn(move || fill(left, 2, 4, 3.0));
            fill(rest, 2, 1, 4.0);
        });
        let rows = [[1., 1., 2., 2., 2., 0., 0.], [3., 3., 3., 3., 4., 0., 0.], [3., 3., 3., 3., 4., 9., 9.]];
        assert_eq!(values, rows.as_flattened()[..19]);
    }

    #[test]
    fn a_block_and_a_place_lie_where_their_row_and_column_say() {
        let mut values = vec![0.0; 3 * 40];
        let mut rows = RowsMut::new(&mut values, 40);
        rows.block::<2, 2>(1, 3).at(1, 1)[15] = 1.0;
        rows.from(1, 38).row(1, 2)[1] = 2.0;
        assert_eq!(rows.written(2, 40)[39], 2.0);
        assert_eq!((values[2 * 40 + 3 + 31], values[119]), (1.0, 2.0));
    }

    #[test]
    fn what_is_not_in_the_view_is_refused() {
        let refused = |what: fn(RowsMut<'_>)| {
            let mut values = [0.0; 3 * 20];
            let mut rows = RowsMut::new(&mut values, 20);
            let part = rows.take_columns(16);
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| what(part))).is_err()
        };
        assert!(!refused(|mut part| part.row(2, 16).fill(1.0)));
        assert!(!refused(|mut part| part.block::<3, 1>(0, 0).at(2, 0).fill(1.0)));
        assert!(refused(|mut part| part.row(0, 17).fill(1.0)), "another's columns");
        assert!(refused(|mut part| part.row(3, 1).fill(1.0)), "a row past the last");
        assert!(refused(|mut part| part.row(usize::MAX / 10, 1).fill(1.0)), "a row past all memory");
        assert!(refused(|mut part| part.from(0, 8).row(0, 9).fill(1.0)), "columns past a place");
        assert!(refused(|mut part| part.block::<2, 1>(2, 0).at(0, 0).fill(1.0)), "a block's last row");
        assert!(refused(|mut part| part.block::<1, 1>(0, 1).at(0, 0).fill(1.0)), "a block's last column");
        assert!(refused(|part| part.check("part", 1, 17)), "a width");
    }
}

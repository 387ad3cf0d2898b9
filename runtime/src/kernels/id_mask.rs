//! One of two numbers by an id: the mask of padding, as models write it that know the padding's id.
//!
//! Bound by memory, exact.

use crate::kernels::RowsMut;

/// Ids to compare: that of row `r` is `ids[r · stride]`, or that of the row that stands beside it.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'a> {
    /// From the first that is compared on.
    pub ids: &'a [u32],
    /// From one row's to the next.
    pub stride: usize,
    /// Which row's each row that is written has; none where they follow one another alike.
    pub of: Option<&'a [u32]>,
}

/// `out[m] = numbers[0]` where the id of row `m` is `id`, else `numbers[1]`.
///
/// # Panics
///
/// If a buffer is too short for its shape.
pub fn id_mask(ids: Ids<'_>, id: u32, [equal, other]: [f32; 2], rows: usize, mut out: RowsMut<'_>) {
    out.check("out", rows, 1);
    for r in 0..rows {
        let at = ids.of.map_or(r, |of| of[r] as usize) * ids.stride;
        out.row(r, 1)[0] = if ids.ids[at] == id { equal } else { other };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_number_that_its_id_says() {
        let ids = [0, 9, 3, 9, 0, 9, 7, 9, 0];
        for (of, expected) in
            [(None, [0.0, 1.0, 0.0, 1.0, 0.0]), (Some(&[1, 1, 0, 4, 3][..]), [1.0, 1.0, 0.0, 0.0, 1.0])]
        {
            let mut out = [9.0; 15];
            id_mask(Ids { ids: &ids, stride: 2, of }, 0, [0.0, 1.0], 5, RowsMut::new(&mut out, 3));
            for (row, expected) in out.chunks(3).zip(expected) {
                assert_eq!(row, [expected, 9.0, 9.0], "{of:?}");
            }
        }
    }
}

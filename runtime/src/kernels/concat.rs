//! Columns that are brought beside others: a stretch of each row of the output, from rows that stand one for each or one for several.
//!
//! Bound by memory, exact.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Beside, RowsMut};

/// `out[m] = x[m]`, `width` values of each row.
///
/// # Panics
///
/// If a buffer is too short for its shape.
pub fn concat(isa: Isa, x: Beside<'_>, rows: usize, width: usize, out: RowsMut<'_>) {
    x.check("x", rows, width);
    out.check("out", rows, width);
    isa.run(Concat { x, rows, width, out });
}

struct Concat<'a> {
    x: Beside<'a>,
    rows: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for Concat<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for r in 0..self.rows {
            let (x, x_rest) = self.x.row(r, self.width).as_chunks::<16>();
            let (out, out_rest) = self.out.row(r, self.width).as_chunks_mut::<16>();
            for (out, x) in out.iter_mut().zip(x) {
                s.store(out, s.load(x));
            }
            if !x_rest.is_empty() {
                s.store_part(out_rest, s.load_part(x_rest, 0.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Rows;
    use crate::kernels::testing::{Random, assert_bits};

    #[test]
    fn every_isa_brings_the_row_that_stands_beside() {
        let mut random = Random::new(70);
        let of: &[u32] = &[0, 0, 2, 2, 2, 1];
        for width in [1, 7, 15, 16, 17, 31, 33, 64] {
            let (stride, to) = (width + 2, width + 5);
            let values = random.floats(6 * stride, 1.0);
            for of in [None, Some(of)] {
                let mut expected = vec![9.0; 6 * to];
                for r in 0..6 {
                    let from = of.map_or(r, |of| of[r] as usize) * stride + 1;
                    expected[r * to + 3..][..width].copy_from_slice(&values[from..][..width]);
                }
                for isa in Isa::available() {
                    let mut out = vec![9.0; 6 * to];
                    let x = Beside { rows: Rows { values: &values[1..], stride }, of };
                    concat(isa, x, 6, width, RowsMut::new(&mut out[3..], to));
                    assert_bits(&out, &expected, &format!("{isa} {width} of {of:?}"));
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "do not fit")]
    fn a_row_past_the_last_is_refused_at_the_entry() {
        let x = Beside { rows: Rows { values: &[0.0; 6], stride: 3 }, of: Some(&[1, 2]) };
        concat(Isa::SCALAR, x, 2, 3, RowsMut::new(&mut [0.0; 6], 3));
    }
}

//! The greatest of the fields of a row, which stand side by side.
//!
//! Bound by memory. Exact.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::epilogue::columns;
use crate::kernels::{Rows, RowsMut};

/// `out[m, n] = max x[m, f · width + n]` over `fields` fields, `rows` rows of `width`.
///
/// # Panics
///
/// If there is no field, or a buffer is too short for its shape.
pub fn max_fields(isa: Isa, x: Rows<'_>, rows: usize, fields: usize, width: usize, out: RowsMut<'_>) {
    assert!(fields > 0, "the greatest of no fields");
    x.check("x", rows, fields * width);
    out.check("out", rows, width);
    isa.run(Max { x, rows, fields, width, out });
}

struct Max<'a> {
    x: Rows<'a>,
    rows: usize,
    fields: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for Max<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (fields, width) = (self.fields, self.width);
        for r in 0..self.rows {
            let x = self.x.row(r, fields * width);
            for (c, to) in self.out.row(r, width).chunks_mut(16).enumerate() {
                let mut greatest = columns::<S, false>(s, &x[..width], 16 * c);
                for field in 1..fields {
                    greatest = s.max(greatest, columns::<S, false>(s, &x[field * width..][..width], 16 * c));
                }
                match to.first_chunk_mut() {
                    Some(chunk) => s.store(chunk, greatest),
                    None => s.store_part(to, greatest),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits};

    #[test]
    fn every_isa_finds_the_greatest_of_the_fields() {
        let mut random = Random::new(79);
        for (fields, width) in [(1, 5), (2, 16), (3, 1), (3, 17), (5, 33), (27, 64), (40, 15)] {
            let x = random.floats(3 * fields * width, 2.0);
            let mut expected = vec![0.0; 3 * width];
            for (at, most) in expected.iter_mut().enumerate() {
                let field = |field: usize| x[at / width * fields * width + field * width + at % width];
                *most = (1..fields).fold(field(0), |most, at| most.max(field(at)));
            }
            for isa in Isa::available() {
                let mut out = vec![9.0; 3 * width];
                let x = Rows { values: &x, stride: fields * width };
                max_fields(isa, x, 3, fields, width, RowsMut::new(&mut out, width));
                assert_bits(&out, &expected, &format!("{isa} {fields}x{width}"));
            }
        }
    }
}

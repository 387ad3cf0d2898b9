//! The sum or the greatest of the fields of a row, which stand side by side.
//!
//! Bound by memory. Each number of the output is one chain over the fields, in their order.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::epilogue::columns;
use crate::kernels::{Rows, RowsMut};

/// `out[m, n] = Σ x[m, f · width + n]` over `fields` fields, `rows` rows of `width`.
///
/// # Panics
///
/// If there is no field, or a buffer is too short for its shape.
pub fn sum_fields(isa: Isa, x: Rows<'_>, rows: usize, fields: usize, width: usize, out: RowsMut<'_>) {
    isa.run(Fold::<false>::new(x, rows, fields, width, out));
}

/// `out[m, n] = max x[m, f · width + n]` over `fields` fields, `rows` rows of `width`.
///
/// # Panics
///
/// If there is no field, or a buffer is too short for its shape.
pub fn max_fields(isa: Isa, x: Rows<'_>, rows: usize, fields: usize, width: usize, out: RowsMut<'_>) {
    isa.run(Fold::<true>::new(x, rows, fields, width, out));
}

/// The greatest where `MAX`, else the sum.
struct Fold<'a, const MAX: bool> {
    x: Rows<'a>,
    rows: usize,
    fields: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl<'a, const MAX: bool> Fold<'a, MAX> {
    fn new(x: Rows<'a>, rows: usize, fields: usize, width: usize, out: RowsMut<'a>) -> Self {
        assert!(fields > 0, "there is no field");
        x.check("x", rows, fields * width);
        out.check("out", rows, width);
        Self { x, rows, fields, width, out }
    }
}

impl<const MAX: bool> Kernel for Fold<'_, MAX> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (fields, width) = (self.fields, self.width);
        for r in 0..self.rows {
            let x = self.x.row(r, fields * width);
            for (c, to) in self.out.row(r, width).chunks_mut(16).enumerate() {
                let mut all = columns::<S, false>(s, &x[..width], 16 * c);
                for field in 1..fields {
                    let own = columns::<S, false>(s, &x[field * width..][..width], 16 * c);
                    all = if MAX { s.max(all, own) } else { s.add(all, own) };
                }
                match to.first_chunk_mut() {
                    Some(chunk) => s.store(chunk, all),
                    None => s.store_part(to, all),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits};

    type Kernel = fn(Isa, Rows<'_>, usize, usize, usize, RowsMut<'_>);
    type Pair = fn(f32, f32) -> f32;

    #[test]
    fn every_isa_takes_the_fields_in_their_order() {
        let mut random = Random::new(74);
        let kernels: [(&str, Kernel, Pair); 2] =
            [("sum", sum_fields, |sum, it| sum + it), ("max", max_fields, f32::max)];
        for (fields, width) in [(1, 5), (2, 16), (3, 1), (3, 17), (5, 33), (27, 64), (40, 15)] {
            let x = random.floats(3 * fields * width, 2.0);
            for (name, kernel, fold) in kernels {
                let mut expected = vec![0.0; 3 * width];
                for (at, all) in expected.iter_mut().enumerate() {
                    let field = |field: usize| x[at / width * fields * width + field * width + at % width];
                    *all = (1..fields).fold(field(0), |all, at| fold(all, field(at)));
                }
                for isa in Isa::available() {
                    let mut out = vec![9.0; 3 * width];
                    let x = Rows { values: &x, stride: fields * width };
                    kernel(isa, x, 3, fields, width, RowsMut::new(&mut out, width));
                    assert_bits(&out, &expected, &format!("{isa} {name} {fields}x{width}"));
                }
            }
        }
    }
}

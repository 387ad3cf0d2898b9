//! `out = x · gamma + beta` by column, fused: what is left of a batch normalization. Bound by memory.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Affine, Operand, Rows, RowsMut};

/// Writes `x · gamma + beta` to `out`, `rows` rows as wide as gamma; `x` may stand there already.
///
/// # Panics
///
/// If gamma and beta differ in length, or a buffer is too short for its shape.
pub fn affine(isa: Isa, x: Operand<Rows<'_>>, rows: usize, columns: Affine<'_>, out: RowsMut<'_>) {
    let width = columns.gamma.len();
    columns.check(width);
    x.check("x", rows, width);
    out.check("out", rows, width);
    isa.run(Scale { x, rows, columns, out });
}

struct Scale<'a> {
    x: Operand<Rows<'a>>,
    rows: usize,
    columns: Affine<'a>,
    out: RowsMut<'a>,
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let width = self.columns.gamma.len();
        for r in 0..self.rows {
            let out = self.out.row(r, width);
            self.x.bring(r, out);
            let (chunks, rest) = out.as_chunks_mut::<16>();
            for (c, chunk) in chunks.iter_mut().enumerate() {
                let y = self.columns.apply(s, s.load(chunk), 16 * c);
                s.store(chunk, y);
            }
            if !rest.is_empty() {
                let y = self.columns.apply(s, s.load_part(rest, 0.0), width - rest.len());
                s.store_part(rest, y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits};

    #[test]
    fn every_isa_scales_each_column_in_place_or_not() {
        let mut random = Random::new(73);
        for width in [1, 7, 15, 16, 17, 31, 33, 64] {
            let (x, gamma, beta) =
                (random.floats(3 * width, 2.0), random.floats(width, 2.0), random.floats(width, 2.0));
            let columns = Affine { gamma: &gamma, beta: &beta };
            let at = |(at, x): (usize, &f32)| x.mul_add(gamma[at % width], beta[at % width]);
            let expected: Vec<f32> = x.iter().enumerate().map(at).collect();
            for isa in Isa::available() {
                let mut out = vec![9.0; 3 * width];
                affine(isa, Rows { values: &x, stride: width }.into(), 3, columns, RowsMut::new(&mut out, width));
                assert_bits(&out, &expected, &format!("{isa} {width}"));
                out.copy_from_slice(&x);
                affine(isa, Operand::InPlace, 3, columns, RowsMut::new(&mut out, width));
                assert_bits(&out, &expected, &format!("in place: {isa} {width}"));
            }
        }
    }
}

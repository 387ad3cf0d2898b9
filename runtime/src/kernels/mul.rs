//! `out = x · y`, number by number or by one number a row: bound by memory, exact.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Operand, Rows, RowsMut};

/// Writes `x · y` to `out`, `rows` rows of `width`; `x` may stand there already. `y` has as many values a row, or, if `y_width` is 1,
/// one for all of a row.
///
/// # Panics
///
/// If a buffer is too short for its shape, or `y_width` is another.
pub fn mul(isa: Isa, x: Operand<Rows<'_>>, y: Rows<'_>, y_width: usize, rows: usize, width: usize, out: RowsMut<'_>) {
    assert!(y_width == width || y_width == 1, "y has {y_width} values a row of {width}");
    x.check("x", rows, width);
    y.check("y", rows, y_width);
    out.check("out", rows, width);
    isa.run(Mul { x, y, y_width, rows, width, out });
}

struct Mul<'a> {
    x: Operand<Rows<'a>>,
    y: Rows<'a>,
    y_width: usize,
    rows: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for Mul<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for r in 0..self.rows {
            let out = self.out.row(r, self.width);
            self.x.bring(r, out);
            let y = self.y.row(r, self.y_width);
            let (chunks, rest) = out.as_chunks_mut::<16>();
            if self.y_width == self.width {
                let (factors, last) = y.as_chunks::<16>();
                for (out, factor) in chunks.iter_mut().zip(factors) {
                    let product = s.mul(s.load(out), s.load(factor));
                    s.store(out, product);
                }
                let product = s.mul(s.load_part(rest, 0.0), s.load_part(last, 0.0));
                s.store_part(rest, product);
            } else {
                let factor = s.splat(y[0]);
                for out in chunks {
                    let product = s.mul(s.load(out), factor);
                    s.store(out, product);
                }
                let product = s.mul(s.load_part(rest, 0.0), factor);
                s.store_part(rest, product);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits};

    #[test]
    fn every_isa_multiplies_exactly_in_place_or_not() {
        let mut random = Random::new(72);
        for width in [1, 7, 15, 16, 17, 31, 33, 64] {
            for y_width in [1, width] {
                let (x, y) = (random.floats(3 * width, 2.0), random.floats(3 * y_width, 2.0));
                let factor = |at: usize| if y_width == 1 { y[at / width] } else { y[at] };
                let expected: Vec<f32> = x.iter().enumerate().map(|(at, x)| x * factor(at)).collect();
                for isa in Isa::available() {
                    let (rows, of) = (Rows { values: &x, stride: width }, Rows { values: &y, stride: y_width });
                    let mut out = vec![9.0; 3 * width];
                    mul(isa, rows.into(), of, y_width, 3, width, RowsMut::new(&mut out, width));
                    assert_bits(&out, &expected, &format!("{isa} {width} by {y_width}"));
                    out.copy_from_slice(&x);
                    mul(isa, Operand::InPlace, of, y_width, 3, width, RowsMut::new(&mut out, width));
                    assert_bits(&out, &expected, &format!("in place: {isa} {width} by {y_width}"));
                }
            }
        }
    }
}

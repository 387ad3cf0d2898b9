//! The dot product of each row with what stands beside it: a candidate with its user.
//!
//! Bound by memory. Sixteen chains of fused multiply-adds and the fixed tree, as [`dot_f32`](crate::kernels::dot_f32) has them.

use super::dot::dot;
use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Beside, Rows, RowsMut};

/// `out[m, 0] = Σ a[m] · b[m]`, over rows of `width`.
///
/// # Panics
///
/// If a buffer is too short for its shape.
pub fn row_dot(isa: Isa, a: Rows<'_>, b: Beside<'_>, rows: usize, width: usize, out: RowsMut<'_>) {
    a.check("a", rows, width);
    b.check("b", rows, width);
    out.check("out", rows, 1);
    isa.run(RowDot { a, b, rows, width, out });
}

struct RowDot<'a> {
    a: Rows<'a>,
    b: Beside<'a>,
    rows: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for RowDot<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for r in 0..self.rows {
            self.out.row(r, 1)[0] = dot(s, self.b.row(r, self.width), self.a.row(r, self.width));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::dot_f32;
    use crate::kernels::testing::{Random, assert_bits, close};

    #[test]
    fn every_isa_gives_the_bits_of_single_dot_products() {
        let mut random = Random::new(75);
        let of: &[u32] = &[1, 1, 0, 2, 2];
        for width in [1, 7, 15, 16, 17, 31, 33, 64, 128] {
            let (a, b) = (random.floats(5 * width, 1.0), random.floats(5 * width, 1.0));
            for of in [None, Some(of)] {
                let pair = |r: usize| {
                    let beside = of.map_or(r, |of| of[r] as usize);
                    (&a[r * width..][..width], &b[beside * width..][..width])
                };
                let expected: Vec<f32> = (0..5).map(|r| dot_f32(Isa::SCALAR, pair(r).0, pair(r).1)).collect();
                for isa in Isa::available() {
                    let mut out = vec![9.0; 5];
                    let (a, b) = (Rows { values: &a, stride: width }, Rows { values: &b, stride: width });
                    row_dot(isa, a, Beside { rows: b, of }, 5, width, RowsMut::new(&mut out, 1));
                    assert_bits(&out, &expected, &format!("{isa} {width} of {of:?}"));
                }
                let product =
                    |r: usize| pair(r).0.iter().zip(pair(r).1).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                let in_f64: Vec<f64> = (0..5).map(product).collect();
                close(&expected, &in_f64, 5e-6, &format!("{width}"));
            }
        }
    }
}

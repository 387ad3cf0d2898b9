//! Rows to unit length, as `torch.nn.functional.normalize` does it: `x / max(‖x‖, 1e-12)`.
//!
//! Bound by memory. The sum of squares takes sixteen lanes and the fixed tree; root and division are IEEE. A row whose
//! squares overflow f32 (values past 1e18) becomes 0, as there.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Operand, Rows, RowsMut};

/// The least length that is divided by.
const LEAST: f32 = 1e-12;

/// Writes `rows` rows of `width` values to `out`, where they may stand already, each at unit length.
///
/// # Panics
///
/// If a buffer is too short for that.
pub fn l2_normalize(isa: Isa, x: Operand<Rows<'_>>, rows: usize, width: usize, out: RowsMut<'_>) {
    x.check("x", rows, width);
    out.check("out", rows, width);
    isa.run(Normalize { x, rows, width, out });
}

struct Normalize<'a> {
    x: Operand<Rows<'a>>,
    rows: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for r in 0..self.rows {
            let out = self.out.row(r, self.width);
            self.x.bring(r, out);
            let (chunks, rest) = out.as_chunks_mut::<16>();
            let mut total = s.splat(0.0);
            for chunk in chunks.iter() {
                let x = s.load(chunk);
                total = s.fma(x, x, total);
            }
            let last = s.load_part(rest, 0.0);
            total = s.fma(last, last, total);
            let norm = s.sum(total).sqrt();
            let norm = s.splat(if norm < LEAST { LEAST } else { norm });
            for chunk in chunks {
                s.store(chunk, s.div(s.load(chunk), norm));
            }
            s.store_part(rest, s.div(last, norm));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};

    #[test]
    fn every_isa_normalizes_and_a_zero_row_stays_zero() {
        let mut random = Random::new(5);
        for width in [1, 7, 15, 16, 17, 31, 33, 64, 384] {
            let mut x = random.floats(4 * width, 2.0);
            x[..width].fill(0.0);
            x[width..2 * width].fill(1e-20);
            let run = |isa| {
                let mut y = vec![9.0; 4 * width];
                let to = RowsMut::new(&mut y, width);
                l2_normalize(isa, Rows { values: &x, stride: width }.into(), 4, width, to);
                y
            };
            let expected = run(Isa::SCALAR);
            for isa in Isa::available() {
                assert_bits(&run(isa), &expected, &format!("{isa} {width}"));
                let mut y = x.clone();
                l2_normalize(isa, Operand::InPlace, 4, width, RowsMut::new(&mut y, width));
                assert_bits(&y, &expected, &format!("in place: {isa} {width}"));
            }
            let in_f64: Vec<f64> = x
                .chunks(width)
                .flat_map(|row| {
                    // Squares of 1e-20 are denormal or zero in f32: that row is divided by the least length.
                    let squares: f64 = row.iter().map(|&x| f64::from(x * x)).sum();
                    row.iter().map(move |&x| f64::from(x) / squares.sqrt().max(1e-12))
                })
                .collect();
            close(&expected, &in_f64, 1e-6, &format!("{width}"));
        }
    }
}

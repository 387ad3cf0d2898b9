//! `out = x + y`, bound by memory, exact.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::Operand;

/// Writes `x + y` to `out`, where `x` may stand already.
///
/// # Panics
///
/// If their lengths differ.
pub fn add(isa: Isa, x: Operand<&[f32]>, y: &[f32], out: &mut [f32]) {
    x.check("x", out.len());
    assert_eq!(y.len(), out.len(), "y and out differ in length");
    isa.run(Add { x, y, out });
}

struct Add<'a> {
    x: Operand<&'a [f32]>,
    y: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (y, y_rest) = self.y.as_chunks::<16>();
        let (out, out_rest) = self.out.as_chunks_mut::<16>();
        let x_rest = match self.x {
            Operand::Apart(x) => {
                let (x, x_rest) = x.as_chunks::<16>();
                for ((x, y), out) in x.iter().zip(y).zip(out) {
                    s.store(out, s.add(s.load(x), s.load(y)));
                }
                s.load_part(x_rest, 0.0)
            }
            Operand::InPlace => {
                for (y, out) in y.iter().zip(out) {
                    s.store(out, s.add(s.load(out), s.load(y)));
                }
                s.load_part(out_rest, 0.0)
            }
        };
        s.store_part(out_rest, s.add(x_rest, s.load_part(y_rest, 0.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits};

    #[test]
    fn every_isa_adds_apart_and_in_place() {
        let mut random = Random::new(2);
        for width in [0, 1, 15, 16, 17, 33, 64] {
            let (x, y) = (random.floats(width, 3.0), random.floats(width, 1e-3));
            let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
            for isa in Isa::available() {
                let mut sum = vec![9.0; width];
                add(isa, Operand::Apart(&x), &y, &mut sum);
                assert_bits(&sum, &expected, &format!("{isa} {width}"));
                let mut sum = x.clone();
                add(isa, Operand::InPlace, &y, &mut sum);
                assert_bits(&sum, &expected, &format!("in place: {isa} {width}"));
            }
        }
    }
}

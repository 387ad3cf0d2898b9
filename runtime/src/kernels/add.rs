//! `x += y`, bound by memory, exact.

use crate::isa::{Isa, Kernel, Simd};

/// Adds `y` to `x`, in place.
///
/// # Panics
///
/// If their lengths differ.
pub fn add(isa: Isa, x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "x and y differ in length");
    isa.run(Add { x, y });
}

struct Add<'a> {
    x: &'a mut [f32],
    y: &'a [f32],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (x, x_rest) = self.x.as_chunks_mut::<16>();
        let (y, y_rest) = self.y.as_chunks::<16>();
        for (x, y) in x.iter_mut().zip(y) {
            let sum = s.add(s.load(x), s.load(y));
            s.store(x, sum);
        }
        for (x, y) in x_rest.iter_mut().zip(y_rest) {
            *x += y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits};

    #[test]
    fn every_isa_adds() {
        let mut random = Random::new(2);
        for width in [0, 1, 15, 16, 17, 33, 64] {
            let (x, y) = (random.floats(width, 3.0), random.floats(width, 1e-3));
            let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
            for isa in Isa::available() {
                let mut sum = x.clone();
                add(isa, &mut sum, &y);
                assert_bits(&sum, &expected, &format!("{isa} {width}"));
            }
        }
    }
}

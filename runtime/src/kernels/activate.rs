//! Activation functions, alone or at the end of a product.
//!
//! Bound by arithmetic. Exactness is that of `crate::numerics`.

use modeldeploy_format::program::Activation;

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::Operand;
use crate::numerics;

/// `out = activation(x)`, value by value; `x` may stand in `out` already.
///
/// # Panics
///
/// If their lengths differ.
pub fn activate(isa: Isa, activation: Activation, x: Operand<&[f32]>, out: &mut [f32]) {
    x.check("x", out.len());
    isa.run(Activate { activation, x, out });
}

/// The function of sixteen lanes. NaN stays NaN.
#[inline(always)]
pub(crate) fn apply<S: Simd>(s: S, activation: Activation, x: S::F) -> S::F {
    match activation {
        Activation::Identity => x,
        // The bound stands first: a NaN, second, is what max returns.
        Activation::Relu => s.max(s.splat(0.0), x),
        Activation::Gelu => numerics::gelu_erf(s, x),
        Activation::GeluTanh => numerics::gelu_tanh(s, x),
        Activation::Tanh => numerics::tanh(s, x),
        Activation::Sigmoid => numerics::sigmoid(s, x),
        Activation::Silu => numerics::silu(s, x),
    }
}

/// [`apply`] to values that come of 8-bit codes, whose own error is far above the `7e-5 · max(1, |x|)` of the GELU here.
#[inline(always)]
pub(crate) fn apply_to_codes<S: Simd>(s: S, activation: Activation, x: S::F) -> S::F {
    match activation {
        Activation::Gelu => numerics::gelu_erf_of_codes(s, x),
        _ => apply(s, activation, x),
    }
}

struct Activate<'a> {
    activation: Activation,
    x: Operand<&'a [f32]>,
    out: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (chunks, rest) = self.out.as_chunks_mut::<16>();
        let full = 16 * chunks.len();
        for (i, out) in chunks.iter_mut().enumerate() {
            self.x.bring(16 * i, out);
            s.store(out, apply(s, self.activation, s.load(out)));
        }
        if !rest.is_empty() {
            self.x.bring(full, rest);
            s.store_part(rest, apply(s, self.activation, s.load_part(rest, 0.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};

    fn in_f64(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::Identity => x,
            Activation::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())),
            Activation::GeluTanh => {
                0.5 * x * (1.0 + libm::tanh((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)))
            }
            Activation::Tanh => libm::tanh(x),
            Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Activation::Silu => x / (1.0 + libm::exp(-x)),
        }
    }

    #[test]
    fn every_isa_matches_the_reference_and_the_reference_f64() {
        let mut random = Random::new(1);
        for activation in Activation::ALL {
            for width in [1, 7, 15, 16, 17, 31, 33, 64, 385] {
                let mut x = random.floats(width, 6.0);
                x[0] = [0.0, -0.0, 1e-40, 60.0, -60.0, 1e30, -1e30, f32::NAN, 3.5][width % 9];
                let run = |isa| {
                    let mut y = vec![9.0; width];
                    activate(isa, activation, Operand::Apart(&x), &mut y);
                    y
                };
                let expected = run(Isa::SCALAR);
                for isa in Isa::available() {
                    assert_bits(&run(isa), &expected, &format!("{isa} {activation:?} {width}"));
                    let mut y = x.clone();
                    activate(isa, activation, Operand::InPlace, &mut y);
                    assert_bits(&y, &expected, &format!("in place: {isa} {activation:?} {width}"));
                }
                let f64s: Vec<f64> = x.iter().map(|&x| in_f64(activation, f64::from(x))).collect();
                close(&expected, &f64s, 5e-7, &format!("{activation:?} {width}"));
            }
        }
    }
}

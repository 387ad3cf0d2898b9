//! Activation functions, in place or at the end of a product.
//!
//! Bound by arithmetic. Exactness is that of `crate::numerics`.

use crate::isa::{Isa, Kernel, Simd};
use crate::numerics;

/// What is applied to each value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `x · Φ(x)` by the error function (PyTorch's `gelu`).
    GeluErf,
    /// `x · Φ(x)` by its approximation through tanh (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// `x / (1 + e^-x)`
    Silu,
}

impl Activation {
    /// The function of sixteen lanes.
    #[inline(always)]
    pub(crate) fn apply<S: Simd>(self, s: S, x: S::F) -> S::F {
        match self {
            Self::Identity => x,
            // The bound stands first: a NaN, second, is what max returns.
            Self::Relu => s.max(s.splat(0.0), x),
            Self::GeluErf => numerics::gelu_erf(s, x),
            Self::GeluTanh => numerics::gelu_tanh(s, x),
            Self::Tanh => numerics::tanh(s, x),
            Self::Sigmoid => numerics::sigmoid(s, x),
            Self::Silu => numerics::silu(s, x),
        }
    }
}

/// Applies `activation` to each value of `x`, in place.
pub fn activate(isa: Isa, activation: Activation, x: &mut [f32]) {
    isa.run(Activate { activation, x });
}

struct Activate<'a> {
    activation: Activation,
    x: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (chunks, rest) = self.x.as_chunks_mut::<16>();
        for chunk in chunks {
            let y = self.activation.apply(s, s.load(chunk));
            s.store(chunk, y);
        }
        if !rest.is_empty() {
            let y = self.activation.apply(s, s.load_part(rest, 0.0));
            s.store_part(rest, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};

    const ALL: [Activation; 7] = [
        Activation::Identity,
        Activation::Relu,
        Activation::GeluErf,
        Activation::GeluTanh,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
    ];

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
            Activation::GeluErf => 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())),
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
        for activation in ALL {
            for width in [1, 7, 15, 16, 17, 31, 33, 64, 385] {
                let mut x = random.floats(width, 6.0);
                x[0] = [0.0, -0.0, 1e-40, 60.0, -60.0, 1e30, -1e30, f32::NAN, 3.5][width % 9];
                let mut expected = x.clone();
                activate(Isa::SCALAR, activation, &mut expected);
                for isa in Isa::available() {
                    let mut y = x.clone();
                    activate(isa, activation, &mut y);
                    assert_bits(&y, &expected, &format!("{isa} {activation:?} {width}"));
                }
                let f64s: Vec<f64> = x.iter().map(|&x| in_f64(activation, f64::from(x))).collect();
                close(&expected, &f64s, 5e-7, &format!("{activation:?} {width}"));
            }
        }
    }
}

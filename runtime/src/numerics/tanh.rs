//! The hyperbolic tangent, and GELU by it.
//!
//! Under 0.625, x + x³·P(x²), P of degree 4 (error 4.1e-9); above, 1 - 2 / (e^2x + 1).

use super::{exp, polynomial};
use crate::isa::Simd;

const SMALL: f32 = 0.625;
const P: [f32; 5] = [-0.333_332_84, 0.133_314_92, -0.053_743_515, 0.020_650_634, -0.005_717_091_7];

/// The hyperbolic tangent within 1.5 ULP, odd to the bit; NaN for NaN.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let size = s.abs(x);
    let square = s.mul(x, x);
    let small = s.fma(s.mul(square, size), polynomial(s, square, &P), size);
    let large = s.sub(one, s.div(s.splat(2.0), s.add(one, exp(s, s.add(size, size)))));
    s.copysign(s.select(s.lt(size, s.splat(SMALL)), small, large), x)
}

/// `x · (1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2`, within `2e-7 · max(1, |x|)`.
#[inline(always)]
pub(crate) fn gelu_tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let cubic = s.mul(s.mul(x, x), s.mul(x, s.splat(0.044_715)));
    let inner = s.mul(s.add(x, cubic), s.splat(0.797_884_6));
    let half = s.mul(x, s.splat(0.5));
    s.fma(half, tanh(s, inner), half)
}

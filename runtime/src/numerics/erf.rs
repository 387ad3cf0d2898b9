//! The error function, and GELU by it.
//!
//! erf(x) = x·P(x²/h - 1) with h = 3.9375²/2, P of degree 15 (relative error 2.8e-8): one polynomial for all x up
//! to 3.9375, from where erf rounds to 1. In the centred variable its coefficients cancel nothing near 0.

use super::polynomial;
use crate::isa::Simd;

/// erf of this and more rounds to 1.
const END: f32 = 3.9375;
const P: [f32; 16] = [
    0.359_135_78,
    -0.179_325_39,
    0.133_555_2,
    -0.108_864_89,
    0.090_521_61,
    -0.074_200_13,
    0.058_812_037,
    -0.043_968_108,
    0.030_180_035,
    -0.020_485_148,
    0.014_780_516,
    -0.008_000_681,
    0.001_923_628_6,
    -0.001_443_863,
    0.002_264_893_4,
    -9.172_603e-4,
];

/// The error function within 5 ULP, odd to the bit, exactly 1 from 3.9375 on; NaN for NaN.
#[inline(always)]
pub(crate) fn erf<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    // The bound stands first: a NaN, second, is what min returns.
    let size = s.min(s.splat(END), s.abs(x));
    let centred = s.fma(s.mul(size, size), s.splat(2.0 / (END * END)), s.splat(-1.0));
    let y = s.mul(size, polynomial(s, centred, &P));
    let y = s.min(one, y);
    s.copysign(s.select(s.lt(size, s.splat(END)), y, s.select(s.lt(s.splat(0.0), size), one, size)), x)
}

/// Where Φ is taken for 1.
const CODES_END: f32 = 3.875;
/// Φ(x) - 1/2 is x·Q(2·x²/3.875² - 1): error 6.7e-5, divided by x under 1.
const Q: [f32; 7] =
    [0.181_369_86, -0.086_172_484, 0.055_490_773, -0.033_855_733, 0.021_227_947, -0.014_684_042, 0.005_659_334];

/// [`gelu_erf`] within `7e-5 · max(1, |x|)`, for values that come of 8-bit codes; a third of its work.
#[inline(always)]
pub(crate) fn gelu_erf_of_codes<S: Simd>(s: S, x: S::F) -> S::F {
    // The bounds stand first: a NaN, second, is what min and max return.
    let near = s.max(s.splat(-CODES_END), s.min(s.splat(CODES_END), x));
    let centred = s.fma(s.mul(near, near), s.splat(2.0 / (CODES_END * CODES_END)), s.splat(-1.0));
    s.mul(x, s.fma(near, polynomial(s, centred, &Q), s.splat(0.5)))
}

/// `x · (1 + erf(x / √2)) / 2`, within `2e-7 · max(1, |x|)`.
#[inline(always)]
pub(crate) fn gelu_erf<S: Simd>(s: S, x: S::F) -> S::F {
    let half = s.mul(x, s.splat(0.5));
    s.fma(half, erf(s, s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2))), half)
}

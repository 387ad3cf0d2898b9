//! `e^x`, and the logistic function that stands on it.
//!
//! x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r = 1 + r + r²·P(r), P of degree 4 (error 3.1e-9); then 2^n in two factors,
//! so that results under 2^-126 are rounded once more at most.

use super::polynomial;
use crate::isa::Simd;

/// ln 2 in two parts; the first has few enough bits that n times it is exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
const P: [f32; 5] = [0.499_999_94, 0.166_665_2, 0.041_668_393, 0.008_368_781, 0.001_381_446_7];
/// Adding 1.5·2^23 rounds a small f32 to a whole number, ties to even, and leaves it in the low bits.
const WHOLE: f32 = 12_582_912.0;

/// `e^x` within 1.1 ULP where the result is normal; 0 under -104, infinity over 88.73, NaN for NaN.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    // The bound stands first: a NaN, second, is what min and max return.
    let x = s.max(s.splat(-105.0), s.min(s.splat(90.0), x));
    let shifted = s.fma(x, s.splat(std::f32::consts::LOG2_E), s.splat(WHOLE));
    let n = s.sub(shifted, s.splat(WHOLE));
    let r = s.fma(n, s.splat(-LN_2[1]), s.fma(n, s.splat(-LN_2[0]), x));
    let y = s.fma(s.mul(r, r), polynomial(s, r, &P), r);
    let y = s.add(y, s.splat(1.0));
    let n = s.sub_int(s.bits(shifted), s.splat_int(WHOLE.to_bits() as i32));
    let half = s.shift_right::<1>(n);
    s.mul(s.mul(y, power_of_two(s, half)), power_of_two(s, s.sub_int(n, half)))
}

/// `2^n` for -126 ≤ n ≤ 127.
#[inline(always)]
fn power_of_two<S: Simd>(s: S, n: S::I) -> S::F {
    s.of_bits(s.shift_left::<23>(s.add_int(n, s.splat_int(127))))
}

/// `1 / (1 + e^-x)` within 2.6 ULP.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}

/// `x · sigmoid(x)` within 2.5 ULP; NaN at minus infinity, as in PyTorch.
#[inline(always)]
pub(crate) fn silu<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(x, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}

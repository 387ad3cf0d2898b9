//! Our own elementary functions, sixteen lanes at a time: the same bits on every CPU, whatever its libm.
//!
//! Coefficients were fitted by the Remez exchange in 40 digits; each bound stated here is held by a test that sweeps
//! the arguments against the `libm` crate in f64.

mod erf;
mod exp;
mod tanh;

pub(crate) use erf::{gelu_erf, gelu_erf_of_codes};
pub(crate) use exp::{exp, sigmoid, silu};
pub(crate) use tanh::{gelu_tanh, tanh};

use crate::isa::Simd;

/// `c[0] + c[1]·x + c[2]·x² + …`, by Horner's rule, each step fused.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, x: S::F, coefficients: &[f32; N]) -> S::F {
    let mut y = s.splat(coefficients[N - 1]);
    for i in (0..N - 1).rev() {
        y = s.fma(y, x, s.splat(coefficients[i]));
    }
    y
}

#[cfg(test)]
mod tests;

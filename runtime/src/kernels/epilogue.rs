//! What follows a product while its values are still in registers: bias, activation, residual, in that order.

use modeldeploy_format::program::Activation;

use crate::isa::Simd;
use crate::kernels::{Operand, Rows};

/// The end of a dense layer: `activation(x · w + bias) + residual`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a> {
    /// One value a column, added before the activation; absent is 0.
    pub bias: Option<&'a [f32]>,
    /// Applied to each value.
    pub activation: Activation,
    /// Rows like the output's, added after the activation; they may stand in the output where the activation is the identity.
    pub residual: Option<Operand<Rows<'a>>>,
}

impl Default for Epilogue<'_> {
    fn default() -> Self {
        Self { bias: None, activation: Activation::Identity, residual: None }
    }
}

impl Epilogue<'_> {
    /// # Panics
    ///
    /// If the bias is not `n` values, the residual not `rows` rows of `n`, or in place where what is activated is to stand.
    pub(crate) fn check(&self, rows: usize, n: usize) {
        assert!(self.bias.is_none_or(|bias| bias.len() == n), "the bias is not one value a column");
        if let Some(residual) = self.residual {
            residual.check("residual", rows, n);
            let identity = self.activation == Activation::Identity;
            assert!(
                identity || matches!(residual, Operand::Apart(_)),
                "what is activated is written over the residual"
            );
        }
    }

    /// The bias of the sixteen columns from `column` on, all of them there if `FULL`.
    #[inline(always)]
    pub(crate) fn bias_at<S: Simd, const FULL: bool>(&self, s: S, column: usize, n: usize) -> S::F {
        match self.bias {
            Some(bias) => columns::<S, FULL>(s, &bias[..n], column),
            None => s.splat(0.0),
        }
    }
}

/// Sixteen values from `column` on, 0 past the end, which is not met if `FULL`.
#[inline(always)]
pub(crate) fn columns<S: Simd, const FULL: bool>(s: S, values: &[f32], column: usize) -> S::F {
    let rest = &values[column..];
    match rest.first_chunk() {
        Some(chunk) => s.load(chunk),
        None if FULL => unreachable!("a full panel has sixteen columns"),
        None => s.load_part(rest, 0.0),
    }
}

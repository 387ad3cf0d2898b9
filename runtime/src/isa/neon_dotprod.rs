//! NEON with the dot product of signed bytes: Neoverse N1, Cortex-A76, Apple's A13 and later.
//!
//! Both factors are signed, so codes are taken as `code - 128`, and `Σ code · w = Σ (code - 128) · w + 128 · Σ w` exactly.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::{aarch64::*, asm, is_aarch64_feature_detected};

use super::neon::{Dot, Neon, isa};
use super::simd::Kernel;

/// Proof that this CPU has NEON's dot product of signed bytes. Only detection makes one.
#[derive(Clone, Copy, Debug)]
pub struct DotProd(());

/// NEON with the dot product of signed bytes.
pub type NeonDotProd = Neon<DotProd>;

impl NeonDotProd {
    pub(super) fn detect() -> Option<Self> {
        let has = is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("dotprod");
        has.then_some(Neon(DotProd(())))
    }
}

impl Dot for DotProd {
    const OFFSET: i32 = 128;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "neon,dotprod")]
        #[inline(never)]
        fn body<K: Kernel>(s: NeonDotProd, kernel: K) -> K::Output {
            kernel.run(s)
        }
        isa!(body(Neon(self), kernel))
    }

    #[inline(always)]
    fn codes(self, codes: int8x16_t) -> int8x16_t {
        let offset = isa!(vdupq_n_s8(i8::MIN));
        isa!(veorq_s8(codes, offset))
    }

    #[inline(always)]
    fn dot(self, mut total: int32x4_t, codes: int8x16_t, weights: int8x16_t) -> int32x4_t {
        // The compiler's `vdotq_s32` is not stable.
        // SAFETY: the token proves the instruction, which touches these registers alone.
        unsafe {
            asm!(
                ".arch_extension dotprod",
                "sdot {total:v}.4s, {codes:v}.16b, {weights:v}.16b",
                total = inout(vreg) total,
                codes = in(vreg) codes,
                weights = in(vreg) weights,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        total
    }
}

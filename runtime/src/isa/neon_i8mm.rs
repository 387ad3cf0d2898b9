//! NEON with the dot product of unsigned and signed bytes, of the int8 matrix extension: Neoverse V1 and N2, Apple's M2 and later.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::{aarch64::*, asm, is_aarch64_feature_detected};

use super::neon::{Dot, Neon, isa};
use super::simd::Kernel;

/// Proof that this CPU has NEON's int8 matrix extension. Only detection makes one.
#[derive(Clone, Copy, Debug)]
pub struct I8mm(());

/// NEON with the int8 matrix extension.
pub type NeonI8mm = Neon<I8mm>;

impl NeonI8mm {
    pub(super) fn detect() -> Option<Self> {
        let has = is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("i8mm");
        has.then_some(Neon(I8mm(())))
    }
}

impl Dot for I8mm {
    const OFFSET: i32 = 0;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "neon,i8mm")]
        #[inline(never)]
        fn body<K: Kernel>(s: NeonI8mm, kernel: K) -> K::Output {
            kernel.run(s)
        }
        isa!(body(Neon(self), kernel))
    }

    #[inline(always)]
    fn codes(self, codes: int8x16_t) -> int8x16_t {
        codes
    }

    #[inline(always)]
    fn dot(self, mut total: int32x4_t, codes: int8x16_t, weights: int8x16_t) -> int32x4_t {
        // The compiler's `vusdotq_s32` is not stable.
        // SAFETY: the token proves the instruction, which touches these registers alone.
        unsafe {
            asm!(
                ".arch_extension i8mm",
                "usdot {total:v}.4s, {codes:v}.16b, {weights:v}.16b",
                total = inout(vreg) total,
                codes = in(vreg) codes,
                weights = in(vreg) weights,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        total
    }
}

//! AVX2 with the four int8 products a lane of AVX-VNNI: Alder Lake, Sierra Forest, Zen 5 and later.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::x86_64::*;

use super::avx2::{Avx2, Dot, isa};
use super::simd::Kernel;

/// Proof that this CPU has AVX-VNNI, and AVX2, FMA and F16C. Only detection makes one.
#[derive(Clone, Copy, Debug)]
pub struct Vnni(());

/// AVX2 with AVX-VNNI.
pub type AvxVnni = Avx2<Vnni>;

impl AvxVnni {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avxvnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        has.then_some(Avx2(Vnni(())))
    }
}

impl Dot for Vnni {
    type Weights = __m256i;

    const OFFSET: i32 = 0;
    // Twelve registers of sums keep both units that multiply busy, beside two of weights and one of codes: of five shapes
    // tried in a bare loop, 5 and 6 rows were the fastest.
    const ROWS: usize = 6;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,f16c,avxvnni")]
        #[inline(never)]
        fn body<K: Kernel>(s: AvxVnni, kernel: K) -> K::Output {
            kernel.run(s)
        }
        isa!(body(Avx2(self), kernel))
    }

    #[inline(always)]
    fn weights(self, weights: __m256i) -> __m256i {
        weights
    }

    #[inline(always)]
    fn dot(self, total: __m256i, codes: __m256i, weights: __m256i) -> __m256i {
        isa!(_mm256_dpbusd_avx_epi32(total, codes, weights))
    }
}

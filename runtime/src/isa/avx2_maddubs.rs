//! AVX2 alone: every x86-64 server since 2015.
//!
//! `maddubs` multiplies unsigned by signed bytes and adds them in pairs, which saturate at i16. So a weight is split into |w|
//! and a sign that is given to `q = code - 128`, by flipping its bits: `!q` is `-q - 1`. Pairs stay within 2·127·128 = 32,512, and
//! exactly `Σ code · w = Σ |w| · (w < 0 ? !q : q) + Σ (w < 0 ? |w| : 0) + 128 · Σ w`, of which the second is the weights' debt.
//! Bits are flipped by more units of a core than change signs, which those do that multiply, so that it costs less.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::x86_64::*;

use super::avx2::{Avx2, Dot, isa};
use super::simd::Kernel;

/// Proof that this CPU has AVX2, FMA and F16C. Only detection makes one.
#[derive(Clone, Copy, Debug)]
pub struct Maddubs(());

/// AVX2, which multiplies bytes by `maddubs`.
pub type Avx2Maddubs = Avx2<Maddubs>;

impl Avx2Maddubs {
    pub(super) fn detect() -> Option<Self> {
        let has =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        has.then_some(Avx2(Maddubs(())))
    }
}

/// Four weights for each of eight lanes.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    size: __m256i,
    /// What makes of a code `q` or, where the weight is below 0, `!q`.
    flip: __m256i,
}

impl Dot for Maddubs {
    type Weights = Weights;

    const OFFSET: i32 = 128;
    const DEBTS: bool = true;
    // Eight registers of sums; what the weights became takes the rest.
    const ROWS: usize = 4;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,f16c")]
        #[inline(never)]
        fn body<K: Kernel>(s: Avx2Maddubs, kernel: K) -> K::Output {
            kernel.run(s)
        }
        isa!(body(Avx2(self), kernel))
    }

    #[inline(always)]
    fn weights(self, weights: __m256i) -> Weights {
        let (zero, offset) = (isa!(_mm256_setzero_si256()), isa!(_mm256_set1_epi8(i8::MIN)));
        let below = isa!(_mm256_cmpgt_epi8(zero, weights));
        Weights { size: isa!(_mm256_abs_epi8(weights)), flip: isa!(_mm256_xor_si256(below, offset)) }
    }

    #[inline(always)]
    fn dot(self, total: __m256i, codes: __m256i, weights: Weights) -> __m256i {
        let flipped = isa!(_mm256_xor_si256(codes, weights.flip));
        isa!(_mm256_add_epi32(total, products(weights.size, flipped)))
    }

    #[inline(always)]
    fn debt(self, debt: __m256i, weights: Weights) -> __m256i {
        let offset = isa!(_mm256_set1_epi8(i8::MIN));
        let below = isa!(_mm256_xor_si256(weights.flip, offset));
        isa!(_mm256_sub_epi32(debt, products(weights.size, below)))
    }

    #[inline(always)]
    fn keep(self, weights: Weights) -> [__m256i; 2] {
        [weights.size, weights.flip]
    }

    #[inline(always)]
    fn kept(self, [size, flip]: [__m256i; 2]) -> Weights {
        Weights { size, flip }
    }
}

/// Each lane's four products.
#[inline(always)]
fn products(unsigned: __m256i, signed: __m256i) -> __m256i {
    let pairs = isa!(_mm256_maddubs_epi16(unsigned, signed));
    let ones = isa!(_mm256_set1_epi16(1));
    isa!(_mm256_madd_epi16(pairs, ones))
}

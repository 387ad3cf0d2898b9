//! AVX2 with FMA: sixteen lanes in two registers.
//!
//! The int8 product multiplies unsigned by signed bytes with `maddubs`, whose pairs saturate at i16. So a weight is split into |w|
//! and a sign that is given to `q = code - 128`, by flipping its bits: `!q` is `-q - 1`. Pairs stay within 2·127·128 = 32,512, and
//! exactly `Σ code · w = Σ |w| · (w < 0 ? !q : q) + Σ (w < 0 ? |w| : 0) + 128 · Σ w`, of which the second is the weights' debt.
//! Flipping is done by four units of a core where changing a sign is done by the two that multiply, so that it costs less.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::x86_64::*;

use super::simd::{Kernel, Simd, Tiles};

/// Proof that this CPU has AVX2, FMA and F16C. Only detection makes one.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let has =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        has.then_some(Self(()))
    }
}

/// Four weights for each lane, the halves of it apart.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    size: [__m256i; 2],
    /// All bits of the weights below 0.
    below: [__m256i; 2],
    /// What makes of a code `q` or, where the weight is below 0, `!q`.
    flip: [__m256i; 2],
}

/// One instruction.
macro_rules! isa {
    ($call:expr) => {
        // SAFETY: the token proves the instruction; what memory it touches is a reference's, of the instruction's width.
        unsafe { $call }
    };
}

/// One instruction on each half.
macro_rules! halves {
    ($call:ident($($arg:expr),*)) => {
        [isa!($call($($arg[0]),*)), isa!($call($($arg[1]),*))]
    };
}

/// The halves of sixteen values.
macro_rules! split {
    ($src:expr) => {
        [$src.as_ptr(), $src[8..].as_ptr()]
    };
}

impl Simd for Avx2 {
    type F = [__m256; 2];
    type I = [__m256i; 2];
    type M = [__m256; 2];
    type Codes = __m256i;
    type Weights = Weights;

    const TILES: Tiles = Tiles::Narrow;
    const DEBTS: bool = true;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,f16c")]
        #[inline(never)]
        fn body<K: Kernel>(s: Avx2, kernel: K) -> K::Output {
            kernel.run(s)
        }
        isa!(body(self, kernel))
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [isa!(_mm256_set1_ps(value)); 2]
    }

    #[inline(always)]
    fn splat_int(self, value: i32) -> Self::I {
        [isa!(_mm256_set1_epi32(value)); 2]
    }

    #[inline(always)]
    fn load(self, src: &[f32; 16]) -> Self::F {
        halves!(_mm256_loadu_ps(split!(src)))
    }

    #[inline(always)]
    fn load_int(self, src: &[i32; 16]) -> Self::I {
        let [low, high] = split!(src);
        [isa!(_mm256_loadu_si256(low.cast())), isa!(_mm256_loadu_si256(high.cast()))]
    }

    #[inline(always)]
    fn load_bf16(self, src: &[u16; 16]) -> Self::F {
        let [low, high] = split!(src);
        let bits = [isa!(_mm_loadu_si128(low.cast())), isa!(_mm_loadu_si128(high.cast()))];
        self.of_bits(self.shift_left::<16>(halves!(_mm256_cvtepu16_epi32(bits))))
    }

    #[inline(always)]
    fn load_i8(self, src: &[i8; 16]) -> Self::F {
        let [low, high] = split!(src);
        let codes = [isa!(_mm_loadl_epi64(low.cast())), isa!(_mm_loadl_epi64(high.cast()))];
        self.int_to_f32(halves!(_mm256_cvtepi8_epi32(codes)))
    }

    #[inline(always)]
    fn store(self, dst: &mut [f32; 16], v: Self::F) {
        let (low, high) = dst.split_at_mut(8);
        isa!(_mm256_storeu_ps(low.as_mut_ptr(), v[0]));
        isa!(_mm256_storeu_ps(high.as_mut_ptr(), v[1]));
    }

    #[inline(always)]
    fn store_int(self, dst: &mut [i32; 16], v: Self::I) {
        let (low, high) = dst.split_at_mut(8);
        isa!(_mm256_storeu_si256(low.as_mut_ptr().cast(), v[0]));
        isa!(_mm256_storeu_si256(high.as_mut_ptr().cast(), v[1]));
    }

    #[inline(always)]
    fn store_u8(self, dst: &mut [u8; 16], v: Self::I) {
        let [low, high] = self.and(v, self.splat_int(255));
        // Packs within each 128-bit half: words 0..4, 8..12, 4..8, 12..16.
        let words = isa!(_mm256_packus_epi32(low, high));
        let words = isa!(_mm256_permute4x64_epi64::<0b11_01_10_00>(words));
        let upper = isa!(_mm256_extracti128_si256::<1>(words));
        let lower = isa!(_mm256_castsi256_si128(words));
        let bytes = isa!(_mm_packus_epi16(lower, upper));
        isa!(_mm_storeu_si128(dst.as_mut_ptr().cast(), bytes));
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        halves!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        halves!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        halves!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        halves!(_mm256_div_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        halves!(_mm256_min_ps(a, b))
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        halves!(_mm256_max_ps(a, b))
    }

    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        halves!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        halves!(_mm256_sqrt_ps(a))
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        [isa!(_mm256_round_ps::<NEAREST>(a[0])), isa!(_mm256_round_ps::<NEAREST>(a[1]))]
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        [isa!(_mm256_cmp_ps::<_CMP_LT_OQ>(a[0], b[0])), isa!(_mm256_cmp_ps::<_CMP_LT_OQ>(a[1], b[1]))]
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        halves!(_mm256_blendv_ps(no, yes, mask))
    }

    #[inline(always)]
    fn round_to_int(self, a: Self::F) -> Self::I {
        halves!(_mm256_cvtps_epi32(a))
    }

    #[inline(always)]
    fn int_to_f32(self, a: Self::I) -> Self::F {
        halves!(_mm256_cvtepi32_ps(a))
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        halves!(_mm256_castps_si256(a))
    }

    #[inline(always)]
    fn of_bits(self, a: Self::I) -> Self::F {
        halves!(_mm256_castsi256_ps(a))
    }

    #[inline(always)]
    fn add_int(self, a: Self::I, b: Self::I) -> Self::I {
        halves!(_mm256_add_epi32(a, b))
    }

    #[inline(always)]
    fn sub_int(self, a: Self::I, b: Self::I) -> Self::I {
        halves!(_mm256_sub_epi32(a, b))
    }

    #[inline(always)]
    fn mul_int(self, a: Self::I, b: Self::I) -> Self::I {
        halves!(_mm256_mullo_epi32(a, b))
    }

    #[inline(always)]
    fn min_int(self, a: Self::I, b: Self::I) -> Self::I {
        halves!(_mm256_min_epi32(a, b))
    }

    #[inline(always)]
    fn max_int(self, a: Self::I, b: Self::I) -> Self::I {
        halves!(_mm256_max_epi32(a, b))
    }

    #[inline(always)]
    fn and(self, a: Self::I, b: Self::I) -> Self::I {
        halves!(_mm256_and_si256(a, b))
    }

    #[inline(always)]
    fn or(self, a: Self::I, b: Self::I) -> Self::I {
        halves!(_mm256_or_si256(a, b))
    }

    #[inline(always)]
    fn shift_left<const N: u32>(self, a: Self::I) -> Self::I {
        let count = isa!(_mm_cvtsi32_si128(N as i32));
        [isa!(_mm256_sll_epi32(a[0], count)), isa!(_mm256_sll_epi32(a[1], count))]
    }

    #[inline(always)]
    fn shift_right<const N: u32>(self, a: Self::I) -> Self::I {
        let count = isa!(_mm_cvtsi32_si128(N as i32));
        [isa!(_mm256_sra_epi32(a[0], count)), isa!(_mm256_sra_epi32(a[1], count))]
    }

    #[inline(always)]
    fn codes(self, codes: [u8; 4]) -> __m256i {
        isa!(_mm256_set1_epi32(i32::from_le_bytes(codes)))
    }

    #[inline(always)]
    fn weights(self, weights: &[i8; 64]) -> Weights {
        let (low, high) = weights.split_at(32);
        let weights = [isa!(_mm256_loadu_si256(low.as_ptr().cast())), isa!(_mm256_loadu_si256(high.as_ptr().cast()))];
        let (zero, offset) = ([isa!(_mm256_setzero_si256()); 2], [isa!(_mm256_set1_epi8(i8::MIN)); 2]);
        let below = halves!(_mm256_cmpgt_epi8(zero, weights));
        Weights { size: halves!(_mm256_abs_epi8(weights)), below, flip: halves!(_mm256_xor_si256(below, offset)) }
    }

    #[inline(always)]
    fn dot(self, total: Self::I, codes: __m256i, weights: Weights) -> Self::I {
        let codes = [codes; 2];
        let flipped = halves!(_mm256_xor_si256(codes, weights.flip));
        self.add_int(total, products(weights.size, flipped))
    }

    #[inline(always)]
    fn debt(self, debt: Self::I, weights: Weights) -> Self::I {
        self.sub_int(debt, products(weights.size, weights.below))
    }

    #[inline(always)]
    fn dot_total(self, total: Self::I, weight_sums: Self::I) -> Self::I {
        self.add_int(total, self.shift_left::<7>(weight_sums))
    }

    #[inline(always)]
    fn prefetch<T>(self, src: &[T], at: usize) {
        isa!(_mm_prefetch::<_MM_HINT_T1>(src.as_ptr().wrapping_add(at).cast()));
    }
}

/// Each lane's four products.
#[inline(always)]
fn products(unsigned: [__m256i; 2], signed: [__m256i; 2]) -> [__m256i; 2] {
    let pairs = halves!(_mm256_maddubs_epi16(unsigned, signed));
    let ones = [isa!(_mm256_set1_epi16(1)); 2];
    halves!(_mm256_madd_epi16(pairs, ones))
}

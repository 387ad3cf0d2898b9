//! AVX-512 with VNNI: sixteen lanes in one register, four int8 products a lane in one instruction.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::x86_64::*;

use super::amx::Matrix;
use super::avx2::nibbles;
use super::simd::{Kernel, Simd, Tiles};

/// Proof that this CPU has AVX-512 F, BW, VL, DQ and VNNI, and AVX2, FMA and F16C. Only detection makes one.
#[derive(Clone, Copy, Debug)]
pub struct Avx512Vnni {
    /// What stands beside the vectors.
    matrix: Option<Matrix>,
}

impl Avx512Vnni {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        has.then_some(Self { matrix: None })
    }

    /// The same where AMX is there too.
    pub(super) fn detect_with_matrix() -> Option<Self> {
        Self::detect().and_then(|_| Matrix::detect()).map(|matrix| Self { matrix: Some(matrix) })
    }
}

/// One instruction.
macro_rules! isa {
    ($call:expr) => {
        // SAFETY: the token proves the instruction; what memory it touches is a reference's, of the instruction's width.
        unsafe { $call }
    };
}

impl Simd for Avx512Vnni {
    type F = __m512;
    type I = __m512i;
    type M = __mmask16;
    type Codes = __m512i;
    type Weights = __m512i;

    const TILES: Tiles = Tiles::Wide;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
        #[inline(never)]
        fn body<K: Kernel>(s: Avx512Vnni, kernel: K) -> K::Output {
            kernel.run(s)
        }
        isa!(body(self, kernel))
    }

    #[inline(always)]
    fn matrix(self) -> Option<Matrix> {
        self.matrix
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        isa!(_mm512_set1_ps(value))
    }

    #[inline(always)]
    fn splat_int(self, value: i32) -> __m512i {
        isa!(_mm512_set1_epi32(value))
    }

    #[inline(always)]
    fn load(self, src: &[f32; 16]) -> __m512 {
        isa!(_mm512_loadu_ps(src.as_ptr()))
    }

    #[inline(always)]
    fn load_int(self, src: &[i32; 16]) -> __m512i {
        isa!(_mm512_loadu_si512(src.as_ptr().cast()))
    }

    #[inline(always)]
    fn load_bf16(self, src: &[u16; 16]) -> __m512 {
        let bits = isa!(_mm256_loadu_si256(src.as_ptr().cast()));
        let wide = isa!(_mm512_cvtepu16_epi32(bits));
        self.of_bits(self.shift_left::<16>(wide))
    }

    #[inline(always)]
    fn load_i8(self, src: &[i8; 16]) -> __m512 {
        let codes = isa!(_mm_loadu_si128(src.as_ptr().cast()));
        self.int_to_f32(isa!(_mm512_cvtepi8_epi32(codes)))
    }

    #[inline(always)]
    fn load_u4(self, src: &[u8; 8]) -> __m512 {
        self.int_to_f32(isa!(_mm512_cvtepu8_epi32(nibbles(src))))
    }

    #[inline(always)]
    fn store(self, dst: &mut [f32; 16], v: __m512) {
        isa!(_mm512_storeu_ps(dst.as_mut_ptr(), v));
    }

    #[inline(always)]
    fn store_int(self, dst: &mut [i32; 16], v: __m512i) {
        isa!(_mm512_storeu_si512(dst.as_mut_ptr().cast(), v));
    }

    #[inline(always)]
    fn store_u8(self, dst: &mut [u8; 16], v: __m512i) {
        let bytes = isa!(_mm512_cvtepi32_epi8(v));
        isa!(_mm_storeu_si128(dst.as_mut_ptr().cast(), bytes));
    }

    #[inline(always)]
    fn load_part(self, src: &[f32], fill: f32) -> __m512 {
        let mask = lanes(src.len());
        isa!(_mm512_mask_loadu_ps(self.splat(fill), mask, src.as_ptr()))
    }

    #[inline(always)]
    fn store_part(self, dst: &mut [f32], v: __m512) {
        let mask = lanes(dst.len());
        isa!(_mm512_mask_storeu_ps(dst.as_mut_ptr(), mask, v));
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        isa!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        isa!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        isa!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        isa!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        isa!(_mm512_min_ps(a, b))
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        isa!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        isa!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        isa!(_mm512_sqrt_ps(a))
    }

    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        isa!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }

    #[inline(always)]
    fn lt(self, a: __m512, b: __m512) -> __mmask16 {
        isa!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }

    #[inline(always)]
    fn select(self, mask: __mmask16, yes: __m512, no: __m512) -> __m512 {
        isa!(_mm512_mask_blend_ps(mask, no, yes))
    }

    #[inline(always)]
    fn round_to_int(self, a: __m512) -> __m512i {
        isa!(_mm512_cvtps_epi32(a))
    }

    #[inline(always)]
    fn int_to_f32(self, a: __m512i) -> __m512 {
        isa!(_mm512_cvtepi32_ps(a))
    }

    #[inline(always)]
    fn bits(self, a: __m512) -> __m512i {
        isa!(_mm512_castps_si512(a))
    }

    #[inline(always)]
    fn of_bits(self, a: __m512i) -> __m512 {
        isa!(_mm512_castsi512_ps(a))
    }

    #[inline(always)]
    fn add_int(self, a: __m512i, b: __m512i) -> __m512i {
        isa!(_mm512_add_epi32(a, b))
    }

    #[inline(always)]
    fn sub_int(self, a: __m512i, b: __m512i) -> __m512i {
        isa!(_mm512_sub_epi32(a, b))
    }

    #[inline(always)]
    fn mul_int(self, a: __m512i, b: __m512i) -> __m512i {
        isa!(_mm512_mullo_epi32(a, b))
    }

    #[inline(always)]
    fn min_int(self, a: __m512i, b: __m512i) -> __m512i {
        isa!(_mm512_min_epi32(a, b))
    }

    #[inline(always)]
    fn max_int(self, a: __m512i, b: __m512i) -> __m512i {
        isa!(_mm512_max_epi32(a, b))
    }

    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        isa!(_mm512_and_si512(a, b))
    }

    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        isa!(_mm512_or_si512(a, b))
    }

    #[inline(always)]
    fn shift_left<const N: u32>(self, a: __m512i) -> __m512i {
        isa!(_mm512_slli_epi32::<N>(a))
    }

    #[inline(always)]
    fn shift_right<const N: u32>(self, a: __m512i) -> __m512i {
        isa!(_mm512_srai_epi32::<N>(a))
    }

    #[inline(always)]
    fn codes(self, codes: [u8; 4]) -> __m512i {
        self.splat_int(i32::from_le_bytes(codes))
    }

    #[inline(always)]
    fn weights(self, weights: &[i8; 64]) -> __m512i {
        isa!(_mm512_loadu_si512(weights.as_ptr().cast()))
    }

    #[inline(always)]
    fn dot(self, total: __m512i, codes: __m512i, weights: __m512i) -> __m512i {
        isa!(_mm512_dpbusd_epi32(total, codes, weights))
    }

    #[inline(always)]
    fn dot_total(self, total: __m512i, _weight_sums: __m512i) -> __m512i {
        total
    }

    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        let [low, high] = halves(v);
        let [low, high] = quarters(isa!(_mm256_add_ps(low, high)));
        let four = isa!(_mm_add_ps(low, high));
        let upper = isa!(_mm_movehl_ps(four, four));
        let two = isa!(_mm_add_ps(four, upper));
        let second = isa!(_mm_movehdup_ps(two));
        let one = isa!(_mm_add_ss(two, second));
        isa!(_mm_cvtss_f32(one))
    }

    #[inline(always)]
    fn sums(self, v: [__m512; 16]) -> __m512 {
        let a = two_by_two(four(v[0], v[4], v[8], v[12]), four(v[1], v[5], v[9], v[13]));
        let b = two_by_two(four(v[2], v[6], v[10], v[14]), four(v[3], v[7], v[11], v[15]));
        let even = isa!(_mm512_shuffle_ps::<0x88>(a, b));
        let odd = isa!(_mm512_shuffle_ps::<0xdd>(a, b));
        isa!(_mm512_add_ps(even, odd))
    }

    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        let [low, high] = halves(v);
        let [low, high] = quarters(isa!(_mm256_max_ps(low, high)));
        let four = isa!(_mm_max_ps(low, high));
        let upper = isa!(_mm_movehl_ps(four, four));
        let two = isa!(_mm_max_ps(four, upper));
        let second = isa!(_mm_movehdup_ps(two));
        let one = isa!(_mm_max_ss(two, second));
        isa!(_mm_cvtss_f32(one))
    }

    #[inline(always)]
    fn smallest(self, v: __m512) -> f32 {
        let [low, high] = halves(v);
        let [low, high] = quarters(isa!(_mm256_min_ps(low, high)));
        let four = isa!(_mm_min_ps(low, high));
        let upper = isa!(_mm_movehl_ps(four, four));
        let two = isa!(_mm_min_ps(four, upper));
        let second = isa!(_mm_movehdup_ps(two));
        let one = isa!(_mm_min_ss(two, second));
        isa!(_mm_cvtss_f32(one))
    }

    #[inline(always)]
    fn prefetch<T>(self, src: &[T], at: usize) {
        isa!(_mm_prefetch::<_MM_HINT_T1>(src.as_ptr().wrapping_add(at).cast()));
    }

    #[inline(always)]
    fn prefetch_near<T>(self, src: &[T], at: usize) {
        isa!(_mm_prefetch::<_MM_HINT_T0>(src.as_ptr().wrapping_add(at).cast()));
    }
}

/// Lanes 0 to 7 and 8 to 15.
#[inline(always)]
fn halves(v: __m512) -> [__m256; 2] {
    [isa!(_mm512_castps512_ps256(v)), isa!(_mm512_extractf32x8_ps::<1>(v))]
}

/// Lanes 0 to 3 and 4 to 7.
#[inline(always)]
fn quarters(v: __m256) -> [__m128; 2] {
    [isa!(_mm256_castps256_ps128(v)), isa!(_mm256_extractf128_ps::<1>(v))]
}

/// Lane i with lane i + 8 of two vectors, side by side.
#[inline(always)]
fn two(a: __m512, b: __m512) -> __m512 {
    let low = isa!(_mm512_shuffle_f32x4::<0x44>(a, b));
    let high = isa!(_mm512_shuffle_f32x4::<0xee>(a, b));
    isa!(_mm512_add_ps(low, high))
}

/// Then lane i with lane i + 4, of four vectors.
#[inline(always)]
fn four(a: __m512, b: __m512, c: __m512, d: __m512) -> __m512 {
    let (a, b) = (two(a, b), two(c, d));
    let low = isa!(_mm512_shuffle_f32x4::<0x88>(a, b));
    let high = isa!(_mm512_shuffle_f32x4::<0xdd>(a, b));
    isa!(_mm512_add_ps(low, high))
}

/// Then lane i with lane i + 2: two lanes are left of each.
#[inline(always)]
fn two_by_two(a: __m512, b: __m512) -> __m512 {
    let (a, b) = (isa!(_mm512_castps_pd(a)), isa!(_mm512_castps_pd(b)));
    let (low, high) = (isa!(_mm512_unpacklo_pd(a, b)), isa!(_mm512_unpackhi_pd(a, b)));
    let (low, high) = (isa!(_mm512_castpd_ps(low)), isa!(_mm512_castpd_ps(high)));
    isa!(_mm512_add_ps(low, high))
}

/// The first `count` lanes.
#[inline(always)]
fn lanes(count: usize) -> __mmask16 {
    assert!(count <= 16, "more values than lanes");
    ((1u32 << count) - 1) as __mmask16
}

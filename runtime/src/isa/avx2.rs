//! AVX2 with FMA: sixteen lanes in two registers, whatever instruction multiplies the bytes.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::x86_64::*;

use super::simd::{Kernel, Simd, Tiles};

/// AVX2, FMA and F16C, and the product of bytes that `D` proves.
#[derive(Clone, Copy, Debug)]
pub struct Avx2<D>(pub(super) D);

/// Proof of AVX2, FMA and F16C, and a way to multiply bytes in fours.
pub trait Dot: Copy + std::fmt::Debug {
    /// Four weights for each of eight lanes, in the form that [`Dot::dot`] takes.
    type Weights: Copy;

    /// What [`Dot::dot`] takes away from each code.
    const OFFSET: i32;
    /// As [`Simd::DEBTS`] says.
    const DEBTS: bool = false;
    /// As [`Simd::DOT_ROWS`] says.
    const ROWS: usize;

    /// Runs a kernel's body compiled with these instructions, as a function of its own.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;
    /// The weights as they are stored.
    fn weights(self, weights: __m256i) -> Self::Weights;
    /// Adds the four products of each of eight lanes.
    fn dot(self, total: __m256i, codes: __m256i, weights: Self::Weights) -> __m256i;
    /// Adds what [`Dot::dot`] leaves out whatever the codes.
    #[inline(always)]
    fn debt(self, debt: __m256i, _weights: Self::Weights) -> __m256i {
        debt
    }
    /// As [`Simd::keep`] says.
    fn keep(self, _weights: Self::Weights) -> [__m256i; 2] {
        unreachable!("weights without debts are multiplied as they lie")
    }
    /// As [`Simd::kept`] says.
    fn kept(self, _kept: [__m256i; 2]) -> Self::Weights {
        unreachable!("weights without debts are multiplied as they lie")
    }
}

/// One instruction.
macro_rules! isa {
    ($call:expr) => {
        // SAFETY: the token proves the instruction; what memory it touches is a reference's, of the instruction's width.
        unsafe { $call }
    };
}

pub(super) use isa;

/// One instruction on each half.
macro_rules! halves {
    ($call:ident($($arg:expr),*)) => {
        [isa!($call($($arg[0]),*)), isa!($call($($arg[1]),*))]
    };
}

/// Sixteen codes of 4 bits as bytes, in their order. Its instructions are those of SSE2, which is part of x86-64: it needs no token.
#[inline(always)]
pub(super) fn nibbles(src: &[u8; 8]) -> __m128i {
    let bytes = isa!(_mm_loadl_epi64(src.as_ptr().cast()));
    let mask = isa!(_mm_set1_epi8(15));
    let upper = isa!(_mm_srli_epi16::<4>(bytes));
    let (low, high) = (isa!(_mm_and_si128(bytes, mask)), isa!(_mm_and_si128(upper, mask)));
    isa!(_mm_unpacklo_epi8(low, high))
}

/// The halves of sixteen values.
macro_rules! split {
    ($src:expr) => {
        [$src.as_ptr(), $src[8..].as_ptr()]
    };
}

impl<D: Dot> Simd for Avx2<D> {
    type F = [__m256; 2];
    type I = [__m256i; 2];
    type M = [__m256; 2];
    type Codes = __m256i;
    type Weights = [D::Weights; 2];

    const TILES: Tiles = Tiles::Narrow;
    const DEBTS: bool = D::DEBTS;
    const DOT_ROWS: usize = D::ROWS;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        self.0.vectorize(kernel)
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
    fn load_u4(self, src: &[u8; 8]) -> Self::F {
        let low = nibbles(src);
        let codes = [low, isa!(_mm_srli_si128::<8>(low))];
        self.int_to_f32(halves!(_mm256_cvtepu8_epi32(codes)))
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
    fn weights(self, weights: &[i8; 64]) -> Self::Weights {
        let (low, high) = weights.split_at(32);
        let (low, high) =
            (isa!(_mm256_loadu_si256(low.as_ptr().cast())), isa!(_mm256_loadu_si256(high.as_ptr().cast())));
        [self.0.weights(low), self.0.weights(high)]
    }

    #[inline(always)]
    fn dot(self, total: Self::I, codes: __m256i, weights: Self::Weights) -> Self::I {
        [self.0.dot(total[0], codes, weights[0]), self.0.dot(total[1], codes, weights[1])]
    }

    #[inline(always)]
    fn debt(self, debt: Self::I, weights: Self::Weights) -> Self::I {
        [self.0.debt(debt[0], weights[0]), self.0.debt(debt[1], weights[1])]
    }

    #[inline(always)]
    fn keep(self, weights: Self::Weights) -> [Self::I; 2] {
        let [low, high] = [self.0.keep(weights[0]), self.0.keep(weights[1])];
        [[low[0], high[0]], [low[1], high[1]]]
    }

    #[inline(always)]
    fn kept(self, kept: [Self::I; 2]) -> Self::Weights {
        let [first, second] = kept;
        [self.0.kept([first[0], second[0]]), self.0.kept([first[1], second[1]])]
    }

    #[inline(always)]
    fn dot_total(self, total: Self::I, weight_sums: Self::I) -> Self::I {
        // A product by 0 or 128 in a constant is nothing or a shift.
        self.add_int(total, self.mul_int(weight_sums, self.splat_int(D::OFFSET)))
    }

    #[inline(always)]
    fn prefetch<T>(self, src: &[T], at: usize) {
        isa!(_mm_prefetch::<_MM_HINT_T1>(src.as_ptr().wrapping_add(at).cast()));
    }

    #[inline(always)]
    fn sums(self, v: [Self::F; 16]) -> Self::F {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = v;
        [eight(&[a, b, c, d, e, f, g, h]), eight(&[i, j, k, l, m, n, o, p])]
    }
}

/// The sums of eight vectors.
#[inline(always)]
fn eight(v: &[[__m256; 2]; 8]) -> __m256 {
    let a = two_by_two(four(v[0], v[4]), four(v[1], v[5]));
    let b = two_by_two(four(v[2], v[6]), four(v[3], v[7]));
    let even = isa!(_mm256_shuffle_ps::<0x88>(a, b));
    let odd = isa!(_mm256_shuffle_ps::<0xdd>(a, b));
    isa!(_mm256_add_ps(even, odd))
}

/// Lane i with lane i + 8, then i + 4, of two vectors, side by side.
#[inline(always)]
fn four(a: [__m256; 2], b: [__m256; 2]) -> __m256 {
    let (a, b) = (isa!(_mm256_add_ps(a[0], a[1])), isa!(_mm256_add_ps(b[0], b[1])));
    let low = isa!(_mm256_permute2f128_ps::<0x20>(a, b));
    let high = isa!(_mm256_permute2f128_ps::<0x31>(a, b));
    isa!(_mm256_add_ps(low, high))
}

/// Then lane i with lane i + 2: two lanes are left of each.
#[inline(always)]
fn two_by_two(a: __m256, b: __m256) -> __m256 {
    let (a, b) = (isa!(_mm256_castps_pd(a)), isa!(_mm256_castps_pd(b)));
    let (low, high) = (isa!(_mm256_unpacklo_pd(a, b)), isa!(_mm256_unpackhi_pd(a, b)));
    let (low, high) = (isa!(_mm256_castpd_ps(low)), isa!(_mm256_castpd_ps(high)));
    isa!(_mm256_add_ps(low, high))
}

//! NEON: sixteen lanes in four registers, whatever instruction multiplies the bytes.
#![expect(unsafe_code, reason = "the instructions of this CPU, each behind the token that proves it")]

use std::arch::aarch64::*;
use std::arch::asm;

use super::simd::{Kernel, Simd, Tiles};

/// NEON, and the extension that `D` proves.
#[derive(Clone, Copy, Debug)]
pub struct Neon<D>(pub(super) D);

/// Proof of an extension of NEON that multiplies bytes in fours.
pub trait Dot: Copy + std::fmt::Debug {
    /// What [`Dot::codes`] takes away from each code.
    const OFFSET: i32;

    /// Runs a kernel's body compiled with the extension, as a function of its own.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;
    /// Four codes in every lane, in the form that [`Dot::dot`] takes.
    fn codes(self, codes: int8x16_t) -> int8x16_t;
    /// Adds the four products of each of four lanes.
    fn dot(self, total: int32x4_t, codes: int8x16_t, weights: int8x16_t) -> int32x4_t;
}

/// One instruction.
macro_rules! isa {
    ($call:expr) => {
        // SAFETY: the token proves the instruction; what memory it touches is a reference's, of the instruction's width.
        unsafe { $call }
    };
}
pub(super) use isa;

/// One instruction on each quarter.
macro_rules! quarters {
    ($call:ident($($arg:expr),*)) => {
        [isa!($call($($arg[0]),*)), isa!($call($($arg[1]),*)), isa!($call($($arg[2]),*)), isa!($call($($arg[3]),*))]
    };
}

/// Sixteen i8 as i32. Its instructions are those of NEON, which is part of aarch64: it needs no token.
#[inline(always)]
fn widened(codes: int8x16_t) -> [int32x4_t; 4] {
    let low = isa!(vget_low_s8(codes));
    let (low, high) = (isa!(vmovl_s8(low)), isa!(vmovl_high_s8(codes)));
    let (first, third) = (isa!(vget_low_s16(low)), isa!(vget_low_s16(high)));
    let (first, third) = (isa!(vmovl_s16(first)), isa!(vmovl_s16(third)));
    [first, isa!(vmovl_high_s16(low)), third, isa!(vmovl_high_s16(high))]
}

/// The quarters of sixteen values.
macro_rules! split {
    ($src:expr) => {
        [$src.as_ptr(), $src[4..].as_ptr(), $src[8..].as_ptr(), $src[12..].as_ptr()]
    };
}

/// Puts each quarter in its place.
macro_rules! put {
    ($store:ident, $dst:expr, $v:expr) => {
        for (dst, v) in $dst.as_chunks_mut::<4>().0.iter_mut().zip($v) {
            isa!($store(dst.as_mut_ptr(), v));
        }
    };
}

impl<D: Dot> Simd for Neon<D> {
    type F = [float32x4_t; 4];
    type I = [int32x4_t; 4];
    type M = [uint32x4_t; 4];
    type Codes = int8x16_t;
    type Weights = [int8x16_t; 4];

    // Thirty-two registers of four lanes hold what sixteen of eight do.
    const TILES: Tiles = Tiles::Narrow;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        self.0.vectorize(kernel)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [isa!(vdupq_n_f32(value)); 4]
    }

    #[inline(always)]
    fn splat_int(self, value: i32) -> Self::I {
        [isa!(vdupq_n_s32(value)); 4]
    }

    #[inline(always)]
    fn load(self, src: &[f32; 16]) -> Self::F {
        quarters!(vld1q_f32(split!(src)))
    }

    #[inline(always)]
    fn load_int(self, src: &[i32; 16]) -> Self::I {
        quarters!(vld1q_s32(split!(src)))
    }

    #[inline(always)]
    fn load_bf16(self, src: &[u16; 16]) -> Self::F {
        let halves = quarters!(vld1_u16(split!(src)));
        let wide = quarters!(vmovl_u16(halves));
        self.of_bits(self.shift_left::<16>(quarters!(vreinterpretq_s32_u32(wide))))
    }

    #[inline(always)]
    fn load_i8(self, src: &[i8; 16]) -> Self::F {
        self.int_to_f32(widened(isa!(vld1q_s8(src.as_ptr()))))
    }

    #[inline(always)]
    fn load_u4(self, src: &[u8; 8]) -> Self::F {
        let (bytes, mask) = (isa!(vld1_u8(src.as_ptr())), isa!(vdup_n_u8(15)));
        let (low, high) = (isa!(vand_u8(bytes, mask)), isa!(vshr_n_u8::<4>(bytes)));
        let (first, last) = (isa!(vzip1_u8(low, high)), isa!(vzip2_u8(low, high)));
        let codes = isa!(vcombine_u8(first, last));
        self.int_to_f32(widened(isa!(vreinterpretq_s8_u8(codes))))
    }

    #[inline(always)]
    fn store(self, dst: &mut [f32; 16], v: Self::F) {
        put!(vst1q_f32, dst, v);
    }

    #[inline(always)]
    fn store_int(self, dst: &mut [i32; 16], v: Self::I) {
        put!(vst1q_s32, dst, v);
    }

    #[inline(always)]
    fn store_u8(self, dst: &mut [u8; 16], v: Self::I) {
        let v = quarters!(vreinterpretq_u8_s32(v));
        // The even bytes twice: those of the words, then those of the lanes.
        let (low, high) = (isa!(vuzp1q_u8(v[0], v[1])), isa!(vuzp1q_u8(v[2], v[3])));
        let bytes = isa!(vuzp1q_u8(low, high));
        isa!(vst1q_u8(dst.as_mut_ptr(), bytes));
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        quarters!(vaddq_f32(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        quarters!(vsubq_f32(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        quarters!(vmulq_f32(a, b))
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        quarters!(vdivq_f32(a, b))
    }

    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        quarters!(vfmaq_f32(c, a, b))
    }

    // `vminq` and `vmaxq` treat NaN and zeros otherwise.
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        self.select(self.lt(a, b), a, b)
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        self.select(self.lt(b, a), a, b)
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        quarters!(vsqrtq_f32(a))
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        quarters!(vrndnq_f32(a))
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        quarters!(vcltq_f32(a, b))
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        quarters!(vbslq_f32(mask, yes, no))
    }

    #[inline(always)]
    fn round_to_int(self, a: Self::F) -> Self::I {
        // NEON makes 0 of a NaN and the greatest i32 of what is too great; what is too small becomes the least as it should.
        let fits = self.lt(a, self.splat(2_147_483_648.0));
        let (whole, least) = (quarters!(vcvtnq_s32_f32(a)), self.splat_int(i32::MIN));
        quarters!(vbslq_s32(fits, whole, least))
    }

    #[inline(always)]
    fn int_to_f32(self, a: Self::I) -> Self::F {
        quarters!(vcvtq_f32_s32(a))
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        quarters!(vreinterpretq_s32_f32(a))
    }

    #[inline(always)]
    fn of_bits(self, a: Self::I) -> Self::F {
        quarters!(vreinterpretq_f32_s32(a))
    }

    #[inline(always)]
    fn add_int(self, a: Self::I, b: Self::I) -> Self::I {
        quarters!(vaddq_s32(a, b))
    }

    #[inline(always)]
    fn sub_int(self, a: Self::I, b: Self::I) -> Self::I {
        quarters!(vsubq_s32(a, b))
    }

    #[inline(always)]
    fn mul_int(self, a: Self::I, b: Self::I) -> Self::I {
        quarters!(vmulq_s32(a, b))
    }

    #[inline(always)]
    fn min_int(self, a: Self::I, b: Self::I) -> Self::I {
        quarters!(vminq_s32(a, b))
    }

    #[inline(always)]
    fn max_int(self, a: Self::I, b: Self::I) -> Self::I {
        quarters!(vmaxq_s32(a, b))
    }

    #[inline(always)]
    fn and(self, a: Self::I, b: Self::I) -> Self::I {
        quarters!(vandq_s32(a, b))
    }

    #[inline(always)]
    fn or(self, a: Self::I, b: Self::I) -> Self::I {
        quarters!(vorrq_s32(a, b))
    }

    #[inline(always)]
    fn shift_left<const N: u32>(self, a: Self::I) -> Self::I {
        let counts = self.splat_int(N as i32);
        quarters!(vshlq_s32(a, counts))
    }

    #[inline(always)]
    fn shift_right<const N: u32>(self, a: Self::I) -> Self::I {
        // To the left by less than nothing.
        let counts = self.splat_int(-(N as i32));
        quarters!(vshlq_s32(a, counts))
    }

    #[inline(always)]
    fn codes(self, codes: [u8; 4]) -> Self::Codes {
        let codes = isa!(vdupq_n_s32(i32::from_le_bytes(codes)));
        let codes = isa!(vreinterpretq_s8_s32(codes));
        self.0.codes(codes)
    }

    #[inline(always)]
    fn weights(self, weights: &[i8; 64]) -> Self::Weights {
        [
            isa!(vld1q_s8(weights.as_ptr())),
            isa!(vld1q_s8(weights[16..].as_ptr())),
            isa!(vld1q_s8(weights[32..].as_ptr())),
            isa!(vld1q_s8(weights[48..].as_ptr())),
        ]
    }

    #[inline(always)]
    fn dot(self, total: Self::I, codes: Self::Codes, weights: Self::Weights) -> Self::I {
        let dot = |i: usize| self.0.dot(total[i], codes, weights[i]);
        [dot(0), dot(1), dot(2), dot(3)]
    }

    #[inline(always)]
    fn dot_total(self, total: Self::I, weight_sums: Self::I) -> Self::I {
        // A product by 0 or 128 in a constant is nothing or a shift.
        self.add_int(total, self.mul_int(weight_sums, self.splat_int(D::OFFSET)))
    }

    #[inline(always)]
    fn sum(self, v: Self::F) -> f32 {
        let (low, high) = (isa!(vaddq_f32(v[0], v[2])), isa!(vaddq_f32(v[1], v[3])));
        let [a, b, c, d] = lanes(isa!(vaddq_f32(low, high)));
        (a + c) + (b + d)
    }

    #[inline(always)]
    fn largest(self, v: Self::F) -> f32 {
        let [a, b, c, d] = lanes(greater(greater(v[0], v[2]), greater(v[1], v[3])));
        let of = |a, b| if a > b { a } else { b };
        of(of(a, c), of(b, d))
    }

    #[inline(always)]
    fn smallest(self, v: Self::F) -> f32 {
        let [a, b, c, d] = lanes(lesser(lesser(v[0], v[2]), lesser(v[1], v[3])));
        let of = |a, b| if a < b { a } else { b };
        of(of(a, c), of(b, d))
    }

    #[inline(always)]
    fn prefetch<T>(self, src: &[T], at: usize) {
        let line = src.as_ptr().wrapping_add(at);
        // SAFETY: a hint, which harms nothing wherever it points; every aarch64 has it.
        unsafe { asm!("prfm pldl2keep, [{}]", in(reg) line, options(nomem, nostack, preserves_flags)) };
    }
}

/// `a > b ? a : b`
#[inline(always)]
fn greater(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    let mask = isa!(vcgtq_f32(a, b));
    isa!(vbslq_f32(mask, a, b))
}

/// `a < b ? a : b`
#[inline(always)]
fn lesser(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    let mask = isa!(vcltq_f32(a, b));
    isa!(vbslq_f32(mask, a, b))
}

/// The lanes in order.
#[inline(always)]
fn lanes(v: float32x4_t) -> [f32; 4] {
    let mut lanes = [0.0; 4];
    isa!(vst1q_f32(lanes.as_mut_ptr(), v));
    lanes
}

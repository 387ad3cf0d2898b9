//! Plain Rust lanes: the reference that every instruction set equals, and what runs where there is none.

use super::simd::{Kernel, Simd, Tiles};

/// No proof needed: every CPU runs Rust.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

#[inline(always)]
fn each<A: Copy, B: Copy + Default>(a: [A; 16], f: impl Fn(A) -> B) -> [B; 16] {
    let mut out = [B::default(); 16];
    for i in 0..16 {
        out[i] = f(a[i]);
    }
    out
}

#[inline(always)]
fn both<A: Copy, B: Copy + Default>(a: [A; 16], b: [A; 16], f: impl Fn(A, A) -> B) -> [B; 16] {
    let mut out = [B::default(); 16];
    for i in 0..16 {
        out[i] = f(a[i], b[i]);
    }
    out
}

impl Simd for Scalar {
    type F = [f32; 16];
    type I = [i32; 16];
    type M = [bool; 16];
    type Codes = [u8; 4];
    type Weights = [[i8; 4]; 16];

    const TILES: Tiles = Tiles::Narrow;

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)]
        fn body<K: Kernel>(s: Scalar, kernel: K) -> K::Output {
            kernel.run(s)
        }
        body(self, kernel)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [value; 16]
    }
    #[inline(always)]
    fn splat_int(self, value: i32) -> Self::I {
        [value; 16]
    }
    #[inline(always)]
    fn load(self, src: &[f32; 16]) -> Self::F {
        *src
    }
    #[inline(always)]
    fn load_int(self, src: &[i32; 16]) -> Self::I {
        *src
    }
    #[inline(always)]
    fn load_bf16(self, src: &[u16; 16]) -> Self::F {
        each(*src, |bits| f32::from_bits(u32::from(bits) << 16))
    }
    #[inline(always)]
    fn load_i8(self, src: &[i8; 16]) -> Self::F {
        each(*src, f32::from)
    }
    #[inline(always)]
    fn load_u4(self, src: &[u8; 8]) -> Self::F {
        std::array::from_fn(|lane| f32::from(src[lane / 2] >> (lane % 2 * 4) & 15))
    }
    #[inline(always)]
    fn store(self, dst: &mut [f32; 16], v: Self::F) {
        *dst = v;
    }
    #[inline(always)]
    fn store_int(self, dst: &mut [i32; 16], v: Self::I) {
        *dst = v;
    }
    #[inline(always)]
    fn store_u8(self, dst: &mut [u8; 16], v: Self::I) {
        *dst = each(v, |x| x as u8);
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        both(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        both(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        both(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        both(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        let mut out = c;
        for i in 0..16 {
            out[i] = a[i].mul_add(b[i], c[i]);
        }
        out
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        both(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        both(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        each(a, f32::sqrt)
    }
    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        each(a, f32::round_ties_even)
    }
    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        both(a, b, |a, b| a < b)
    }
    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        let mut out = no;
        for i in 0..16 {
            if mask[i] {
                out[i] = yes[i];
            }
        }
        out
    }

    #[inline(always)]
    fn round_to_int(self, a: Self::F) -> Self::I {
        each(a, |x| {
            let whole = x.round_ties_even();
            if (-2_147_483_648.0..2_147_483_648.0).contains(&whole) { whole as i32 } else { i32::MIN }
        })
    }
    #[inline(always)]
    fn int_to_f32(self, a: Self::I) -> Self::F {
        each(a, |x| x as f32)
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        each(a, |x| x.to_bits() as i32)
    }
    #[inline(always)]
    fn of_bits(self, a: Self::I) -> Self::F {
        each(a, |x| f32::from_bits(x as u32))
    }
    #[inline(always)]
    fn add_int(self, a: Self::I, b: Self::I) -> Self::I {
        both(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    fn sub_int(self, a: Self::I, b: Self::I) -> Self::I {
        both(a, b, i32::wrapping_sub)
    }
    #[inline(always)]
    fn mul_int(self, a: Self::I, b: Self::I) -> Self::I {
        both(a, b, i32::wrapping_mul)
    }
    #[inline(always)]
    fn min_int(self, a: Self::I, b: Self::I) -> Self::I {
        both(a, b, i32::min)
    }
    #[inline(always)]
    fn max_int(self, a: Self::I, b: Self::I) -> Self::I {
        both(a, b, i32::max)
    }
    #[inline(always)]
    fn and(self, a: Self::I, b: Self::I) -> Self::I {
        both(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn or(self, a: Self::I, b: Self::I) -> Self::I {
        both(a, b, |a, b| a | b)
    }
    #[inline(always)]
    fn shift_left<const N: u32>(self, a: Self::I) -> Self::I {
        each(a, |x| x << N)
    }
    #[inline(always)]
    fn shift_right<const N: u32>(self, a: Self::I) -> Self::I {
        each(a, |x| x >> N)
    }

    #[inline(always)]
    fn codes(self, codes: [u8; 4]) -> Self::Codes {
        codes
    }
    #[inline(always)]
    fn weights(self, weights: &[i8; 64]) -> Self::Weights {
        let mut lanes = [[0; 4]; 16];
        let (groups, _) = weights.as_chunks::<4>();
        for (lane, group) in lanes.iter_mut().zip(groups) {
            *lane = *group;
        }
        lanes
    }
    #[inline(always)]
    fn dot(self, mut total: Self::I, codes: Self::Codes, weights: Self::Weights) -> Self::I {
        for (total, weights) in total.iter_mut().zip(&weights) {
            for k in 0..4 {
                *total += i32::from(codes[k]) * i32::from(weights[k]);
            }
        }
        total
    }
    #[inline(always)]
    fn dot_total(self, total: Self::I, _weight_sums: Self::I) -> Self::I {
        total
    }
}

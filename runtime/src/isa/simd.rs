//! Sixteen lanes: the one vector that every kernel is written for.
//!
//! AVX-512 holds it in one register, AVX2 in two, NEON in four, the scalar reference in an array. Sixteen lanes everywhere means
//! one order of every sum, hence the same bits everywhere.
//!
//! What is the same on every instruction set, and how:
//! - add, sub, mul, div, sqrt, fma: IEEE 754, rounded once to nearest, ties to even; denormals are kept.
//! - `min(a, b)` is `a < b ? a : b` and `max(a, b)` is `a > b ? a : b`: the second operand where one is NaN or both are zeros.
//! - A NaN stays a NaN, but its payload is not promised.
//! - `sum` adds lane i to lane i + 8, then 4, 2, 1.

use super::Matrix;

/// A computation with one body for every instruction set.
pub trait Kernel {
    /// What it returns.
    type Output;

    /// The body; mark it `#[inline(always)]`, so that it is compiled with the token's instructions.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// How many rows and panels of accumulators the registers of an instruction set hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// Sixteen registers of eight lanes.
    Narrow,
    /// Thirty-two registers of sixteen lanes.
    Wide,
}

/// Proof that an instruction set is there, and its sixteen-lane operations.
pub trait Simd: Copy + std::fmt::Debug {
    /// Sixteen f32.
    type F: Copy;
    /// Sixteen i32.
    type I: Copy;
    /// Sixteen yes or no.
    type M: Copy;
    /// Four unsigned codes of one row, given to every lane.
    type Codes: Copy;
    /// Four signed weights for each lane.
    type Weights: Copy;

    /// The shape of its register tiles.
    const TILES: Tiles;
    /// Whether [`Simd::weights`] makes something else of the weights, by which [`Simd::dot`] leaves something out, the same for all
    /// rows that meet them. Only where tiles are narrow.
    const DEBTS: bool = false;
    /// The most rows of an int8 tile where its tiles are narrow.
    const DOT_ROWS: usize = 4;

    /// Runs a kernel's body compiled with this instruction set, as a function of its own.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;

    /// The matrix unit beside the lanes, if there is one.
    #[inline(always)]
    fn matrix(self) -> Option<Matrix> {
        None
    }

    /// `value` in every lane.
    fn splat(self, value: f32) -> Self::F;
    /// `value` in every lane.
    fn splat_int(self, value: i32) -> Self::I;
    /// Sixteen values in order.
    fn load(self, src: &[f32; 16]) -> Self::F;
    /// Sixteen values in order.
    fn load_int(self, src: &[i32; 16]) -> Self::I;
    /// Sixteen bfloat16, widened exactly.
    fn load_bf16(self, src: &[u16; 16]) -> Self::F;
    /// Sixteen i8, widened exactly.
    fn load_i8(self, src: &[i8; 16]) -> Self::F;
    /// Sixteen unsigned codes of 4 bits, two a byte, the first in the lower half.
    fn load_u4(self, src: &[u8; 8]) -> Self::F;
    /// Sixteen values in order.
    fn store(self, dst: &mut [f32; 16], v: Self::F);
    /// Sixteen values in order.
    fn store_int(self, dst: &mut [i32; 16], v: Self::I);
    /// The low byte of each lane.
    fn store_u8(self, dst: &mut [u8; 16], v: Self::I);

    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, rounded once.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `a < b ? a : b`
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a > b ? a : b`
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The square root.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// To the nearest whole number, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// `a < b`, no where one is NaN.
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `mask ? yes : no`
    fn select(self, mask: Self::M, yes: Self::F, no: Self::F) -> Self::F;

    /// The nearest i32, ties to even; `i32::MIN` for a NaN and for what does not fit.
    fn round_to_int(self, a: Self::F) -> Self::I;
    /// The nearest f32, ties to even.
    fn int_to_f32(self, a: Self::I) -> Self::F;
    /// The bits of each lane.
    fn bits(self, a: Self::F) -> Self::I;
    /// The f32 of those bits.
    fn of_bits(self, a: Self::I) -> Self::F;
    /// `a + b`, wrapping.
    fn add_int(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a - b`, wrapping.
    fn sub_int(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a · b`, wrapping.
    fn mul_int(self, a: Self::I, b: Self::I) -> Self::I;
    /// The lesser.
    fn min_int(self, a: Self::I, b: Self::I) -> Self::I;
    /// The greater.
    fn max_int(self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise and.
    fn and(self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise or.
    fn or(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a << N`
    fn shift_left<const N: u32>(self, a: Self::I) -> Self::I;
    /// `a >> N`, the sign kept.
    fn shift_right<const N: u32>(self, a: Self::I) -> Self::I;

    /// Four codes of a row, given to every lane.
    fn codes(self, codes: [u8; 4]) -> Self::Codes;
    /// Four weights for each of sixteen columns, `[16][4]`, none of them -128.
    fn weights(self, weights: &[i8; 64]) -> Self::Weights;
    /// Adds each lane's four products; what it adds up to is known to [`Simd::dot_total`] alone.
    fn dot(self, total: Self::I, codes: Self::Codes, weights: Self::Weights) -> Self::I;
    /// Adds what [`Simd::dot`] leaves out of a lane's products whatever the codes; nothing unless [`Simd::DEBTS`].
    #[inline(always)]
    fn debt(self, debt: Self::I, _weights: Self::Weights) -> Self::I {
        debt
    }
    /// Weights to be kept for other tiles; only if [`Simd::DEBTS`], where they cost instructions to make.
    fn keep(self, _weights: Self::Weights) -> [Self::I; 2] {
        unreachable!("weights without debts are multiplied as they lie")
    }
    /// The weights that were kept.
    fn kept(self, _kept: [Self::I; 2]) -> Self::Weights {
        unreachable!("weights without debts are multiplied as they lie")
    }
    /// `Σ code · weight` of a lane, exactly, from its running [`Simd::dot`] with the [`Simd::debt`] added and the sum of its weights.
    fn dot_total(self, total: Self::I, weight_sums: Self::I) -> Self::I;

    /// Asks for the cache line of `src[at]` to be brought into the second cache; any `at` will do.
    #[inline(always)]
    fn prefetch<T>(self, _src: &[T], _at: usize) {}

    /// As [`Simd::prefetch`], into the nearest cache.
    #[inline(always)]
    fn prefetch_near<T>(self, _src: &[T], _at: usize) {}

    /// The first lanes from `src`, the rest `fill`.
    #[inline(always)]
    fn load_part(self, src: &[f32], fill: f32) -> Self::F {
        let mut lanes = [fill; 16];
        lanes[..src.len()].copy_from_slice(src);
        self.load(&lanes)
    }

    /// The first lanes from `src`, the rest 0.
    #[inline(always)]
    fn load_int_part(self, src: &[i32]) -> Self::I {
        let mut lanes = [0; 16];
        lanes[..src.len()].copy_from_slice(src);
        self.load_int(&lanes)
    }

    /// The first lanes into `dst`.
    #[inline(always)]
    fn store_part(self, dst: &mut [f32], v: Self::F) {
        let lanes = self.to_array(v);
        dst.copy_from_slice(&lanes[..dst.len()]);
    }

    /// The lanes in order.
    #[inline(always)]
    fn to_array(self, v: Self::F) -> [f32; 16] {
        let mut lanes = [0.0; 16];
        self.store(&mut lanes, v);
        lanes
    }

    /// The absolute value.
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        self.of_bits(self.and(self.bits(a), self.splat_int(i32::MAX)))
    }

    /// `|a|` with the sign of `b`.
    #[inline(always)]
    fn copysign(self, a: Self::F, b: Self::F) -> Self::F {
        let sign = self.and(self.bits(b), self.splat_int(i32::MIN));
        self.of_bits(self.or(self.bits(self.abs(a)), sign))
    }

    /// The sum of the lanes by the one fixed tree: i with i + 8, then 4, 2, 1.
    #[inline(always)]
    fn sum(self, v: Self::F) -> f32 {
        tree(self.to_array(v), |a, b| a + b)
    }

    /// The sums of sixteen vectors, each by the one fixed tree, in their order.
    #[inline(always)]
    fn sums(self, vectors: [Self::F; 16]) -> Self::F {
        let mut sums = [0.0; 16];
        for (sum, v) in sums.iter_mut().zip(vectors) {
            *sum = self.sum(v);
        }
        self.load(&sums)
    }

    /// The greatest lane, by `max` in the same tree.
    #[inline(always)]
    fn largest(self, v: Self::F) -> f32 {
        tree(self.to_array(v), |a, b| if a > b { a } else { b })
    }

    /// The least lane, by `min` in the same tree.
    #[inline(always)]
    fn smallest(self, v: Self::F) -> f32 {
        tree(self.to_array(v), |a, b| if a < b { a } else { b })
    }
}

/// The fixed tree over sixteen lanes.
#[inline(always)]
fn tree(mut lanes: [f32; 16], combine: impl Fn(f32, f32) -> f32) -> f32 {
    for width in [8, 4, 2, 1] {
        for i in 0..width {
            lanes[i] = combine(lanes[i], lanes[i + width]);
        }
    }
    lanes[0]
}

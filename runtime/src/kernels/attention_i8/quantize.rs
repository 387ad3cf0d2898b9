//! One head's queries, keys and values to codes, laid out for the products.

use super::Parts;
use crate::isa::Simd;
use crate::kernels::Rows;

/// What the codes of sixteen columns mean.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Columns {
    /// What a query's values are multiplied by to be codes, once the head's greatest is known: before, the keys' scale.
    query: [f32; 16],
    /// A value is `middle + scale · code`.
    pub(super) scale: [f32; 16],
    pub(super) middle: [f32; 16],
    /// The mean of the codes of the values that all of a block's queries see.
    pub(super) mean: [f32; 16],
    /// The sum of the values' codes.
    pub(super) sums: [i32; 16],
    /// What products with the values' codes leave out.
    pub(super) debts: [i32; 16],
}

/// The rows of one head of one text.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    /// Queries, keys and values, from the head's first column on.
    pub(super) rows: [Rows<'a>; 3],
    pub(super) len: usize,
    pub(super) head_dim: usize,
}

/// What the codes of a head mean.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    /// What a score's code is multiplied by to be a power of two.
    pub(super) score: f32,
    /// 1, or NaN where a NaN or an infinity was met.
    pub(super) one: f32,
}

impl<'a> Head<'a> {
    /// Fills the parts but for scores, weights and bias.
    #[inline(always)]
    pub(super) fn quantize<S: Simd>(self, s: S, scale: f32, parts: &mut Parts<'_>) -> Unit {
        let full = self.head_dim / 16;
        let (mut most, mut poison) = (s.splat(0.0), [s.splat(0.0); 3]);
        for c in 0..full {
            self.keys_and_values::<S, true>(s, c, parts, &mut most, &mut poison);
        }
        if full < parts.columns.len() {
            self.keys_and_values::<S, false>(s, full, parts, &mut most, &mut poison);
        }
        let most = s.largest(most);
        let inverse = if most < f32::MIN_POSITIVE { 0.0 } else { 127.0 / most };
        for c in 0..full {
            self.queries::<S, true>(s, c, parts, inverse.copysign(scale));
        }
        if full < parts.columns.len() {
            self.queries::<S, false>(s, full, parts, inverse.copysign(scale));
        }
        let poison = s.add(s.add(poison[0], poison[1]), poison[2]);
        let one = if s.sum(poison).is_nan() || !most.is_finite() { f32::NAN } else { 1.0 };
        Unit { score: most / 127.0 * scale.abs() * std::f32::consts::LOG2_E, one }
    }

    /// Sixteen columns `c` of each row of the queries (0), keys (1) or values (2).
    #[inline(always)]
    fn columns<S: Simd, const FULL: bool>(self, s: S, which: usize, c: usize) -> ColumnsOf<'a, S, FULL> {
        let Rows { values, stride } = self.rows[which];
        ColumnsOf { s, rows: values[16 * c..].chunks(stride).take(self.len), width: self.head_dim - 16 * c }
    }

    /// The codes of keys and values in columns `c`. `most` takes in the queries' sizes by the keys' scale, `poison` what is not finite.
    #[inline(always)]
    fn keys_and_values<S: Simd, const FULL: bool>(
        self,
        s: S,
        c: usize,
        parts: &mut Parts<'_>,
        most: &mut S::F,
        poison: &mut [S::F; 3],
    ) {
        let zero = s.splat(0.0);
        let (mut size, mut keys, mut values) = (zero, Range::new(s), Range::new(s));
        let (keys_and_values, queries) =
            (self.columns::<S, FULL>(s, 1, c).zip(self.columns::<S, FULL>(s, 2, c)), self.columns::<S, FULL>(s, 0, c));
        for (q, (k, v)) in queries.zip(keys_and_values) {
            size = s.max(s.abs(q), size);
            keys.include(s, k);
            values.include(s, v);
            for (poison, x) in poison.iter_mut().zip([q, k, v]) {
                *poison = s.fma(x, zero, *poison);
            }
        }
        let columns = &mut parts.columns[c];
        let (key_scale, key_inverse) = keys.scale(s, 255.0);
        let (scale, inverse) = values.scale(s, 254.0);
        let middle = s.fma(values.lo, s.splat(0.5), s.mul(values.hi, s.splat(0.5)));
        s.store(&mut columns.query, key_scale);
        s.store(&mut columns.scale, scale);
        s.store(&mut columns.middle, middle);
        *most = s.max(s.mul(size, key_scale), *most);

        let width = parts.keys.len() / self.len;
        let codes = parts.keys[16 * c..].chunks_mut(width);
        for (k, codes) in self.columns::<S, FULL>(s, 1, c).zip(codes) {
            let code = s.round_to_int(s.mul(s.sub(k, keys.lo), key_inverse));
            s.store_u8(codes.first_chunk_mut().expect("keys are stored in sixteens"), code);
        }

        let byte = s.splat_int(255);
        let groups = self.len.div_ceil(4);
        let (mut sums, mut debts) = (s.splat_int(0), s.splat_int(0));
        let mut values = self.columns::<S, FULL>(s, 2, c);
        let words: &mut [[i32; 16]] = bytemuck::cast_slice_mut(&mut parts.values[64 * groups * c..][..64 * groups]);
        for group in words {
            let mut codes = [s.splat_int(0); 4];
            for code in &mut codes {
                if let Some(value) = values.next() {
                    *code = s.round_to_int(s.mul(s.sub(value, middle), inverse));
                }
            }
            sums = s.add_int(s.add_int(sums, s.add_int(codes[0], codes[1])), s.add_int(codes[2], codes[3]));
            let low = s.or(s.and(codes[0], byte), s.shift_left::<8>(s.and(codes[1], byte)));
            let high = s.or(s.shift_left::<16>(s.and(codes[2], byte)), s.shift_left::<24>(codes[3]));
            s.store_int(group, s.or(low, high));
            if S::DEBTS {
                debts = s.debt(debts, s.weights(bytemuck::cast_ref(group)));
            }
        }
        s.store_int(&mut columns.sums, sums);
        s.store_int(&mut columns.debts, debts);
    }

    /// The codes of the queries in columns `c`.
    #[inline(always)]
    fn queries<S: Simd, const FULL: bool>(self, s: S, c: usize, parts: &mut Parts<'_>, inverse: f32) {
        let factor = s.mul(s.load(&parts.columns[c].query), s.splat(inverse));
        let block = 16 * parts.columns.len() * 16;
        let mut rows = self.columns::<S, FULL>(s, 0, c);
        for block in parts.queries.chunks_mut(block) {
            let groups: &mut [[[i8; 4]; 16]] = bytemuck::cast_slice_mut(&mut block[256 * c..][..256]);
            for (lane, q) in rows.by_ref().take(16).enumerate() {
                let mut codes = [0; 16];
                s.store_u8(&mut codes, s.round_to_int(s.mul(q, factor)));
                let codes: [[i8; 4]; 4] = bytemuck::cast(codes);
                for (group, codes) in groups.iter_mut().zip(codes) {
                    group[lane] = codes;
                }
            }
        }
    }
}

/// Sixteen columns of each row, 0 past the head's last unless they are `FULL`.
struct ColumnsOf<'a, S, const FULL: bool> {
    s: S,
    rows: std::iter::Take<std::slice::Chunks<'a, f32>>,
    /// How many there are.
    width: usize,
}

impl<S: Simd, const FULL: bool> Iterator for ColumnsOf<'_, S, FULL> {
    type Item = S::F;

    #[inline(always)]
    fn next(&mut self) -> Option<S::F> {
        let row = self.rows.next()?;
        Some(match row.first_chunk() {
            Some(chunk) if FULL => self.s.load(chunk),
            _ => self.s.load_part(&row[..self.width], 0.0),
        })
    }
}

/// The running range of sixteen columns.
#[derive(Clone, Copy)]
struct Range<F> {
    lo: F,
    hi: F,
}

impl<F: Copy> Range<F> {
    #[inline(always)]
    fn new<S: Simd<F = F>>(s: S) -> Self {
        Self { lo: s.splat(f32::INFINITY), hi: s.splat(f32::NEG_INFINITY) }
    }

    #[inline(always)]
    fn include<S: Simd<F = F>>(&mut self, s: S, x: F) {
        self.lo = s.min(x, self.lo);
        self.hi = s.max(x, self.hi);
    }

    /// The scale that divides the range into `steps`, and one over it; both 0 where there is next to no range.
    #[inline(always)]
    fn scale<S: Simd<F = F>>(self, s: S, steps: f32) -> (F, F) {
        let part = s.splat(1.0 / steps);
        let scale = s.sub(s.mul(self.hi, part), s.mul(self.lo, part));
        let some = s.lt(s.splat(f32::MIN_POSITIVE), scale);
        let zero = s.splat(0.0);
        (s.select(some, scale, zero), s.select(some, s.div(s.splat(1.0), scale), zero))
    }
}

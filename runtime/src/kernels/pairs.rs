//! The dot products of the pairs of a row's fields: the interaction of DLRM (Naumov et al. 2019).
//!
//! Bound by the reading of the fields and the adding up of lanes: four fields by four are sixteen chains of fused multiply-adds, whose
//! lanes are added up together, each chain's by the fixed tree. So a pair has the bits of [`dot_f32`](crate::kernels::dot_f32).

use crate::isa::{Isa, Kernel, Simd, Tiles};
use crate::kernels::{Rows, RowsMut};
use modeldeploy_format::program::Triangle;

/// Fields of a tile, on each of its sides.
const SIDE: usize = 4;

/// Which pairs of how many fields, side by side in a row.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// How many there are.
    pub count: usize,
    /// The width of one.
    pub width: usize,
    /// Which pairs, in which order.
    pub triangle: Triangle,
    /// Whether a field is also multiplied by itself.
    pub diagonal: bool,
}

impl Fields {
    /// How many pairs.
    fn pairs(&self) -> usize {
        if self.diagonal { self.count * (self.count + 1) / 2 } else { self.count * (self.count - 1) / 2 }
    }

    /// The second fields of the pairs whose first is `i`.
    #[inline(always)]
    fn seconds(&self, i: usize) -> core::ops::Range<usize> {
        match (self.triangle, self.diagonal) {
            (Triangle::Lower, false) => 0..i,
            (Triangle::Lower, true) => 0..i + 1,
            (Triangle::Upper, false) => i + 1..self.count,
            (Triangle::Upper, true) => i..self.count,
        }
    }

    /// Where the pairs begin whose first is `i`.
    #[inline(always)]
    fn first(&self, i: usize) -> usize {
        let upper = |count: usize| i * (2 * count + 1 - i) / 2;
        match (self.triangle, self.diagonal) {
            (Triangle::Lower, false) => i * i.saturating_sub(1) / 2,
            (Triangle::Lower, true) => i * (i + 1) / 2,
            (Triangle::Upper, false) => upper(self.count - 1),
            (Triangle::Upper, true) => upper(self.count),
        }
    }
}

/// Writes the dot product of each pair of fields of each row, one after the other.
///
/// # Panics
///
/// If there is no field, or a buffer is too short for its shape.
pub fn pairs(isa: Isa, x: Rows<'_>, rows: usize, fields: Fields, out: RowsMut<'_>) {
    assert!(fields.count > 0, "pairs of no fields");
    x.check("x", rows, fields.count * fields.width);
    out.check("out", rows, fields.pairs());
    isa.run(Pairs { x, rows, fields, out });
}

struct Pairs<'a> {
    x: Rows<'a>,
    rows: usize,
    fields: Fields,
    out: RowsMut<'a>,
}

impl Kernel for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let fields = self.fields;
        for r in 0..self.rows {
            let x = self.x.row(r, fields.count * fields.width);
            let out = self.out.row(r, fields.pairs());
            for top in (0..fields.count).step_by(SIDE) {
                let all = match fields.triangle {
                    Triangle::Lower => 0..top + 1,
                    Triangle::Upper => top..fields.count,
                };
                for left in all.step_by(SIDE) {
                    let sums = s.sums(tile(s, x, fields, top, left));
                    write(s, fields, (top, left), sums, out);
                }
            }
        }
    }
}

/// The chains of four fields from `top` on with four from `left` on. Past the last field it is the last again.
#[inline(always)]
fn tile<S: Simd>(s: S, x: &[f32], fields: Fields, top: usize, left: usize) -> [S::F; SIDE * SIDE] {
    let Fields { count, width, .. } = fields;
    let field = |at: usize| &x[at.min(count - 1) * width..][..width];
    let mut sides = [[x; SIDE]; 2];
    for (first, side) in [top, left].into_iter().zip(&mut sides) {
        for (at, of_side) in (first..).zip(side) {
            *of_side = field(at);
        }
    }
    let mut chains = [s.splat(0.0); SIDE * SIDE];
    let rest = width % 16;
    let full = width - rest;
    match S::TILES {
        // All sixteen in registers: each field is read once.
        Tiles::Wide => {
            for c in (0..full).step_by(16) {
                let mut values = [[s.splat(0.0); SIDE]; 2];
                for (values, sides) in values.iter_mut().zip(&sides) {
                    for (value, field) in values.iter_mut().zip(sides) {
                        *value = s.load(field[c..].first_chunk().expect("a whole sixteen"));
                    }
                }
                step(s, &mut chains, values);
            }
        }
        Tiles::Narrow => {
            for (at, chain) in chains.iter_mut().enumerate() {
                let (first, _) = sides[0][at / SIDE].as_chunks::<16>();
                let (second, _) = sides[1][at % SIDE].as_chunks::<16>();
                for (a, b) in first.iter().zip(second) {
                    *chain = s.fma(s.load(a), s.load(b), *chain);
                }
            }
        }
    }
    if rest > 0 {
        let mut values = [[s.splat(0.0); SIDE]; 2];
        for (values, sides) in values.iter_mut().zip(&sides) {
            for (value, field) in values.iter_mut().zip(sides) {
                *value = s.load_part(&field[full..], 0.0);
            }
        }
        step(s, &mut chains, values);
    }
    chains
}

#[inline(always)]
fn step<S: Simd>(s: S, chains: &mut [S::F; SIDE * SIDE], [firsts, seconds]: [[S::F; SIDE]; 2]) {
    for (i, first) in firsts.into_iter().enumerate() {
        for (j, second) in seconds.into_iter().enumerate() {
            chains[SIDE * i + j] = s.fma(first, second, chains[SIDE * i + j]);
        }
    }
}

/// Writes what of a tile's sums are pairs.
#[inline(always)]
fn write<S: Simd>(s: S, fields: Fields, (top, left): (usize, usize), sums: S::F, out: &mut [f32]) {
    let sums = s.to_array(sums);
    for (i, sums) in (top..fields.count).zip(sums.chunks_exact(SIDE)) {
        let seconds = fields.seconds(i);
        let (start, end) = (left.max(seconds.start), seconds.end.min(left + SIDE));
        if start >= end {
            continue;
        }
        let to = &mut out[fields.first(i) + start - seconds.start..][..end - start];
        match to.first_chunk_mut::<SIDE>() {
            Some(to) => to.copy_from_slice(sums),
            None => to.iter_mut().zip(&sums[start - left..]).for_each(|(to, sum)| *to = *sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::dot_f32;
    use crate::kernels::testing::{Random, assert_bits, close};

    /// The pairs in the order of their triangle.
    fn listed(count: usize, triangle: Triangle, diagonal: bool) -> Vec<(usize, usize)> {
        let all = (0..count).flat_map(|i| (0..count).map(move |j| (i, j)));
        let within = |&(i, j): &(usize, usize)| match triangle {
            _ if i == j => diagonal,
            Triangle::Lower => j < i,
            Triangle::Upper => i < j,
        };
        all.filter(within).collect()
    }

    #[test]
    fn every_isa_gives_each_pair_the_bits_of_its_dot_product() {
        let mut random = Random::new(76);
        for (count, width) in [(1, 3), (2, 16), (3, 17), (4, 1), (5, 15), (8, 33), (9, 64), (13, 48), (27, 64)] {
            for (triangle, diagonal) in Triangle::ALL.into_iter().flat_map(|it| [(it, false), (it, true)]) {
                let fields = Fields { count, width, triangle, diagonal };
                let list = listed(count, triangle, diagonal);
                assert_eq!(list.len(), fields.pairs());
                let (stride, to) = (count * width + 2, list.len() + 1);
                let x = random.floats(3 * stride, 1.0);
                let field = |r: usize, at: usize| &x[r * stride + at * width..][..width];
                let mut expected = vec![9.0; 3 * to];
                let mut in_f64 = vec![9.0; 3 * to];
                for (r, (at, &(i, j))) in (0..3).flat_map(|r| list.iter().enumerate().map(move |pair| (r, pair))) {
                    expected[r * to + at] = dot_f32(Isa::SCALAR, field(r, i), field(r, j));
                    let product = |(a, b): (&f32, &f32)| f64::from(*a) * f64::from(*b);
                    in_f64[r * to + at] = field(r, i).iter().zip(field(r, j)).map(product).sum();
                }
                let case = format!("{count}x{width} {triangle:?} diagonal {diagonal}");
                close(&expected, &in_f64, 5e-6, &case);
                for isa in Isa::available() {
                    let mut out = vec![9.0; 3 * to];
                    pairs(isa, Rows { values: &x, stride }, 3, fields, RowsMut::new(&mut out, to));
                    assert_bits(&out, &expected, &format!("{isa} {case}"));
                }
            }
        }
    }
}

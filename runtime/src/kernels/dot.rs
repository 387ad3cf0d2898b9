//! Dot products: of two vectors, and of one with many rows.
//!
//! Bound by memory. Each is sixteen chains of fused multiply-adds and the fixed tree, so a scan gives each row the very
//! bits that [`dot_f32`] gives. Rows are read one after the other, as they lie: four in turn hid the chains' latency, which the CPU
//! does by itself, and took twice the time where rows come from memory (bench `kernels`, `search`).

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::Rows;

/// `Σ a · b`
///
/// # Panics
///
/// If their lengths differ.
#[must_use]
pub fn dot_f32(isa: Isa, a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "a and b differ in length");
    let mut score = [0.0];
    scan_f32(isa, a, Rows { values: b, stride: b.len() }, &mut score);
    score[0]
}

/// `scores[m] = Σ query · rows[m]`
///
/// # Panics
///
/// If `rows` are not `scores.len()` rows of `query.len()`.
pub fn scan_f32(isa: Isa, query: &[f32], rows: Rows<'_>, scores: &mut [f32]) {
    rows.check("rows", scores.len(), query.len());
    isa.run(Scan { query, rows, scores });
}

struct Scan<'a> {
    query: &'a [f32],
    rows: Rows<'a>,
    scores: &'a mut [f32],
}

impl Kernel for Scan<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (r, score) in self.scores.iter_mut().enumerate() {
            *score = dot(s, self.query, self.rows.row(r, self.query.len()));
        }
    }
}

/// The dot product of `query` with a row as long as it.
#[inline(always)]
pub(crate) fn dot<S: Simd>(s: S, query: &[f32], row: &[f32]) -> f32 {
    let (chunks, rest) = query.as_chunks::<16>();
    let (others, other_rest) = row.as_chunks::<16>();
    let mut total = s.splat(0.0);
    for (a, b) in chunks.iter().zip(others) {
        total = s.fma(s.load(a), s.load(b), total);
    }
    if !rest.is_empty() {
        total = s.fma(s.load_part(rest, 0.0), s.load_part(other_rest, 0.0), total);
    }
    s.sum(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};

    #[test]
    fn every_isa_scans_to_the_bits_of_single_dot_products() {
        let mut random = Random::new(4);
        for width in [0, 1, 7, 15, 16, 17, 31, 33, 64, 128, 384] {
            for rows in [1, 3, 4, 5, 9] {
                let stride = width + rows % 3;
                let (query, values) = (random.floats(width, 1.0), random.floats(rows * stride, 1.0));
                let row = |r: usize| &values[r * stride..][..width];
                let singly: Vec<f32> = (0..rows).map(|r| dot_f32(Isa::SCALAR, &query, row(r))).collect();
                for isa in Isa::available() {
                    let mut scores = vec![9.0; rows];
                    scan_f32(isa, &query, Rows { values: &values, stride }, &mut scores);
                    assert_bits(&scores, &singly, &format!("{isa} {rows}x{width}"));
                }
                let product = |(a, b): (&f32, &f32)| f64::from(*a) * f64::from(*b);
                let in_f64: Vec<f64> = (0..rows).map(|r| query.iter().zip(row(r)).map(product).sum()).collect();
                close(&singly, &in_f64, 5e-6, &format!("{rows}x{width}"));
            }
        }
    }

    #[test]
    #[should_panic(expected = "differ in length")]
    fn vectors_of_different_lengths_are_refused() {
        let _ = dot_f32(Isa::SCALAR, &[1.0, 2.0], &[1.0, 2.0, 3.0]);
    }
}

//! One vector for each text from its tokens' rows, as sentence-transformers' `Pooling` does it.
//!
//! Bound by memory. Each column is one chain over the text's rows in order, so a text's result does not depend on its
//! batch.

use modeldeploy_format::program::Pooling;

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Rows, RowsMut};

/// Pools each text's rows of `x` into one row of `out`. `segments` are the texts' starts, ascending from 0, and last
/// the end of the last one. A text of no rows pools to 0.
///
/// # Panics
///
/// If the segments do not ascend from 0 or a buffer is too short for its shape.
pub fn pool(isa: Isa, pooling: Pooling, x: Rows<'_>, width: usize, segments: &[u32], out: RowsMut<'_>) {
    assert_eq!(segments.first(), Some(&0), "the first text does not start at 0");
    assert!(segments.is_sorted(), "the texts' starts do not ascend");
    x.check("x", segments[segments.len() - 1] as usize, width);
    out.check("out", segments.len() - 1, width);
    isa.run(Pool { pooling, x, width, segments, out });
}

struct Pool<'a> {
    pooling: Pooling,
    x: Rows<'a>,
    width: usize,
    segments: &'a [u32],
    out: RowsMut<'a>,
}

impl Kernel for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for (text, ends) in self.segments.windows(2).enumerate() {
            let (start, end) = (ends[0] as usize, ends[1] as usize);
            let out = self.out.row(text, self.width);
            if start == end {
                out.fill(0.0);
                continue;
            }
            let first = if self.pooling == Pooling::Last { end - 1 } else { start };
            out.copy_from_slice(self.x.row(first, self.width));
            let len = (end - start) as f32;
            let divisor = match self.pooling {
                Pooling::Cls | Pooling::Last | Pooling::Max | Pooling::Sum => 1.0,
                Pooling::Mean => len,
                Pooling::MeanSqrtLen => len.sqrt(),
            };
            let alone = matches!(self.pooling, Pooling::Cls | Pooling::Last);
            let rest = if alone { end } else { start + 1 };
            for r in rest..end {
                fold(s, self.pooling, out, self.x.row(r, self.width));
            }
            if divisor != 1.0 {
                divide(s, out, divisor);
            }
        }
    }
}

/// Takes one more row in.
#[inline(always)]
fn fold<S: Simd>(s: S, pooling: Pooling, out: &mut [f32], row: &[f32]) {
    let (out, out_rest) = out.as_chunks_mut::<16>();
    let (row, row_rest) = row.as_chunks::<16>();
    for (out, row) in out.iter_mut().zip(row) {
        let y = combine(s, pooling, s.load(out), s.load(row));
        s.store(out, y);
    }
    let y = combine(s, pooling, s.load_part(out_rest, 0.0), s.load_part(row_rest, 0.0));
    s.store_part(out_rest, y);
}

#[inline(always)]
fn combine<S: Simd>(s: S, pooling: Pooling, a: S::F, b: S::F) -> S::F {
    if pooling == Pooling::Max { s.max(a, b) } else { s.add(a, b) }
}

#[inline(always)]
fn divide<S: Simd>(s: S, out: &mut [f32], divisor: f32) {
    let (chunks, rest) = out.as_chunks_mut::<16>();
    for chunk in chunks {
        let y = s.div(s.load(chunk), s.splat(divisor));
        s.store(chunk, y);
    }
    for value in rest {
        *value /= divisor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};

    fn in_f64(pooling: Pooling, column: &[f64]) -> f64 {
        let sum: f64 = column.iter().sum();
        match pooling {
            _ if column.is_empty() => 0.0,
            Pooling::Cls => column[0],
            Pooling::Mean => sum / column.len() as f64,
            Pooling::Max => column.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Pooling::MeanSqrtLen => sum / (column.len() as f64).sqrt(),
            Pooling::Sum => sum,
            Pooling::Last => column[column.len() - 1],
        }
    }

    #[test]
    fn every_isa_pools_each_text_alone() {
        let mut random = Random::new(6);
        let segments = [0, 1, 1, 8, 25];
        for pooling in Pooling::ALL {
            for width in [1, 7, 15, 16, 17, 31, 33, 64, 384] {
                let x = random.floats(25 * width, 2.0);
                let run = |isa, segments: &[u32], x: &[f32]| {
                    let mut out = vec![9.0; (segments.len() - 1) * width];
                    let to = RowsMut::new(&mut out, width);
                    pool(isa, pooling, Rows { values: x, stride: width }, width, segments, to);
                    out
                };
                let expected = run(Isa::SCALAR, &segments, &x);
                for isa in Isa::available() {
                    assert_bits(&run(isa, &segments, &x), &expected, &format!("{isa} {pooling:?} {width}"));
                }
                let alone = run(Isa::detect(), &[0, 17], &x[8 * width..]);
                assert_bits(&alone, &expected[3 * width..], &format!("alone {pooling:?} {width}"));
                let mut columns = Vec::new();
                for (ends, n) in segments.windows(2).flat_map(|ends| (0..width).map(move |n| (ends, n))) {
                    let column: Vec<f64> = (ends[0]..ends[1]).map(|r| f64::from(x[r as usize * width + n])).collect();
                    columns.push(in_f64(pooling, &column));
                }
                close(&expected, &columns, 2e-6, &format!("{pooling:?} {width}"));
            }
        }
    }
}

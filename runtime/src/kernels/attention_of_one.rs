//! Attention of one token of each text to all of its text: of a state that is read at one place alone.
//!
//! `out = softmax(scale · q · kᵀ) · v` for each text and head, in f32. Bound by the reading of keys and values, each of which is read
//! once, as it lies: nothing is packed, nor quantized in packs whose products are int8, for that would read them twice. A score is
//! sixteen chains and the fixed tree, a value's column one chain over the text's tokens, so the bits depend neither on the batch nor on
//! the instruction set.

use super::dot::dot;
use super::softmax::softmax_row;
use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::{Attention, Rows, RowsMut};

/// How many values of scratch [`attention_of_one`] needs for texts of up to `max_len` tokens.
#[must_use]
pub const fn attention_of_one_scratch(max_len: usize) -> usize {
    max_len
}

/// Writes a mix of the values of each text, `heads · head_dim` values a row, by the query of that text: `q` has a row for each text.
/// A text of no tokens mixes to 0.
///
/// # Panics
///
/// If the segments do not ascend from 0, a buffer is too short for its shape, there is a bias, a mask or `causal`, which say what a
/// query sees by its place, or the scratch is under [`attention_of_one_scratch`] of the longest text.
pub fn attention_of_one(isa: Isa, inputs: Attention<'_>, scratch: &mut [f32], out: RowsMut<'_>) {
    let Attention { q, segments, heads, head_dim, relative_bias, causal, mask, .. } = inputs;
    assert!(relative_bias.is_none() && mask.is_none() && !causal, "one query a text, whose place is not known");
    let longest = inputs.check_keys();
    q.check("q", segments.len() - 1, heads * head_dim);
    out.check("out", segments.len() - 1, heads * head_dim);
    assert!(scratch.len() >= longest, "a scratch of {} values, {longest} are needed", scratch.len());
    isa.run(Attend { inputs, scratch, out });
}

struct Attend<'a> {
    inputs: Attention<'a>,
    scratch: &'a mut [f32],
    out: RowsMut<'a>,
}

impl Kernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Attention { q, k, v, segments, heads, head_dim, scale, .. } = self.inputs;
        for (text, ends) in segments.windows(2).enumerate() {
            let (start, len) = (ends[0] as usize, (ends[1] - ends[0]) as usize);
            let weights = &mut self.scratch[..len];
            for column in (0..heads * head_dim).step_by(head_dim) {
                let [query, keys, values] = [(q, text), (k, start), (v, start)].map(|(rows, first)| Rows {
                    values: rows.values.get(first * rows.stride + column..).unwrap_or_default(),
                    stride: rows.stride,
                });
                let query = query.row(0, head_dim);
                for (token, weight) in weights.iter_mut().enumerate() {
                    *weight = dot(s, query, keys.row(token, head_dim));
                }
                softmax_row(s, weights, scale, None);
                mix(s, weights, values, &mut self.out.row(text, column + head_dim)[column..]);
            }
        }
    }
}

/// `out = Σ weights[i] · rows[i]`
#[inline(always)]
fn mix<S: Simd>(s: S, weights: &[f32], rows: Rows<'_>, out: &mut [f32]) {
    let (chunks, rest) = out.as_chunks_mut::<16>();
    let part = 16 * chunks.len();
    let (fours, chunks) = chunks.as_chunks_mut::<4>();
    let (pairs, ones) = chunks.as_chunks_mut::<2>();
    let first = 64 * fours.len();
    fours.iter_mut().enumerate().for_each(|(at, out)| chains(s, weights, rows, 64 * at, out));
    pairs.iter_mut().for_each(|out| chains(s, weights, rows, first, out));
    ones.iter_mut().for_each(|out| chains(s, weights, rows, first + 32 * pairs.len(), std::array::from_mut(out)));
    if !rest.is_empty() {
        let mut sum = s.splat(0.0);
        for (i, &weight) in weights.iter().enumerate() {
            let values = &rows.row(i, part + rest.len())[part..];
            sum = s.fma(s.splat(weight), s.load_part(values, 0.0), sum);
        }
        s.store_part(rest, sum);
    }
}

/// The columns from `column` on, their chains side by side.
#[inline(always)]
fn chains<S: Simd, const N: usize>(s: S, weights: &[f32], rows: Rows<'_>, column: usize, out: &mut [[f32; 16]; N]) {
    let mut sums = [s.splat(0.0); N];
    for (i, &weight) in weights.iter().enumerate() {
        let (values, _) = rows.row(i, column + 16 * N)[column..].as_chunks::<16>();
        let weight = s.splat(weight);
        for (sum, values) in sums.iter_mut().zip(values) {
            *sum = s.fma(weight, s.load(values), *sum);
        }
    }
    out.iter_mut().zip(sums).for_each(|(out, sum)| s.store(out, sum));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attention::tests::Case;
    use crate::kernels::attention_scratch;
    use crate::kernels::testing::{Random, assert_bits, close};

    /// The attention of the last token of each text: its query is where the text ends.
    fn of_last(case: &Case, isa: Isa, size: (usize, usize)) -> Vec<f32> {
        let width = size.0 * size.1;
        let texts = case.segments.len() - 1;
        let queries: Vec<f32> = case.segments[1..]
            .iter()
            .flat_map(|&end| &case.qkv[(end as usize).saturating_sub(1) * 3 * width..][..width])
            .copied()
            .collect();
        let mut mixed = vec![f32::NAN; texts * width];
        case.attend(0..texts, false, attention_scratch, |inputs, scratch, _| {
            let q = Rows { values: &queries, stride: width };
            let inputs = Attention { q, causal: false, ..inputs };
            attention_of_one(isa, inputs, scratch, RowsMut::new(&mut mixed, width));
        });
        mixed
    }

    #[test]
    fn the_last_token_gets_what_attention_of_all_tokens_gives_it() {
        let mut random = Random::new(63);
        for (heads, head_dim, lengths) in [
            (2, 32, &[1, 2, 8, 15, 16, 17, 33][..]),
            (3, 64, &[5, 20]),
            (1, 12, &[31, 7]),
            (2, 1, &[4]),
            (2, 17, &[3, 70]),
            (1, 112, &[9]),
            (1, 130, &[6, 1]),
        ] {
            for (size, causal) in [(1.0, false), (3.0, true), (1e-38, false)] {
                // Of the last token causal attention is attention to all.
                let mut case = Case::new(&mut random, heads, head_dim, lengths, size);
                case.causal = causal;
                let width = heads * head_dim;
                let all = case.in_f64(false);
                let last = case.segments[1..].iter().flat_map(|&end| &all[(end as usize - 1) * width..][..width]);
                let last: Vec<f64> = last.copied().collect();
                let name = format!("{heads}x{head_dim} {lengths:?} {size:e}");
                let expected = of_last(&case, Isa::SCALAR, (heads, head_dim));
                close(&expected, &last, 1e-5, &name);
                for isa in Isa::available() {
                    assert_bits(&of_last(&case, isa, (heads, head_dim)), &expected, &format!("{isa} {name}"));
                }
            }
        }
    }

    #[test]
    fn a_text_of_no_tokens_mixes_to_nothing() {
        let case = Case::new(&mut Random::new(64), 2, 8, &[3, 0, 2], 1.0);
        let mixed = of_last(&case, Isa::detect(), (2, 8));
        assert_eq!(mixed[16..32], [0.0; 16]);
        assert!(mixed.iter().all(|value| value.is_finite()));
    }

    #[test]
    #[should_panic(expected = "whose place is not known")]
    fn what_depends_on_the_place_of_a_query_is_refused() {
        let mut case = Case::new(&mut Random::new(65), 1, 8, &[3], 1.0);
        case.causal = true;
        case.attend(0..1, false, attention_scratch, |inputs, scratch, out| {
            attention_of_one(Isa::SCALAR, inputs, scratch, out);
        });
    }
}

//! Attention of texts to themselves, many texts of any lengths in one call, without padding.
//!
//! `out = softmax(scale · q · kᵀ + bias) · v` for each text and head, in f32. Bound by arithmetic for long texts, by the
//! packing of keys and values for short ones. Scores and outputs are single chains over their depth and sums take the fixed
//! tree, so a text's result depends neither on its batch nor on the instruction set.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::gemm_f32::multiply;
use crate::kernels::softmax::softmax_row;
use crate::kernels::{Epilogue, RelativeBias, Rows, RowsMut};

/// Queries whose scores are held at once.
const QUERIES: usize = 32;

/// The inputs of attention. Heads stand side by side in a row, `head_dim` values each.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// Queries, `heads · head_dim` values a row.
    pub q: Rows<'a>,
    /// Keys likewise.
    pub k: Rows<'a>,
    /// Values likewise.
    pub v: Rows<'a>,
    /// Where each text starts, ascending from 0, and last where the last one ends: one more than there are texts.
    pub segments: &'a [u32],
    /// How many heads.
    pub heads: usize,
    /// The width of one.
    pub head_dim: usize,
    /// Multiplies the scores; `1 / √head_dim` in BERT.
    pub scale: f32,
    /// Added to the scores.
    pub relative_bias: Option<RelativeBias<'a>>,
    /// A mask of the keys, added to the scores as well; no relative bias stands beside it, and it is not for 8-bit codes.
    pub mask: Option<KeyMask<'a>>,
    /// Whether a token sees only itself and those before it.
    pub causal: bool,
}

/// A mask of keys.
#[derive(Clone, Copy, Debug)]
pub struct KeyMask<'a> {
    /// A number for each key; −∞ hides it.
    pub keys: &'a [f32],
    /// What a query mixes whose keys are all hidden.
    pub unseen: f32,
}

/// How many values of scratch [`attention`] needs for texts of up to `max_len` tokens.
#[must_use]
pub fn attention_scratch(max_len: usize, head_dim: usize) -> usize {
    let keys = max_len.next_multiple_of(16) * head_dim;
    let values = max_len * head_dim.next_multiple_of(16);
    let scores = QUERIES.min(max_len) * max_len;
    keys + values + scores + 2 * max_len
}

/// Writes each token's mix of the values of its own text, `heads · head_dim` values a row.
///
/// # Panics
///
/// If the segments do not ascend from 0, a buffer is too short for its shape, the bias table is not
/// `[buckets][heads]`, a mask stands beside a bias, or the scratch is under [`attention_scratch`] of the longest text.
pub fn attention(isa: Isa, inputs: Attention<'_>, scratch: &mut [f32], out: RowsMut<'_>) {
    let needed = attention_scratch(inputs.check(&out), inputs.head_dim);
    assert!(scratch.len() >= needed, "a scratch of {} values, {needed} are needed", scratch.len());
    isa.run(Attend { inputs, scratch, out });
}

impl Attention<'_> {
    /// The length of the longest text.
    ///
    /// # Panics
    ///
    /// If the segments do not ascend from 0, a buffer is too short for its shape, or the bias table is not
    /// `[buckets][heads]`.
    pub(crate) fn check(&self, out: &RowsMut<'_>) -> usize {
        let Self { q, segments, heads, head_dim, .. } = *self;
        let longest = self.check_keys();
        let rows = segments[segments.len() - 1] as usize;
        q.check("q", rows, heads * head_dim);
        out.check("out", rows, heads * head_dim);
        if let Some(mask) = self.mask {
            assert!(mask.keys.len() >= rows, "a mask of {} keys, where there are {rows}", mask.keys.len());
            assert!(self.relative_bias.is_none(), "a mask beside a relative bias");
        }
        if let Some(bias) = self.relative_bias {
            bias.table.check("bias", bias.buckets.count(), heads);
        }
        longest
    }

    /// The same, but for queries, bias and output.
    pub(crate) fn check_keys(&self) -> usize {
        let Self { k, v, segments, heads, head_dim, .. } = *self;
        assert!(head_dim > 0, "heads of no values");
        assert_eq!(segments.first(), Some(&0), "the first text does not start at 0");
        assert!(segments.is_sorted(), "the texts' starts do not ascend");
        let rows = segments[segments.len() - 1] as usize;
        for (what, rows_of) in [("k", k), ("v", v)] {
            rows_of.check(what, rows, heads * head_dim);
        }
        segments.windows(2).map(|ends| (ends[1] - ends[0]) as usize).max().unwrap_or(0)
    }
}

/// The bias of one head by key less query, from `1 - len` on: `2 · len - 1` values.
pub(crate) fn distances(bias: RelativeBias<'_>, head: usize, len: usize, by_distance: &mut [f32]) {
    for (i, value) in by_distance.iter_mut().enumerate() {
        let bucket = bias.buckets.of(i as i32 - (len as i32 - 1));
        *value = bias.table.row(bucket, head + 1)[head];
    }
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
        for ends in self.inputs.segments.windows(2) {
            let (start, len) = (ends[0] as usize, (ends[1] - ends[0]) as usize);
            if len == 0 {
                continue;
            }
            for head in 0..self.inputs.heads {
                s.vectorize(Head {
                    inputs: self.inputs,
                    start,
                    len,
                    head,
                    scratch: self.scratch,
                    out: self.out.reborrow(),
                });
            }
        }
    }
}

/// One head of one text.
struct Head<'a, 's> {
    inputs: Attention<'a>,
    start: usize,
    len: usize,
    head: usize,
    scratch: &'s mut [f32],
    out: RowsMut<'s>,
}

impl Kernel for Head<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { inputs, start, len, head, scratch, mut out } = self;
        let Attention { q, k, v, head_dim, scale, .. } = inputs;
        let (keys, scratch) = scratch.split_at_mut(len.next_multiple_of(16) * head_dim);
        let (values, scratch) = scratch.split_at_mut(len * head_dim.next_multiple_of(16));
        let (by_distance, scratch) = scratch.split_at_mut(2 * len - 1);
        let column = head * head_dim;
        pack_keys(k, start, column, keys, (len, head_dim));
        pack_values(v, start, column, values, (len, head_dim));
        if let Some(bias) = inputs.relative_bias {
            distances(bias, head, len, by_distance);
        }
        for first in (0..len).step_by(QUERIES) {
            let count = QUERIES.min(len - first);
            // What a query sees is bounded by its own place; the queries of a block are bounded by the last one's.
            let seen = if inputs.causal { first + count } else { len };
            let at = (start + first) * q.stride + column;
            let q = Rows { values: &q.values[at..], stride: q.stride };
            let scores = &mut scratch[..count * seen];
            let to = RowsMut::new(scores, seen);
            let keys = &keys[..seen.next_multiple_of(16) * head_dim];
            multiply(q, count, keys, (seen, head_dim), Epilogue::default(), to).run(s);
            for (i, row) in scores.chunks_exact_mut(seen).enumerate() {
                let own = if inputs.causal { first + i + 1 } else { len };
                let (row, unseen) = row.split_at_mut(own);
                unseen.fill(0.0);
                if let Some(KeyMask { keys, unseen }) = inputs.mask {
                    let keys = &keys[start..][..own];
                    match keys.iter().all(|&key| key == f32::NEG_INFINITY) {
                        true => row.fill(unseen),
                        false => softmax_row(s, row, scale, Some(keys)),
                    }
                    continue;
                }
                let bias = inputs.relative_bias.map(|_| &by_distance[len - 1 - (first + i)..][..own]);
                softmax_row(s, row, scale, bias);
            }
            let scores = Rows { values: scores, stride: seen };
            if seen == len {
                let to = out.from(start + first, column);
                multiply(scores, count, values, (head_dim, len), Epilogue::default(), to).run(s);
                continue;
            }
            for (p, panel) in values.chunks_exact(16 * len).enumerate() {
                let (to, n) = (out.from(start + first, column + 16 * p), 16.min(head_dim - 16 * p));
                multiply(scores, count, &panel[..16 * seen], (n, seen), Epilogue::default(), to).run(s);
            }
        }
    }
}

/// The keys of one head as panels `[len/16][head_dim][16]`, 0 past the end.
fn pack_keys(k: Rows<'_>, start: usize, column: usize, panels: &mut [f32], (len, head_dim): (usize, usize)) {
    for (p, panel) in panels.chunks_exact_mut(16 * head_dim).enumerate() {
        let count = (len - 16 * p).min(16);
        if count < 16 {
            panel.fill(0.0);
        }
        for lane in 0..count {
            let key = &k.values[(start + 16 * p + lane) * k.stride + column..][..head_dim];
            for (group, &value) in panel.as_chunks_mut::<16>().0.iter_mut().zip(key) {
                group[lane] = value;
            }
        }
    }
}

/// The values of one head as panels `[head_dim/16][len][16]`, 0 past the end.
fn pack_values(v: Rows<'_>, start: usize, column: usize, panels: &mut [f32], (len, head_dim): (usize, usize)) {
    for (p, panel) in panels.chunks_exact_mut(16 * len).enumerate() {
        let count = (head_dim - 16 * p).min(16);
        for (i, group) in panel.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let value = &v.values[(start + i) * v.stride + column + 16 * p..][..count];
            group[count..].fill(0.0);
            group[..count].copy_from_slice(value);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

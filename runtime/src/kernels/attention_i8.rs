//! Attention in 8-bit integers: what [`crate::kernels::attention`] computes in f32, for packs whose products are int8.
//!
//! Bound by arithmetic for long texts, by the quantization of queries, keys and values for short ones. Each head of each text is
//! quantized by itself. Softmax is the same when one number is added to all the scores of a query, so a key's code may stand on
//! its column's least value; and weights that sum to 1 give back whatever was taken from all values, so a value's code stands on
//! the middle of its column's range. A key's column scale goes into the query, which has one scale in all.
//!
//! Scores are `Σ q · k` in i32, sixteen queries side by side, so that softmax asks no lane for another. Its weights are codes from 0
//! to 255, 255 for the greatest. In a long text many weights are small and count together, though each is next to nothing: what the codes
//! leave out of the sum of a query's weights is given to the mean of the values, so that no weight is lost, only whose it is. All sums of
//! codes are exact and all else is lane by lane, key after key, so the bits depend neither on the batch nor on the instruction set.
//!
//! A NaN or an infinity anywhere in a head of a text makes all of that head's output NaN.

mod quantize;
mod weigh;

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::attention::{Attention, distances};
use crate::kernels::{Rows, RowsMut};
use quantize::{Columns, Head};
use weigh::{Block, weigh};

/// The longest text whose sums cannot leave i32: `255 · 127 · len < 2^31`.
pub const ATTENTION_I8_MAX_LEN: usize = 65_536;

/// The parts of the scratch.
struct Parts<'s> {
    /// Key codes, `[len][width]`.
    keys: &'s mut [u8],
    /// Query codes, `[len/16][width/4][16][4]`.
    queries: &'s mut [i8],
    /// Value codes, `[width/16][len/4][16][4]`.
    values: &'s mut [i8],
    /// What the codes of each sixteen columns mean.
    columns: &'s mut [Columns],
    /// Scores of sixteen queries, `[len][16]`.
    scores: &'s mut [[i32; 16]],
    /// Their weights, `[len/4][16][4]`.
    weights: &'s mut [[i32; 16]],
    /// The bias by query less key, from `1 - len` on; fifteen more to be read in sixteens.
    bias: &'s mut [f32],
}

/// How many f32 the parts take.
fn sizes(len: usize, head_dim: usize) -> [usize; 7] {
    let width = head_dim.next_multiple_of(16);
    let groups = 16 * len.div_ceil(4);
    let columns = width / 16 * size_of::<Columns>() / size_of::<f32>();
    [
        len * width / 4,
        len.next_multiple_of(16) * width / 4,
        groups * width / 16,
        columns,
        16 * len,
        groups,
        2 * len + 15,
    ]
}

/// How many values of scratch [`attention_i8`] needs for texts of up to `max_len` tokens.
#[must_use]
pub fn attention_i8_scratch(max_len: usize, head_dim: usize) -> usize {
    sizes(max_len, head_dim).iter().sum()
}

/// Writes each token's mix of the values of its own text, `heads · head_dim` values a row.
///
/// # Panics
///
/// If the segments do not ascend from 0, a text is over 65,536 tokens, a buffer is too short for its shape, the bias table is not
/// `[buckets][heads]`, there is a mask of keys, or the scratch is under [`attention_i8_scratch`] of the longest text.
pub fn attention_i8(isa: Isa, inputs: Attention<'_>, scratch: &mut [f32], out: RowsMut<'_>) {
    let longest = inputs.check(&out);
    assert!(inputs.mask.is_none(), "a mask of keys, which attention in codes does not take");
    assert!(longest <= ATTENTION_I8_MAX_LEN, "a text of {longest} tokens may overflow the sums");
    let needed = attention_i8_scratch(longest, inputs.head_dim);
    assert!(scratch.len() >= needed, "a scratch of {} values, {needed} are needed", scratch.len());
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
        for ends in self.inputs.segments.windows(2) {
            let (start, len) = (ends[0] as usize, (ends[1] - ends[0]) as usize);
            if len == 0 {
                continue;
            }
            for head in 0..self.inputs.heads {
                let (inputs, out) = (self.inputs, self.out.reborrow());
                s.vectorize(One { inputs, start, len, head, scratch: self.scratch, out });
            }
        }
    }
}

/// One head of one text.
struct One<'a, 's> {
    inputs: Attention<'a>,
    start: usize,
    len: usize,
    head: usize,
    scratch: &'s mut [f32],
    out: RowsMut<'s>,
}

impl Kernel for One<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { inputs, start, len, head, scratch, mut out } = self;
        let Attention { q, k, v, head_dim, scale, relative_bias, causal, .. } = inputs;
        let mut parts = split(scratch, len, head_dim);
        let column = head * head_dim;
        let at = |stride| start * stride + column;
        let rows = [q, k, v].map(|rows| Rows { values: &rows.values[at(rows.stride)..], stride: rows.stride });
        let unit = Head { rows, len, head_dim }.quantize(s, scale, &mut parts);
        if let Some(bias) = relative_bias {
            // Read for ascending queries at one key: by query less key.
            distances(bias, head, len, &mut parts.bias[..2 * len - 1]);
            parts.bias[..2 * len - 1].reverse();
            parts.bias.iter_mut().for_each(|bias| *bias *= std::f32::consts::LOG2_E);
        }
        let mut out = out.from(start, column);
        for block in 0..len.div_ceil(16) {
            let block = Block { index: block, len, head_dim, causal };
            weigh(s, &mut parts, block, unit, relative_bias.is_some(), &mut out);
        }
    }
}

/// The parts of the scratch for a text of `len` tokens.
#[inline(always)]
fn split(scratch: &mut [f32], len: usize, head_dim: usize) -> Parts<'_> {
    let mut rest = scratch;
    let [keys, queries, values, columns, scores, weights, bias] = sizes(len, head_dim).map(|size| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(size);
        rest = after;
        part
    });
    Parts {
        keys: bytemuck::cast_slice_mut(keys),
        queries: bytemuck::cast_slice_mut(queries),
        values: bytemuck::cast_slice_mut(values),
        columns: bytemuck::cast_slice_mut(columns),
        scores: bytemuck::cast_slice_mut(scores),
        weights: bytemuck::cast_slice_mut(weights),
        bias,
    }
}

#[cfg(test)]
mod tests;

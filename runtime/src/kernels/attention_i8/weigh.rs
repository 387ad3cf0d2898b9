//! Sixteen queries of one head: scores, softmax, and the mix of the values.

use super::Parts;
use super::quantize::Unit;
use crate::isa::{Simd, Tiles, Walk};
use crate::kernels::RowsMut;
use core::ops::Range;

/// `255 · 2^f` for |f| ≤ 1/2 within 2.6e-2: a ten-thousandth of it, and far less than the rounding of a code.
const P: [f32; 4] = [254.981_66, 176.781_56, 61.865_837, 14.068_775];
/// Adding 1.5·2^23 rounds a small f32 to a whole number and leaves it in the low bits.
const WHOLE: f32 = 12_582_912.0;
/// Under it, as a power of two, a weight is too small to count, however many there are.
const LEAST: f32 = -64.0;

/// Which text, block and head dimension.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Which sixteen queries.
    pub(super) index: usize,
    pub(super) len: usize,
    pub(super) head_dim: usize,
    /// Whether a query sees only its own key and those before it.
    pub(super) causal: bool,
}

impl Block {
    /// The keys that all of its queries see; after them come those that some do.
    #[inline(always)]
    fn open(self) -> usize {
        if self.causal { 16 * self.index } else { self.len }
    }

    /// The keys that any of its queries sees.
    #[inline(always)]
    fn seen(self) -> usize {
        if self.causal { self.len.min(16 * (self.index + 1)) } else { self.len }
    }
}

/// Of a block's own keys each: all bits of the lanes whose queries see it.
const SEES: [[i32; 16]; 16] = {
    let mut sees = [[0; 16]; 16];
    let mut at = 0;
    while at < 256 {
        if at % 16 >= at / 16 {
            sees[at / 16][at % 16] = -1;
        }
        at += 1;
    }
    sees
};

/// `x` in the lanes whose queries see key `key` of their block, `other` elsewhere.
#[inline(always)]
fn where_seen<S: Simd>(s: S, key: usize, x: S::I, other: i32) -> S::I {
    let sees = s.load_int(&SEES[key]);
    let unseen = s.sub_int(s.splat_int(-1), sees);
    s.or(s.and(x, sees), s.and(s.splat_int(other), unseen))
}

/// Writes the outputs of the queries of `block`, as many as there are.
#[inline(always)]
pub(super) fn weigh<S: Simd>(
    s: S,
    parts: &mut Parts<'_>,
    block: Block,
    unit: Unit,
    biased: bool,
    out: &mut RowsMut<'_>,
) {
    let greatest = match S::TILES {
        Tiles::Wide => scores::<S, 8>(s, parts, block),
        Tiles::Narrow => scores::<S, 4>(s, parts, block),
    };
    let (top, power) = match biased {
        true => (Top::<S>::Sums(add_bias(s, parts, block, unit, greatest)), 1.0),
        false => (Top::<S>::Codes(greatest), unit.score),
    };
    let total = soften(s, parts, block, top, power);
    let open = block.open();
    // Of a session's first items there is no mean yet: there the codes are all that counts.
    let each = s.splat(if open > 0 { 1.0 / open as f32 } else { 0.0 });
    for columns in parts.columns.iter_mut() {
        let sums = s.int_to_f32(s.load_int(&columns.sums));
        s.store(&mut columns.mean, s.mul(sums, each));
    }
    if block.causal {
        take_in(s, parts, block);
    }
    let codes = s.int_to_f32(total.codes);
    let whole = if open > 0 { total.weights } else { codes };
    let shares = Shares {
        left: s.to_array(s.sub(whole, codes)),
        inverse: s.to_array(s.div(s.splat(unit.one), whole)),
        count: (block.len - 16 * block.index).min(16),
    };
    let mut c = 0;
    while c < parts.columns.len() {
        let pair = S::TILES == Tiles::Wide && c + 2 <= parts.columns.len();
        match S::TILES {
            Tiles::Wide if pair => (0..shares.count).step_by(8).for_each(|first| {
                mix::<S, 8, 2>(s, parts, c, block, first, &shares, out);
            }),
            Tiles::Wide if shares.count > 8 => mix::<S, 16, 1>(s, parts, c, block, 0, &shares, out),
            Tiles::Wide => mix::<S, 8, 1>(s, parts, c, block, 0, &shares, out),
            Tiles::Narrow => (0..shares.count).step_by(4).for_each(|first| {
                mix::<S, 4, 1>(s, parts, c, block, first, &shares, out);
            }),
        }
        c += if pair { 2 } else { 1 };
    }
}

/// What a block's queries do with their sums.
struct Shares {
    /// What the codes leave out of the sum of each query's weights.
    left: [f32; 16],
    /// One over that sum.
    inverse: [f32; 16],
    /// How many queries there are.
    count: usize,
}

/// The scores of each key that is seen, in codes and but for a number that is the same for all keys, those of `KEYS` summed at once.
/// Returns the greatest of each query.
#[inline(always)]
fn scores<S: Simd, const KEYS: usize>(s: S, parts: &mut Parts<'_>, block: Block) -> S::I {
    let (open, seen) = (block.open(), block.seen());
    let mut greatest = scores_of::<S, KEYS>(s, parts, block, 0..open);
    if open < seen {
        scores_of::<S, KEYS>(s, parts, block, open..seen);
        for (key, score) in parts.scores[open..seen].iter().enumerate() {
            greatest = s.max_int(where_seen(s, key, s.load_int(score), i32::MIN), greatest);
        }
    }
    greatest
}

#[inline(always)]
fn scores_of<S: Simd, const KEYS: usize>(s: S, parts: &mut Parts<'_>, block: Block, keys: Range<usize>) -> S::I {
    let width = 16 * parts.columns.len();
    let queries = &parts.queries[16 * width * block.index..];
    let codes = &parts.keys[width * keys.start..];
    let mut greatest = s.splat_int(i32::MIN);
    let (tiles, rest) = parts.scores[keys].as_chunks_mut::<KEYS>();
    let last = KEYS * tiles.len();
    for (tile, scores) in tiles.iter_mut().enumerate() {
        let codes = &codes[KEYS * width * tile..];
        greatest = some_scores(s, codes, width, queries, block.head_dim, scores, greatest);
    }
    let (fours, rest) = rest.as_chunks_mut::<4>();
    for (four, scores) in fours.iter_mut().enumerate() {
        let codes = &codes[width * (last + 4 * four)..];
        greatest = some_scores(s, codes, width, queries, block.head_dim, scores, greatest);
    }
    let last = last + 4 * fours.len();
    for (key, score) in rest.iter_mut().enumerate() {
        let codes = &codes[width * (last + key)..];
        greatest = some_scores(s, codes, width, queries, block.head_dim, std::array::from_mut(score), greatest);
    }
    greatest
}

#[inline(always)]
fn some_scores<S: Simd, const R: usize>(
    s: S,
    keys: &[u8],
    width: usize,
    queries: &[i8],
    head_dim: usize,
    scores: &mut [[i32; 16]; R],
    mut greatest: S::I,
) -> S::I {
    let walk = Walk::<u8, 4, i8, 64, R, 1>::new(keys, width, queries, 0, head_dim.div_ceil(4));
    let mut sums = [s.splat_int(0); R];
    for step in walk.steps() {
        let query = s.weights(step.panel(0));
        for (r, sum) in sums.iter_mut().enumerate() {
            *sum = s.dot(*sum, s.codes(step.row(r)), query);
        }
    }
    for (score, &sum) in scores.iter_mut().zip(&sums) {
        s.store_int(score, sum);
        greatest = s.max_int(sum, greatest);
    }
    greatest
}

/// Makes of the scores f32 powers of two with the bias in them. Returns the greatest of each query.
#[inline(always)]
fn add_bias<S: Simd>(s: S, parts: &mut Parts<'_>, block: Block, unit: Unit, greatest: S::I) -> S::F {
    let mut most = s.splat(f32::NEG_INFINITY);
    let open = block.open();
    for (key, score) in parts.scores[..block.seen()].iter_mut().enumerate() {
        let bias = &parts.bias[16 * block.index + block.len - 1 - key..];
        let bias = s.load(bias.first_chunk().expect("the bias goes on for sixteen"));
        let size = s.int_to_f32(s.sub_int(s.load_int(score), greatest));
        let x = s.fma(size, s.splat(unit.score), bias);
        s.store_int(score, s.bits(x));
        let x = match key.checked_sub(open) {
            Some(key) => s.of_bits(where_seen(s, key, s.bits(x), f32::NEG_INFINITY.to_bits() as i32)),
            None => x,
        };
        most = s.max(x, most);
    }
    most
}

/// The greatest score of each query.
#[derive(Clone, Copy)]
enum Top<S: Simd> {
    /// In codes, as the scores are.
    Codes(S::I),
    /// In powers of two, as the scores are.
    Sums(S::F),
}

impl<S: Simd> Top<S> {
    /// How far a score lies below it.
    #[inline(always)]
    fn above(self, s: S, score: &[i32; 16]) -> S::F {
        match self {
            Self::Codes(top) => s.int_to_f32(s.sub_int(s.load_int(score), top)),
            Self::Sums(top) => s.sub(s.of_bits(s.load_int(score)), top),
        }
    }
}

/// The sums of each query's weights.
#[derive(Clone, Copy)]
struct Total<S: Simd> {
    /// Of their codes.
    codes: S::I,
    /// Of themselves.
    weights: S::F,
}

/// The weights of all keys that are seen, four to a word, where `unit` makes of a score a power of two.
#[inline(always)]
fn soften<S: Simd>(s: S, parts: &mut Parts<'_>, block: Block, top: Top<S>, unit: f32) -> Total<S> {
    let mut total = Total { codes: s.splat_int(0), weights: s.splat(0.0) };
    let (open, own) = parts.scores[..block.seen()].split_at(block.open());
    let (fours, rest) = open.as_chunks::<4>();
    let (words, last) = parts.weights.split_at_mut(fours.len());
    for (word, scores) in words.iter_mut().zip(fours) {
        total = word_of(s, scores, top, unit, total, word, None);
    }
    if !block.causal {
        if let [word, ..] = last {
            total = word_of(s, rest, top, unit, total, word, None);
        }
        return total;
    }
    for (first, (word, scores)) in (0..).step_by(4).zip(last.iter_mut().zip(own.chunks(4))) {
        total = word_of(s, scores, top, unit, total, word, Some(first));
    }
    total
}

/// The weights of up to four keys into a word; of a block's own keys from `own` on, those that are seen. Returns the new total.
#[inline(always)]
fn word_of<S: Simd>(
    s: S,
    scores: &[[i32; 16]],
    top: Top<S>,
    unit: f32,
    mut total: Total<S>,
    word: &mut [i32; 16],
    own: Option<usize>,
) -> Total<S> {
    let mut codes = [s.splat_int(0); 4];
    for (key, (code, score)) in codes.iter_mut().zip(scores).enumerate() {
        let mut weight = weight(s, top.above(s, score), unit);
        if let Some(first) = own {
            weight = s.of_bits(where_seen(s, first + key, s.bits(weight), 0));
        }
        *code = s.round_to_int(weight);
        total = Total { codes: s.add_int(total.codes, *code), weights: s.add(total.weights, weight) };
    }
    s.store_int(word, bytes(s, codes));
    total
}

/// Makes the values' sums and debts those of the keys that are seen, which the blocks before have taken in but for their own.
#[inline(always)]
fn take_in<S: Simd>(s: S, parts: &mut Parts<'_>, block: Block) {
    let (words, own) = (parts.weights.len(), block.open() / 4..block.seen().div_ceil(4));
    for (c, columns) in parts.columns.iter_mut().enumerate() {
        let (mut sums, mut debts) = match block.index {
            0 => (s.splat_int(0), s.splat_int(0)),
            _ => (s.load_int(&columns.sums), s.load_int(&columns.debts)),
        };
        let (codes, _) = parts.values[64 * words * c..].as_chunks::<64>();
        for codes in &codes[own.clone()] {
            let word = s.load_int(bytemuck::cast_ref(codes));
            let low = [s.shift_left::<24>(word), s.shift_left::<16>(word), s.shift_left::<8>(word), word];
            for byte in low {
                sums = s.add_int(sums, s.shift_right::<24>(byte));
            }
            if S::DEBTS {
                debts = s.debt(debts, s.weights(codes));
            }
        }
        s.store_int(&mut columns.sums, sums);
        s.store_int(&mut columns.debts, debts);
    }
}

/// Four numbers of 8 bits as the bytes of a word, the first lowest.
#[inline(always)]
fn bytes<S: Simd>(s: S, [a, b, c, d]: [S::I; 4]) -> S::I {
    let low = s.or(a, s.shift_left::<8>(b));
    s.or(low, s.or(s.shift_left::<16>(c), s.shift_left::<24>(d)))
}

/// `255 · 2^(x · unit)`
#[inline(always)]
fn weight<S: Simd>(s: S, x: S::F, unit: f32) -> S::F {
    let p = P.map(|p| s.splat(p));
    let x = s.max(x, s.splat(LEAST / unit));
    let (unit, whole) = (s.splat(unit), s.splat(WHOLE));
    let shifted = s.fma(x, unit, whole);
    let part = s.fma(x, unit, s.sub(whole, shifted));
    let size = s.fma(s.fma(s.fma(p[3], part, p[2]), part, p[1]), part, p[0]);
    s.of_bits(s.add_int(s.bits(size), s.shift_left::<23>(s.bits(shifted))))
}

/// `C` times sixteen columns from columns `c` on of the outputs of up to `R` queries from `first` on.
#[inline(always)]
fn mix<S: Simd, const R: usize, const C: usize>(
    s: S,
    parts: &Parts<'_>,
    c: usize,
    block: Block,
    first: usize,
    shares: &Shares,
    out: &mut RowsMut<'_>,
) {
    let words = block.seen().div_ceil(4);
    let sums = products::<S, R, C>(s, parts, words, c, first);
    for (c, sums) in (c..).zip(sums) {
        let columns = &parts.columns[c];
        let (scale, middle, mean) = (s.load(&columns.scale), s.load(&columns.middle), s.load(&columns.mean));
        for (r, sum) in (first..shares.count).zip(sums) {
            let sum = s.fma(s.splat(shares.left[r]), mean, sum);
            let y = s.fma(s.mul(sum, scale), s.splat(shares.inverse[r]), middle);
            let to = &mut out.row(16 * block.index + r, block.head_dim)[16 * c..];
            match to.first_chunk_mut() {
                Some(chunk) => s.store(chunk, y),
                None => s.store_part(to, y),
            }
        }
    }
}

/// The values' codes of `C` times sixteen columns from columns `c` on, summed by the weights of `R` queries from `first` on.
#[inline(always)]
fn products<S: Simd, const R: usize, const C: usize>(
    s: S,
    parts: &Parts<'_>,
    words: usize,
    c: usize,
    first: usize,
) -> [[S::F; R]; C] {
    let all = parts.weights.len();
    let mut values = [&[][..]; C];
    for (values, c) in values.iter_mut().zip(c..) {
        *values = &parts.values[64 * all * c..].as_chunks::<64>().0[..words];
    }
    let mut sums = [[s.splat_int(0); R]; C];
    for (word, weights) in parts.weights[..words].iter().enumerate() {
        let mut own = [s.weights(&values[0][word]); C];
        for (own, values) in own.iter_mut().zip(&values) {
            *own = s.weights(&values[word]);
        }
        for (r, weights) in weights[first..first + R].iter().enumerate() {
            let codes = s.codes(weights.to_le_bytes());
            for (sums, &values) in sums.iter_mut().zip(&own) {
                sums[r] = s.dot(sums[r], codes, values);
            }
        }
    }
    let mut totals = [[s.splat(0.0); R]; C];
    for (c, (totals, sums)) in (c..).zip(totals.iter_mut().zip(sums)) {
        let (value_sums, debts) = (s.load_int(&parts.columns[c].sums), s.load_int(&parts.columns[c].debts));
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total = s.int_to_f32(s.dot_total(s.add_int(sum, debts), value_sums));
        }
    }
    totals
}

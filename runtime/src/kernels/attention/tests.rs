//! Attention against naive f64, on every instruction set, alone and in batches.

use super::*;
use crate::kernels::Buckets;
use crate::kernels::testing::{Random, assert_bits, close};

/// Texts, heads and the bias between them.
#[derive(Clone)]
pub(crate) struct Case {
    heads: usize,
    head_dim: usize,
    pub(crate) segments: Vec<u32>,
    pub(crate) qkv: Vec<f32>,
    table: Vec<f32>,
    buckets: Buckets,
    /// A number for each key, and what is mixed where none is seen.
    mask: Option<(Vec<f32>, f32)>,
    pub(crate) causal: bool,
}

impl Case {
    pub(crate) fn new(random: &mut Random, heads: usize, head_dim: usize, lengths: &[u32], size: f32) -> Self {
        let mut segments = vec![0];
        segments.extend(lengths.iter().scan(0, |end, len| {
            *end += len;
            Some(*end)
        }));
        let rows = segments[lengths.len()] as usize;
        let buckets = Buckets::new(32, 128, true).expect("MPNet's rule");
        let table = random.floats(32 * heads, 2.0);
        Self {
            heads,
            head_dim,
            segments,
            qkv: random.floats(rows * 3 * heads * head_dim, size),
            table,
            buckets,
            mask: None,
            causal: false,
        }
    }

    fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    fn run(&self, isa: Isa, texts: std::ops::Range<usize>, biased: bool) -> Vec<f32> {
        self.attend(texts, biased, attention_scratch, |inputs, scratch, out| attention(isa, inputs, scratch, out))
    }

    /// The attention of some texts, by a kernel with its scratch.
    pub(crate) fn attend(
        &self,
        texts: std::ops::Range<usize>,
        biased: bool,
        scratch: fn(usize, usize) -> usize,
        mut kernel: impl FnMut(Attention<'_>, &mut [f32], RowsMut<'_>),
    ) -> Vec<f32> {
        let start = self.segments[texts.start];
        let segments: Vec<u32> = self.segments[texts.start..=texts.end].iter().map(|s| s - start).collect();
        let stride = 3 * self.width();
        let from = start as usize * stride;
        let part = |i: usize| Rows { values: self.qkv.get(from + i * self.width()..).unwrap_or(&[]), stride };
        let inputs = Attention {
            q: part(0),
            k: part(1),
            v: part(2),
            segments: &segments,
            heads: self.heads,
            head_dim: self.head_dim,
            scale: 1.0 / (self.head_dim as f32).sqrt(),
            relative_bias: biased.then_some(RelativeBias {
                buckets: &self.buckets,
                table: Rows { values: &self.table, stride: self.heads },
            }),
            mask: self.mask.as_ref().map(|(keys, unseen)| KeyMask { keys: &keys[start as usize..], unseen: *unseen }),
            causal: self.causal,
        };
        let longest = segments.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0);
        // What a session before left in the scratch must not show.
        let mut scratch = vec![f32::NAN; scratch(longest as usize, self.head_dim)];
        let mut out = vec![0.0; segments[segments.len() - 1] as usize * self.width()];
        kernel(inputs, &mut scratch, RowsMut::new(&mut out, self.width()));
        out
    }

    pub(crate) fn in_f64(&self, biased: bool) -> Vec<f64> {
        let (width, d) = (self.width(), self.head_dim);
        let at = |row: u32, part: usize, head: usize, i: usize| {
            f64::from(self.qkv[row as usize * 3 * width + part * width + head * d + i])
        };
        let mut out = vec![0.0; self.qkv.len() / 3];
        for ends in self.segments.windows(2) {
            for (i, head) in (ends[0]..ends[1]).flat_map(|i| (0..self.heads).map(move |head| (i, head))) {
                let score = |j: u32| {
                    let dot: f64 = (0..d).map(|n| at(i, 0, head, n) * at(j, 1, head, n)).sum();
                    let bucket = self.buckets.of(j as i32 - i as i32);
                    dot / (d as f64).sqrt()
                        + if biased { f64::from(self.table[bucket * self.heads + head]) } else { 0.0 }
                        + self.mask.as_ref().map_or(0.0, |(keys, _)| f64::from(keys[j as usize]))
                };
                let seen = ends[0]..if self.causal { i + 1 } else { ends[1] };
                let scores: Vec<f64> = seen.clone().map(score).collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
                let total: f64 = weights.iter().sum();
                for n in 0..d {
                    let mixed: f64 = seen.clone().zip(&weights).map(|(j, w)| w * at(j, 2, head, n)).sum();
                    out[i as usize * width + head * d + n] = match &self.mask {
                        Some((_, unseen)) if most == f64::NEG_INFINITY => f64::from(*unseen),
                        _ => mixed / total,
                    };
                }
            }
        }
        out
    }
}

#[test]
fn a_mask_hides_keys_on_every_isa() {
    let mut random = Random::new(62);
    for (heads, head_dim, lengths) in [(2, 8, &[1, 5, 0, 17, 33][..]), (1, 20, &[64, 3, 40])] {
        for (causal, hidden) in [(false, -1e9), (false, f32::NEG_INFINITY), (true, f32::NEG_INFINITY)] {
            let mut case = Case { causal, ..Case::new(&mut random, heads, head_dim, lengths, 1.5) };
            // The first half of each text is hidden, as padding before a session is, and of the last text all.
            let mut keys = vec![];
            for (text, &len) in lengths.iter().enumerate() {
                let shown = if text + 1 == lengths.len() { len } else { len / 2 };
                keys.extend((0..len).map(|at| if at < shown { hidden } else { 0.25 * at as f32 }));
            }
            case.mask = Some((keys, 0.0));
            let name = format!("{heads}x{head_dim} {lengths:?} hidden by {hidden}, causal {causal}");
            let expected = case.run(Isa::SCALAR, 0..lengths.len(), false);
            if hidden == f32::NEG_INFINITY {
                close(&expected, &case.in_f64(false), 1e-5, &name);
            }
            for isa in Isa::available() {
                assert_bits(&case.run(isa, 0..lengths.len(), false), &expected, &format!("{isa} {name}"));
                for text in 0..lengths.len() {
                    let rows = case.segments[text] as usize..case.segments[text + 1] as usize;
                    let width = heads * head_dim;
                    let alone = case.run(isa, text..text + 1, false);
                    assert_bits(
                        &alone,
                        &expected[rows.start * width..rows.end * width],
                        &format!("{isa} {name}, alone"),
                    );
                }
            }
        }
    }
}

#[test]
fn every_isa_matches_the_reference_and_the_reference_f64() {
    let mut random = Random::new(60);
    for (heads, head_dim, lengths) in [
        (2, 32, &[1, 2, 8, 0, 15, 16, 17, 33][..]),
        (3, 64, &[5, 20]),
        (1, 12, &[31, 7]),
        (2, 1, &[4]),
        (2, 17, &[3, 70]),
        (1, 32, &[130]),
    ] {
        for (size, biased, causal) in [
            (1.0, false, false),
            (3.0, true, false),
            (1e-38, false, false),
            (1.0, false, true),
            (3.0, true, true),
            (1e-38, false, true),
        ] {
            let case = Case { causal, ..Case::new(&mut random, heads, head_dim, lengths, size) };
            let name = format!("{heads}x{head_dim} {lengths:?} {size:e} biased {biased} causal {causal}");
            let expected = case.run(Isa::SCALAR, 0..lengths.len(), biased);
            close(&expected, &case.in_f64(biased), 1e-5, &name);
            for isa in Isa::available() {
                assert_bits(&case.run(isa, 0..lengths.len(), biased), &expected, &format!("{isa} {name}"));
            }
        }
    }
}

#[test]
fn a_text_does_not_depend_on_the_texts_beside_it() {
    let mut random = Random::new(61);
    let mut case = Case::new(&mut random, 2, 32, &[9, 1, 40, 16], 1.0);
    for (isa, causal) in Isa::available().flat_map(|isa| [(isa, false), (isa, true)]) {
        case.causal = causal;
        let all = case.run(isa, 0..4, true);
        for text in 0..4 {
            let rows = case.segments[text] as usize * 64..case.segments[text + 1] as usize * 64;
            assert_bits(&case.run(isa, text..text + 1, true), &all[rows], &format!("{isa} text {text}"));
        }
    }
}

#[test]
fn no_texts_are_no_work() {
    let case = Case::new(&mut Random::new(62), 2, 8, &[0], 1.0);
    assert_eq!(case.run(Isa::detect(), 0..1, false), Vec::<f32>::new());
}

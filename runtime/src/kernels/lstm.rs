//! Long short-term memory over the tokens of each text (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), as
//! PyTorch and cuDNN define it.
//!
//! Bound by the product of the state with the weights, as a [gated recurrent unit](super::gru) is: some texts go on together, and a text's
//! states do not depend on the texts beside it.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::epilogue::columns;
use crate::kernels::gemm_f32::{Weight, multiply};
use crate::kernels::state_weights::place;
use crate::kernels::{Epilogue, Rows, RowsMut, StateWeights};
use crate::numerics::{sigmoid, tanh};

/// Texts that go on together: as many as the tallest tile of a product.
const TOGETHER: usize = 8;

/// The inputs of a recurrent layer. With `[i, f, g, o] = x + h · weightsᵀ`: `c = σ(f) · c + σ(i) · tanh(g)`, `h = σ(o) · tanh(c)`.
#[derive(Clone, Copy, Debug)]
pub struct Lstm<'a> {
    /// The inputs' share of the gates, their biases included, `4 · state` values a row.
    pub x: Rows<'a>,
    /// `[4 · state, state]`
    pub weights: StateWeights<'a>,
    /// Whether it goes from the last token of a text to the first.
    pub backward: bool,
    /// Where each text starts, ascending, and last where the last one ends: one more than there are texts. Row 0 is that of the first.
    pub segments: &'a [u32],
}

/// How many values of scratch [`lstm`] needs.
#[must_use]
pub fn lstm_scratch(state: usize) -> usize {
    TOGETHER * 6 * state
}

/// Writes the state after each token, from a state and a cell of zeros before the first of each text, or after the last where it goes
/// backward.
///
/// # Panics
///
/// If the segments do not ascend, the weights are not those of four gates, a buffer is too short for its shape, or the scratch
/// is under [`lstm_scratch`].
pub fn lstm(isa: Isa, inputs: Lstm<'_>, scratch: &mut [f32], out: RowsMut<'_>) {
    let Lstm { x, weights, backward, segments } = inputs;
    let (n, state) = weights.size();
    assert_eq!(n, 4 * state, "the weights are not those of four gates");
    assert!(!segments.is_empty() && segments.is_sorted(), "the texts' starts do not ascend");
    let rows = (segments[segments.len() - 1] - segments[0]) as usize;
    x.check("x", rows, n);
    out.check("out", rows, state);
    let needed = lstm_scratch(state);
    assert!(scratch.len() >= needed, "a scratch of {} values, {needed} are needed", scratch.len());
    match weights {
        StateWeights::F32(w) => isa.run(Recur { x, panels: w.values, backward, segments, state, scratch, out }),
        StateWeights::Bf16(w) => isa.run(Recur { x, panels: w.values, backward, segments, state, scratch, out }),
    }
}

struct Recur<'a, W> {
    x: Rows<'a>,
    panels: &'a [W],
    backward: bool,
    segments: &'a [u32],
    state: usize,
    scratch: &'a mut [f32],
    out: RowsMut<'a>,
}

impl<W: Weight> Kernel for Recur<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let texts = self.segments.len() - 1;
        for first in (0..texts).step_by(TOGETHER) {
            let ends = &self.segments[first..=texts.min(first + TOGETHER)];
            let longest = ends.windows(2).map(|ends| ends[1] - ends[0]).max().unwrap_or(0);
            for token in 0..longest {
                self.token(s, ends, token);
            }
        }
    }
}

impl<W: Weight> Recur<'_, W> {
    /// The states after the token of that number, of the texts that have one.
    #[inline(always)]
    fn token<S: Simd>(&mut self, s: S, ends: &[u32], token: u32) {
        let Self { x, panels, backward, state, .. } = *self;
        let first = self.segments[0];
        let (states, rest) = self.scratch.split_at_mut(TOGETHER * state);
        // A text's cell stays in its place, whichever texts have ended.
        let (cells, gates) = rest.split_at_mut(TOGETHER * state);
        let mut rows = [(0, 0); TOGETHER];
        let mut count = 0;
        for (text, ends) in ends.windows(2).enumerate().filter(|(_, ends)| token < ends[1] - ends[0]) {
            let (row, earlier) = place(backward, (ends[0] - first, ends[1] - first), token);
            let before = &mut states[count * state..][..state];
            match token {
                0 => {
                    before.fill(0.0);
                    cells[text * state..][..state].fill(0.0);
                }
                _ => before.copy_from_slice(self.out.written(earlier, state)),
            }
            rows[count] = (row, text);
            count += 1;
        }
        let before = Rows { values: states, stride: state };
        let to = RowsMut::new(gates, 4 * state);
        s.vectorize(multiply(before, count, panels, (4 * state, state), Epilogue::default(), to));
        for (i, &(row, text)) in rows[..count].iter().enumerate() {
            s.vectorize(Gates {
                x: x.row(row, 4 * state),
                gates: &gates[i * 4 * state..][..4 * state],
                cell: &mut cells[text * state..][..state],
                out: self.out.row(row, state),
            });
        }
    }
}

/// One text's state and cell from those before.
struct Gates<'a> {
    x: &'a [f32],
    gates: &'a [f32],
    cell: &'a mut [f32],
    out: &'a mut [f32],
}

impl Kernel for Gates<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let state = self.cell.len();
        for (c, (to, cell)) in self.out.chunks_mut(16).zip(self.cell.chunks_mut(16)).enumerate() {
            let sum = |gate: usize| {
                let of = |values: &[f32]| columns::<S, false>(s, &values[gate * state..][..state], 16 * c);
                s.add(of(self.x), of(self.gates))
            };
            let (input, forget, output) = (sigmoid(s, sum(0)), sigmoid(s, sum(1)), sigmoid(s, sum(3)));
            let new = s.mul(input, tanh(s, sum(2)));
            let after = s.fma(forget, columns::<S, false>(s, cell, 0), new);
            let shown = s.mul(output, tanh(s, after));
            match (to.first_chunk_mut(), cell.first_chunk_mut()) {
                (Some(to), Some(cell)) => {
                    s.store(cell, after);
                    s.store(to, shown);
                }
                _ => {
                    s.store_part(cell, after);
                    s.store_part(to, shown);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};
    use crate::kernels::{Bf16Panels, F32Panels};

    struct Case {
        backward: bool,
        state: usize,
        segments: Vec<u32>,
        x: Vec<f32>,
        weights: Vec<f32>,
    }

    impl Case {
        fn new(random: &mut Random, backward: bool, state: usize, lengths: &[u32]) -> Case {
            let mut segments = vec![0];
            segments.extend(lengths.iter().scan(0, |end, len| {
                *end += len;
                Some(*end)
            }));
            let rows = segments[lengths.len()] as usize;
            let half = |x: f32| f32::from_bits(x.to_bits() >> 16 << 16);
            let weights = random.floats(4 * state * state, 0.5).into_iter().map(half).collect();
            Case { backward, state, segments, x: random.floats(rows * 4 * state, 1.5), weights }
        }

        /// `[n/16][k][16]`
        fn panels(&self) -> Vec<f32> {
            let (n, k) = (4 * self.state, self.state);
            let mut panels = vec![0.0; n.next_multiple_of(16) * k];
            for (row, column) in (0..n).flat_map(|row| (0..k).map(move |column| (row, column))) {
                panels[(row / 16 * k + column) * 16 + row % 16] = self.weights[row * k + column];
            }
            panels
        }

        fn run(&self, isa: Isa, texts: core::ops::Range<usize>, halves: bool) -> Vec<f32> {
            let (n, k) = (4 * self.state, self.state);
            let panels = self.panels();
            let bits: Vec<u16> = panels.iter().map(|w| (w.to_bits() >> 16) as u16).collect();
            let weights = match halves {
                true => StateWeights::Bf16(Bf16Panels { values: &bits, n, k }),
                false => StateWeights::F32(F32Panels { values: &panels, n, k }),
            };
            let start = self.segments[texts.start];
            let segments = &self.segments[texts.start..=texts.end];
            let x = Rows { values: &self.x[start as usize * n..], stride: n };
            let mut scratch = vec![f32::NAN; lstm_scratch(k)];
            let mut out = vec![9.0; (segments[texts.len()] - start) as usize * k];
            let inputs = Lstm { x, weights, backward: self.backward, segments };
            lstm(isa, inputs, &mut scratch, RowsMut::new(&mut out, k));
            out
        }

        fn in_f64(&self) -> Vec<f64> {
            let k = self.state;
            let logistic = |x: f64| 1.0 / (1.0 + libm::exp(-x));
            let mut out = vec![0.0; self.x.len() / 4];
            for ends in self.segments.windows(2) {
                let (mut h, mut c) = (vec![0.0; k], vec![0.0; k]);
                let mut rows: Vec<usize> = (ends[0] as usize..ends[1] as usize).collect();
                if self.backward {
                    rows.reverse();
                }
                for row in rows {
                    let gate = |gate: usize, i: usize| {
                        let weights = &self.weights[(gate * k + i) * k..][..k];
                        let dot: f64 = weights.iter().zip(&h).map(|(&w, h)| f64::from(w) * h).sum();
                        f64::from(self.x[row * 4 * k + gate * k + i]) + dot
                    };
                    let cell = |i: usize| logistic(gate(1, i)) * c[i] + logistic(gate(0, i)) * libm::tanh(gate(2, i));
                    let cells: Vec<f64> = (0..k).map(cell).collect();
                    let states = (0..k).map(|i| logistic(gate(3, i)) * libm::tanh(cells[i])).collect();
                    (h, c) = (states, cells);
                    out[row * k..][..k].copy_from_slice(&h);
                }
            }
            out
        }
    }

    #[test]
    fn every_isa_matches_the_reference_and_the_reference_f64() {
        let mut random = Random::new(78);
        for (backward, state, lengths) in [
            (false, 1, &[3][..]),
            (false, 7, &[1, 5, 0, 2]),
            (true, 7, &[1, 5, 0, 2]),
            (true, 16, &[4, 4]),
            (false, 17, &[9]),
            (false, 33, &[2, 1, 3, 3, 1, 2, 6, 4, 5, 2]),
            (true, 33, &[2, 1, 3, 3, 1, 2, 6, 4, 5, 2]),
            (false, 64, &[3, 1, 1, 1, 1, 1, 1, 1, 2, 0, 3, 3, 3, 3, 3, 3, 3, 1]),
        ] {
            let case = Case::new(&mut random, backward, state, lengths);
            let name = format!("{state} wide, {lengths:?}, backward {backward}");
            let expected = case.run(Isa::SCALAR, 0..lengths.len(), false);
            close(&expected, &case.in_f64(), 3e-6, &name);
            for isa in Isa::available() {
                for halves in [false, true] {
                    let got = case.run(isa, 0..lengths.len(), halves);
                    assert_bits(&got, &expected, &format!("{isa} {name} halves {halves}"));
                }
                for text in 0..lengths.len() {
                    let rows = case.segments[text] as usize * state..case.segments[text + 1] as usize * state;
                    let alone = case.run(isa, text..text + 1, false);
                    assert_bits(&alone, &expected[rows], &format!("{isa} {name}, text {text} alone"));
                }
            }
        }
    }
}

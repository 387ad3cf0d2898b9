//! The steps that a program is made of. Adding one is a variant here, its bytes in `codec`, its rules in `verify` and its
//! kernel in the runtime; the compiler's `lower` then may use it.

use super::{Activation, PartRange, Pooling, SlotId, TensorId, Triangle, View};

/// Which row of a table a token takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// That of its id.
    TokenId,
    /// That of its type: which text of a pair it belongs to.
    TokenType,
    /// That of its position in its text, from 0, plus an offset.
    Position {
        /// Added to the position.
        offset: u32,
    },
    /// Row 0 for the token `padding`; for any other its number among the others of its text, from 1. So RoBERTa and its kin count
    /// (`create_position_ids_from_input_ids` of the Hugging Face library, less the padding's id).
    Counted {
        /// The id of the padding's token, which a text may spell out.
        padding: u32,
    },
    /// That of the number of tokens that come after it in its text.
    FromEnd,
    /// That of one of the ids that are given with an item of a session (rankers only).
    Id {
        /// Which of them.
        column: u32,
    },
}

/// One table of an embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lookup {
    /// `[rows, width]`: f32, bf16, i8 with `scales`, or u4 with `scales` and `offsets`.
    pub table: TensorId,
    /// `[rows]` f32, for a table of codes: the value is the code times its row's scale, and the row's offset more.
    pub scales: Option<TensorId>,
    /// `[rows]` f32, for a table of codes; none for an i8 table where all are 0.
    pub offsets: Option<TensorId>,
    /// Which row.
    pub index: Index,
}

/// The weights of a linear layer, `[n, k]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weights {
    /// f32 or bf16 panels, for an f32 input.
    Float(TensorId),
    /// i8 quad panels, for a Q8 input.
    Int8 {
        /// `[n, k]` i8.
        codes: TensorId,
        /// `[n]` f32: what one code is worth.
        scales: TensorId,
        /// `[n]` i32: the sum of a channel's codes.
        sums: TensorId,
    },
}

/// The second, quantized output of a layer normalization, with a scale and shift of its own (smoothing).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantized {
    /// `[width]` f32.
    pub gamma: TensorId,
    /// `[width]` f32.
    pub beta: TensorId,
    /// Q8, of the same width.
    pub out: SlotId,
}

/// A bias on attention scores that depends on the distance of two tokens (Raffel et al. 2020, T5; MPNet).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RelativeBias {
    /// `[buckets, heads]` f32.
    pub table: TensorId,
    /// Distances from here on share the last bucket.
    pub max_distance: u32,
}

/// One thing that a session does. Every input must be complete, and an output must not lie over an input, but as
/// [`in_place`](Step::in_place) says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// `out[t] = Σ table[index(t)]`, over one to three tables, in their order.
    Embed {
        /// The tables; at least one, the rest `None`.
        lookups: [Option<Lookup>; 3],
        /// f32, a row for each token.
        out: SlotId,
    },
    /// `out = a + b`.
    Add {
        /// f32.
        a: SlotId,
        /// f32.
        b: SlotId,
        /// f32.
        out: SlotId,
    },
    /// `out = (x − mean(x)) / √(var(x) + epsilon) · gamma + beta`, by row (Ba et al. 2016), and the same quantized.
    LayerNorm {
        /// f32.
        x: SlotId,
        /// `[width]` f32.
        gamma: TensorId,
        /// `[width]` f32.
        beta: TensorId,
        /// Added to the variance.
        epsilon: f32,
        /// f32.
        out: SlotId,
        /// The quantized output, if any.
        quantized: Option<Quantized>,
    },
    /// `out = x` in 8 bit, by row, asymmetric.
    Quantize {
        /// f32.
        x: SlotId,
        /// Q8.
        out: SlotId,
    },
    /// `out = activation(x · weightsᵀ + bias) + residual`, or those rows in 8 bit, as [`Step::Quantize`] gives them.
    Linear {
        /// f32 or Q8, as the weights ask.
        x: SlotId,
        /// `[n, k]`.
        weights: Weights,
        /// `[n]` f32.
        bias: Option<TensorId>,
        /// After the bias.
        activation: Activation,
        /// f32, added last.
        residual: Option<SlotId>,
        /// f32 or, where there is no residual, Q8; `n` wide.
        out: SlotId,
    },
    /// `out = softmax(q · kᵀ · scale + bias) · v`, within each text, by head.
    Attention {
        /// f32, `heads · head_dim` wide, a row for each token; or one for each text, which has no place among the tokens: then there is
        /// no bias, and it is neither `int8` nor `causal`.
        q: View,
        /// Like `q`, a row for each token.
        k: View,
        /// Like `k`.
        v: View,
        /// How many heads stand side by side.
        heads: u32,
        /// The factor on the scores.
        scale: f32,
        /// The bias on the scores, if any.
        bias: Option<RelativeBias>,
        /// Whether it is computed in 8-bit codes, each head of each text quantized by itself.
        int8: bool,
        /// Whether a token sees only itself and those before it.
        causal: bool,
        /// f32, as wide as `q`, with as many rows.
        out: SlotId,
    },
    /// `out = softmax(q · kᵀ · scale + mask) · v`, within each text, by head, in f32: the mask is of keys, as of padding.
    MaskedAttention {
        /// f32, `heads · head_dim` wide, a row for each token.
        q: View,
        /// Like `q`.
        k: View,
        /// Like `q`.
        v: View,
        /// How many heads stand side by side.
        heads: u32,
        /// The factor on the scores.
        scale: f32,
        /// f32, one wide: added to the scores of each key.
        mask: SlotId,
        /// Whether a token sees only itself and those before it.
        causal: bool,
        /// Whether a token mixes zeros, not NaN, where the mask of all that it sees is −∞.
        safe: bool,
        /// f32, as wide as `q`.
        out: SlotId,
    },
    /// `out[text] = pooling of x over the text's tokens`.
    Pool {
        /// f32, a row for each token.
        x: SlotId,
        /// How.
        pooling: Pooling,
        /// f32, a row for each text.
        out: SlotId,
    },
    /// `out = x / max(‖x‖₂, 1e-12)`, by row.
    Normalize {
        /// f32.
        x: SlotId,
        /// f32.
        out: SlotId,
    },
    /// `out = activation(x)`.
    Activate {
        /// f32.
        x: SlotId,
        /// Which function.
        activation: Activation,
        /// f32.
        out: SlotId,
    },
    /// `out = exp(x) / Σ exp(x)`, by row.
    Softmax {
        /// f32.
        x: SlotId,
        /// f32.
        out: SlotId,
    },
    /// `out = parts, side by side`, by row.
    Concat {
        /// The parts, in the program's table of them.
        parts: PartRange,
        /// f32, as wide as the parts together.
        out: SlotId,
    },
    /// `out = a · b`, number by number.
    Mul {
        /// f32.
        a: SlotId,
        /// f32, as wide as `a`, or of one number for all of a row.
        b: SlotId,
        /// f32.
        out: SlotId,
    },
    /// `out = x · gamma + beta`, by row.
    Affine {
        /// f32.
        x: SlotId,
        /// `[width]` f32.
        gamma: TensorId,
        /// `[width]` f32.
        beta: TensorId,
        /// f32.
        out: SlotId,
    },
    /// `out = Σ the fields of x`, which are as wide as `out` and stand side by side.
    Sum {
        /// f32.
        x: SlotId,
        /// How many they are.
        fields: u32,
        /// f32.
        out: SlotId,
    },
    /// `out = Σ a · b` over a row: one number.
    Dot {
        /// f32, with the rows of `out`.
        a: SlotId,
        /// f32, with the rows of `out`, or a row for each text where `out` has one for each candidate.
        b: SlotId,
        /// f32, one wide.
        out: SlotId,
    },
    /// The dot products of the pairs of a row's fields (Naumov et al. 2019, DLRM).
    Pairs {
        /// f32: the fields side by side, all of one width.
        x: SlotId,
        /// How many they are.
        fields: u32,
        /// Which pairs, in which order.
        triangle: Triangle,
        /// Whether a field is also multiplied by itself.
        diagonal: bool,
        /// f32, a number for each pair.
        out: SlotId,
    },
    /// A gated recurrent unit over the tokens of each text, from a state of zeros (Cho et al. 2014; the reset gate is applied after the
    /// product, as PyTorch and cuDNN do). With `[r, z, n] = x` and `[hr, hz, hn] = h · weightsᵀ + bias`:
    /// `r = σ(r + hr)`, `z = σ(z + hz)`, `n = tanh(n + r · hn)`, `h = (1 − z) · n + z · h`.
    Gru {
        /// f32, three times as wide as the state: the inputs' share of the gates, their bias included.
        x: SlotId,
        /// `[3 · state, state]`, f32 or bf16 panels.
        weights: TensorId,
        /// `[3 · state]` f32.
        bias: TensorId,
        /// Whether it goes from the last token to the first.
        backward: bool,
        /// f32, the state after each token.
        out: SlotId,
    },
    /// Long short-term memory over the tokens of each text, from a state and a cell of zeros (Hochreiter and Schmidhuber 1997, with the
    /// forget gate of Gers et al. 2000). With `[i, f, g, o] = x + h · weightsᵀ`: `c = σ(f) · c + σ(i) · tanh(g)`, `h = σ(o) · tanh(c)`.
    Lstm {
        /// f32, four times as wide as the state: the inputs' share of the gates, all biases included.
        x: SlotId,
        /// `[4 · state, state]`, f32 or bf16 panels.
        weights: TensorId,
        /// Whether it goes from the last token to the first.
        backward: bool,
        /// f32, the state after each token.
        out: SlotId,
    },
    /// `out = the greatest of the fields of x`, number by number; they are as wide as `out` and stand side by side.
    Max {
        /// f32.
        x: SlotId,
        /// How many they are.
        fields: u32,
        /// f32.
        out: SlotId,
    },
}

impl Step {
    /// The name that listings use.
    pub const fn name(&self) -> &'static str {
        match self {
            Step::Embed { .. } => "embed",
            Step::Add { .. } => "add",
            Step::LayerNorm { .. } => "layer_norm",
            Step::Quantize { .. } => "quantize",
            Step::Linear { weights: Weights::Float(_), .. } => "linear",
            Step::Linear { weights: Weights::Int8 { .. }, .. } => "linear_i8",
            Step::Attention { int8: false, .. } => "attention",
            Step::Attention { int8: true, .. } => "attention_i8",
            Step::MaskedAttention { .. } => "masked_attention",
            Step::Concat { .. } => "concat",
            Step::Mul { .. } => "mul",
            Step::Affine { .. } => "affine",
            Step::Sum { .. } => "sum",
            Step::Dot { .. } => "dot",
            Step::Pairs { .. } => "pairs",
            Step::Gru { .. } => "gru",
            Step::Lstm { .. } => "lstm",
            Step::Max { .. } => "max",
            Step::Pool { .. } => "pool",
            Step::Normalize { .. } => "normalize",
            Step::Activate { .. } => "activate",
            Step::Softmax { .. } => "softmax",
        }
    }

    /// The slots that the step reads, but for those of [`Step::Concat`], which [`Program::inputs`](super::Program::inputs) knows.
    pub fn own_inputs(&self) -> impl Iterator<Item = SlotId> + use<> {
        let slots = match *self {
            Step::Embed { .. } | Step::Concat { .. } => [None; 3],
            Step::Add { a, b, .. } | Step::Mul { a, b, .. } | Step::Dot { a, b, .. } => [Some(a), Some(b), None],
            Step::LayerNorm { x, .. }
            | Step::Quantize { x, .. }
            | Step::Pool { x, .. }
            | Step::Normalize { x, .. }
            | Step::Activate { x, .. }
            | Step::Softmax { x, .. }
            | Step::Affine { x, .. }
            | Step::Sum { x, .. }
            | Step::Pairs { x, .. }
            | Step::Gru { x, .. }
            | Step::Lstm { x, .. }
            | Step::Max { x, .. } => [Some(x), None, None],
            Step::Linear { x, residual, .. } => [Some(x), residual, None],
            Step::Attention { q, k, v, .. } | Step::MaskedAttention { q, k, v, .. } => {
                [Some(q.slot), Some(k.slot), Some(v.slot)]
            }
        };
        let mask = match *self {
            Step::MaskedAttention { mask, .. } => Some(mask),
            _ => None,
        };
        slots.into_iter().flatten().chain(mask)
    }

    /// The slots that the step writes, whole.
    pub fn outputs(&self) -> impl Iterator<Item = SlotId> + use<> {
        let second = match *self {
            Step::LayerNorm { quantized, .. } => quantized.map(|quantized| quantized.out),
            _ => None,
        };
        let first = match *self {
            Step::Embed { out, .. }
            | Step::Add { out, .. }
            | Step::LayerNorm { out, .. }
            | Step::Quantize { out, .. }
            | Step::Linear { out, .. }
            | Step::Attention { out, .. }
            | Step::MaskedAttention { out, .. }
            | Step::Pool { out, .. }
            | Step::Normalize { out, .. }
            | Step::Activate { out, .. }
            | Step::Softmax { out, .. }
            | Step::Concat { out, .. }
            | Step::Mul { out, .. }
            | Step::Affine { out, .. }
            | Step::Sum { out, .. }
            | Step::Dot { out, .. }
            | Step::Pairs { out, .. }
            | Step::Gru { out, .. }
            | Step::Lstm { out, .. }
            | Step::Max { out, .. } => out,
        };
        core::iter::once(first).chain(second)
    }

    /// The inputs that the step's first output may lie over, exactly: a row of the output needs no other row of theirs than its own,
    /// and its kernel reads what stands there before it writes.
    pub fn in_place(&self) -> impl Iterator<Item = SlotId> + use<> {
        let slots = match *self {
            Step::LayerNorm { x, .. }
            | Step::Normalize { x, .. }
            | Step::Activate { x, .. }
            | Step::Softmax { x, .. }
            | Step::Affine { x, .. } => [Some(x), None],
            Step::Add { a, b, .. } if a != b => [Some(a), Some(b)],
            Step::Mul { a, b, .. } if a != b => [Some(a), None],
            // What is activated stands in the output before the residual is added. Of `x` each row is read for all columns.
            Step::Linear { x, activation: Activation::Identity, residual: Some(residual), .. } if residual != x => {
                [Some(residual), None]
            }
            _ => [None; 2],
        };
        slots.into_iter().flatten()
    }

    /// The tensors that the step reads, in the order in which it reads them, but for those of [`Step::Concat`], which
    /// [`Program::tensors`](super::Program::tensors) knows.
    pub(super) fn own_tensors(&self) -> Vec<TensorId> {
        match *self {
            Step::Embed { lookups, .. } => lookups
                .iter()
                .flatten()
                .flat_map(|lookup| core::iter::once(lookup.table).chain(lookup.scales).chain(lookup.offsets))
                .collect(),
            Step::LayerNorm { gamma, beta, quantized, .. } => {
                [gamma, beta].into_iter().chain(quantized.iter().flat_map(|q| [q.gamma, q.beta])).collect()
            }
            Step::Linear { weights, bias, .. } => {
                let (codes, rest) = match weights {
                    Weights::Float(codes) => (codes, vec![]),
                    Weights::Int8 { codes, scales, sums } => (codes, vec![scales, sums]),
                };
                core::iter::once(codes).chain(rest).chain(bias).collect()
            }
            Step::Attention { bias, .. } => bias.iter().map(|bias| bias.table).collect(),
            Step::Affine { gamma, beta, .. } => vec![gamma, beta],
            Step::Gru { weights, bias, .. } => vec![weights, bias],
            Step::Lstm { weights, .. } => vec![weights],
            _ => vec![],
        }
    }
}

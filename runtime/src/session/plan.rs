//! A program with its tensors looked up: what is left to do at each step is to place its slots and call its kernel.

mod pieces;

pub(super) use pieces::{Bag, From, Piece};

use super::SessionError;
use crate::kernels::{self, Buckets, Table};
use modeldeploy_format::program::{
    self, Activation, Given, Index, Pooling, Program, Rows, SlotId, Step, Storage, TensorId, View, Weights,
};
use modeldeploy_format::tensor::Tensor;
use modeldeploy_format::{Artifact, DType};

/// The program of a session.
pub(super) struct Plan<'a> {
    pub(super) steps: Box<[Op<'a>]>,
    /// Token ids are below it.
    pub(super) ids: u32,
    /// Token types are below it.
    pub(super) types: u32,
    /// The greatest that each id may be which is given with a row, by kind of rows.
    pub(super) columns: [Box<[u32]>; 3],
}

/// One table of an embedding and which of its rows a token takes.
#[derive(Clone, Copy)]
pub(super) struct Term<'a> {
    pub(super) table: Table<'a>,
    pub(super) index: Index,
}

/// A step with its tensors.
pub(super) enum Op<'a> {
    Embed {
        terms: [Option<Term<'a>>; 3],
        out: SlotId,
    },
    Add {
        a: SlotId,
        b: SlotId,
        out: SlotId,
    },
    LayerNorm {
        x: SlotId,
        affine: kernels::Affine<'a>,
        epsilon: f32,
        out: SlotId,
        quantized: Option<(kernels::Affine<'a>, SlotId)>,
    },
    Quantize {
        x: SlotId,
        out: SlotId,
    },
    Linear {
        x: SlotId,
        weights: Panels<'a>,
        bias: Option<&'a [f32]>,
        activation: Activation,
        residual: Option<SlotId>,
        out: SlotId,
    },
    Attention {
        q: View,
        k: View,
        v: View,
        heads: usize,
        scale: f32,
        bias: Option<Bias<'a>>,
        int8: bool,
        causal: bool,
        out: SlotId,
    },
    /// Of one query a text.
    AttentionOfOne {
        q: View,
        k: View,
        v: View,
        heads: usize,
        scale: f32,
        out: SlotId,
    },
    MaskedAttention {
        q: View,
        k: View,
        v: View,
        heads: usize,
        scale: f32,
        mask: SlotId,
        causal: bool,
        /// What a token mixes that sees none.
        unseen: f32,
        out: SlotId,
    },
    Pool {
        x: SlotId,
        pooling: Pooling,
        out: SlotId,
    },
    Normalize {
        x: SlotId,
        out: SlotId,
    },
    Activate {
        x: SlotId,
        activation: Activation,
        out: SlotId,
    },
    Softmax {
        x: SlotId,
        out: SlotId,
    },
    Concat {
        pieces: Box<[Piece<'a>]>,
        out: SlotId,
    },
    Mul {
        a: SlotId,
        b: SlotId,
        out: SlotId,
    },
    Affine {
        x: SlotId,
        affine: kernels::Affine<'a>,
        out: SlotId,
    },
    Sum {
        x: SlotId,
        fields: usize,
        out: SlotId,
    },
    Dot {
        a: SlotId,
        b: SlotId,
        /// Whether `b` has a row for each text where there is one for each candidate.
        shared: bool,
        out: SlotId,
    },
    Pairs {
        x: SlotId,
        fields: kernels::Fields,
        out: SlotId,
    },
    Gru {
        x: SlotId,
        weights: kernels::StateWeights<'a>,
        bias: &'a [f32],
        backward: bool,
        out: SlotId,
    },
    Lstm {
        x: SlotId,
        weights: kernels::StateWeights<'a>,
        backward: bool,
        out: SlotId,
    },
    Max {
        x: SlotId,
        fields: usize,
        out: SlotId,
    },
}

/// Weights as a kernel takes them.
#[derive(Clone, Copy)]
pub(super) enum Panels<'a> {
    F32(kernels::F32Panels<'a>),
    Bf16(kernels::Bf16Panels<'a>),
    Int8(kernels::I8Panels<'a>),
}

/// A bias on attention's scores, with the rule of its buckets.
pub(super) struct Bias<'a> {
    pub(super) buckets: Buckets,
    pub(super) table: &'a [f32],
}

impl<'a> Plan<'a> {
    pub(super) fn new(artifact: &Artifact<'a>, given: &Given) -> Result<Plan<'a>, SessionError> {
        let columns = Rows::ALL.map(|rows| vec![u32::MAX; given.with(rows).ids as usize].into());
        let mut plan = Plan { steps: Box::default(), ids: u32::MAX, types: u32::MAX, columns };
        let mut steps = Vec::with_capacity(artifact.program().steps.len());
        for (at, step) in artifact.program().steps.iter().enumerate() {
            let unsupported = |what| SessionError::Unsupported { step: at, name: step.name(), what };
            steps.push(resolve(artifact, step, &mut plan).map_err(unsupported)?);
        }
        plan.steps = steps.into();
        Ok(plan)
    }

    /// Keeps the ids of a column below the rows of a table that is read by them.
    fn bound(&mut self, of: Rows, column: u32, rows: u32) {
        let most = &mut self.columns[of as usize][column as usize];
        *most = (*most).min(rows - 1);
    }
}

fn resolve<'a>(artifact: &Artifact<'a>, step: &Step, limits: &mut Plan<'a>) -> Result<Op<'a>, String> {
    let floats = |id| artifact.values::<f32>(id);
    let affine = |gamma, beta| kernels::Affine { gamma: floats(gamma), beta: floats(beta) };
    Ok(match *step {
        Step::Embed { lookups, out } => {
            let terms = lookups.map(|lookup| lookup.map(|lookup| term(artifact, lookup, limits)));
            Op::Embed { terms, out }
        }
        Step::Add { a, b, out } => Op::Add { a, b, out },
        Step::LayerNorm { x, gamma, beta, epsilon, out, quantized } => {
            let quantized = quantized.map(|q| (affine(q.gamma, q.beta), q.out));
            Op::LayerNorm { x, affine: affine(gamma, beta), epsilon, out, quantized }
        }
        Step::Quantize { x, out } => Op::Quantize { x, out },
        Step::Linear { x, weights, bias, activation, residual, out } => {
            let weights = panels(artifact, weights);
            Op::Linear { x, weights, bias: bias.map(floats), activation, residual, out }
        }
        Step::Attention { q, k, v, heads, scale, bias, int8, causal, out } => {
            let (most, limit) = (artifact.signature().max_tokens, kernels::ATTENTION_I8_MAX_LEN);
            if int8 && most as usize > limit {
                return Err(format!("texts of {most} tokens in 8-bit codes, whose sums hold {limit}"));
            }
            let bias = bias.map(|bias| relative_bias(artifact, bias)).transpose()?;
            if artifact.program().slot(out).rows == Rows::Texts {
                return Ok(Op::AttentionOfOne { q, k, v, heads: heads as usize, scale, out });
            }
            Op::Attention { q, k, v, heads: heads as usize, scale, bias, int8, causal, out }
        }
        Step::MaskedAttention { q, k, v, heads, scale, mask, causal, safe, out } => {
            let unseen = if safe { 0.0 } else { f32::NAN };
            Op::MaskedAttention { q, k, v, heads: heads as usize, scale, mask, causal, unseen, out }
        }
        Step::Pool { x, pooling, out } => Op::Pool { x, pooling, out },
        Step::Normalize { x, out } => Op::Normalize { x, out },
        Step::Activate { x, activation, out } => Op::Activate { x, activation, out },
        Step::Softmax { x, out } => Op::Softmax { x, out },
        Step::Concat { parts, out } => {
            let program = artifact.program();
            let rows = program.slot(out).rows;
            let parts = program.parts(parts).iter();
            Op::Concat { pieces: parts.map(|part| Piece::new(artifact, part, rows, limits)).collect(), out }
        }
        Step::Mul { a, b, out } => Op::Mul { a, b, out },
        Step::Affine { x, gamma, beta, out } => Op::Affine { x, affine: affine(gamma, beta), out },
        Step::Sum { x, fields, out } => Op::Sum { x, fields: fields as usize, out },
        Step::Dot { a, b, out } => {
            let rows = |id| artifact.program().slot(id).rows;
            Op::Dot { a, b, shared: rows(b) != rows(out), out }
        }
        Step::Pairs { x, fields: count, triangle, diagonal, out } => {
            let width = artifact.program().slot(x).width / count;
            let fields = kernels::Fields { count: count as usize, width: width as usize, triangle, diagonal };
            Op::Pairs { x, fields, out }
        }
        Step::Gru { x, weights, bias, backward, out } => {
            Op::Gru { x, weights: state_weights(artifact, weights), bias: floats(bias), backward, out }
        }
        Step::Lstm { x, weights, backward, out } => {
            Op::Lstm { x, weights: state_weights(artifact, weights), backward, out }
        }
        Step::Max { x, fields, out } => Op::Max { x, fields: fields as usize, out },
    })
}

fn state_weights<'a>(artifact: &Artifact<'a>, weights: TensorId) -> kernels::StateWeights<'a> {
    match panels(artifact, Weights::Float(weights)) {
        Panels::F32(w) => kernels::StateWeights::F32(w),
        Panels::Bf16(w) => kernels::StateWeights::Bf16(w),
        Panels::Int8(_) => unreachable!("panels of a float type"),
    }
}

fn term<'a>(artifact: &Artifact<'a>, lookup: program::Lookup, limits: &mut Plan<'a>) -> Term<'a> {
    let rows = artifact.tensor(lookup.table).dims[0];
    match lookup.index {
        Index::TokenId => limits.ids = limits.ids.min(rows),
        Index::TokenType => limits.types = limits.types.min(rows),
        Index::Id { column } => limits.bound(Rows::Tokens, column, rows),
        Index::Position { .. } | Index::Counted { .. } | Index::FromEnd => {}
    }
    Term { table: table(artifact, lookup.table, lookup.scales, lookup.offsets), index: lookup.index }
}

fn table<'a>(
    artifact: &Artifact<'a>,
    table: TensorId,
    scales: Option<TensorId>,
    offsets: Option<TensorId>,
) -> Table<'a> {
    let by_row = |id: Option<TensorId>| id.map(|id| artifact.values(id));
    match (artifact.tensor(table).dtype, by_row(scales), by_row(offsets)) {
        (DType::U4, Some(scales), Some(offsets)) => Table::U4 { codes: artifact.values(table), scales, offsets },
        (_, Some(scales), offsets) => Table::I8 { codes: artifact.values(table), scales, offsets },
        (DType::Bf16, None, _) => Table::Bf16(artifact.values(table)),
        (_, None, _) => Table::F32(artifact.values(table)),
    }
}

fn panels<'a>(artifact: &Artifact<'a>, weights: Weights) -> Panels<'a> {
    let size = |tensor: &Tensor| (tensor.dims[0] as usize, tensor.dims[1] as usize);
    match weights {
        Weights::Int8 { codes, scales, sums } => {
            let (n, k) = size(artifact.tensor(codes));
            let (codes, scales, sums) = (artifact.values(codes), artifact.values(scales), artifact.values(sums));
            Panels::Int8(kernels::I8Panels { codes, scales, sums, n, k })
        }
        Weights::Float(id) => {
            let tensor = artifact.tensor(id);
            let (n, k) = size(tensor);
            match tensor.dtype {
                DType::Bf16 => Panels::Bf16(kernels::Bf16Panels { values: artifact.values(id), n, k }),
                _ => Panels::F32(kernels::F32Panels { values: artifact.values(id), n, k }),
            }
        }
    }
}

fn relative_bias<'a>(artifact: &Artifact<'a>, bias: program::RelativeBias) -> Result<Bias<'a>, String> {
    let TensorId(id) = bias.table;
    let count = artifact.tensors()[id as usize].dims[0];
    let buckets = Buckets::new(count, bias.max_distance, true)
        .ok_or_else(|| format!("no rule puts distances up to {} into {count} buckets", bias.max_distance))?;
    Ok(Bias { buckets, table: artifact.values(bias.table) })
}

/// Rows that a linear layer makes before they are quantized: few enough that they are still in the second cache then. With 32 a forward
/// of all-MiniLM-L6-v2 takes as long (bench `forward`).
pub(super) const QUANTIZED_TOGETHER: usize = 64;

/// The bytes of scratch that the program needs, with batches of `tokens` and texts of up to `text` tokens.
pub(super) fn scratch_bytes(program: &Program, tokens: usize, text: usize) -> Option<usize> {
    let step = |step: &Step| match *step {
        // Three rows of positions.
        Step::Embed { .. } => tokens.checked_mul(3 * size_of::<u32>()),
        Step::Linear { out, .. } if program.slot(out).storage == Storage::Q8 => {
            Some(QUANTIZED_TOGETHER * program.slot(out).width as usize * size_of::<f32>())
        }
        Step::Attention { out, .. } if program.slot(out).rows == Rows::Texts => {
            kernels::attention_of_one_scratch(text).checked_mul(size_of::<f32>())
        }
        Step::Attention { q, heads, int8, .. } => attention_bytes(
            q.width,
            heads,
            text,
            if int8 { kernels::attention_i8_scratch } else { kernels::attention_scratch },
        ),
        Step::MaskedAttention { q, heads, .. } => attention_bytes(q.width, heads, text, kernels::attention_scratch),
        Step::Gru { out, .. } => Some(kernels::gru_scratch(program.slot(out).width as usize) * size_of::<f32>()),
        Step::Lstm { out, .. } => Some(kernels::lstm_scratch(program.slot(out).width as usize) * size_of::<f32>()),
        _ => Some(0),
    };
    program.steps.iter().map(step).try_fold(0, |most, bytes| Some(bytes?.max(most)))
}

/// The bytes of scratch of attention over texts of up to `text` tokens, by its kernel's own figure.
fn attention_bytes(width: u32, heads: u32, text: usize, scratch: fn(usize, usize) -> usize) -> Option<usize> {
    // The kernel's own figure is at most this, which is counted first so that it cannot overflow.
    let whole = (width as usize).next_multiple_of(16).checked_add(64)?;
    text.checked_add(16)?.checked_mul(whole)?.checked_mul(4 * size_of::<f32>())?;
    Some(scratch(text, (width / heads) as usize) * size_of::<f32>())
}

/// The bytes at which a slot's rows follow one another.
pub(super) fn stride(slot: &program::Slot) -> usize {
    match slot.storage {
        Storage::F32 => slot.width as usize * size_of::<f32>(),
        Storage::Q8 => (slot.width as usize).next_multiple_of(program::Q8_STRIDE),
    }
}

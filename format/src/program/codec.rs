//! Programs as bytes: a tag a step, then its fields in order. An absent slot or tensor is `u32::MAX`.

use super::step::{Index, Lookup, Quantized, RelativeBias, Step, Weights};
use super::{
    Activation, Bag, IdMask, Part, PartRange, Pooling, Program, Rows, Slot, SlotId, Storage, TensorId, Triangle, View,
};
use crate::wire::{Decoder, Encoder, WireError};

const NONE: u32 = u32::MAX;

/// The tags of attention: by whether it is of int8, and by whether it is causal.
const ATTENTIONS: [[u8; 2]; 2] = [[5, 11], [10, 12]];

/// The tags of recurrent layers, by whether they go backward.
const GRUS: [u8; 2] = [19, 20];
const LSTMS: [u8; 2] = [21, 22];

pub(crate) fn encode(program: &Program) -> Vec<u8> {
    let mut out = Encoder::default();
    out.count(program.slots.len());
    for slot in &program.slots {
        out.u8(slot.rows as u8);
        out.u8(slot.storage as u8);
        out.u32(slot.width);
        out.u64(slot.offset);
    }
    out.u32(program.output.0);
    out.count(program.steps.len());
    program.steps.iter().for_each(|step| encode_step(&mut out, step));
    // Programs without parts have the bytes that they had before there were any.
    if !program.parts.is_empty() {
        out.count(program.parts.len());
        program.parts.iter().for_each(|part| encode_part(&mut out, part));
    }
    out.0
}

fn encode_part(out: &mut Encoder, part: &Part) {
    let tensor = |out: &mut Encoder, id: Option<TensorId>| out.u32(id.map_or(NONE, |id| id.0));
    match *part {
        Part::View(view) => {
            out.u8(0);
            encode_view(out, view);
        }
        Part::Numbers { of, column, count } => {
            out.u8(1);
            out.u8(of as u8);
            out.u32(column);
            out.u32(count);
        }
        Part::Bag(Bag { table, scales, offsets, of, column, count, mean }) => {
            out.u8(2);
            out.u32(table.0);
            tensor(out, scales);
            tensor(out, offsets);
            out.u8(of as u8);
            out.u32(column);
            out.u32(count);
            out.u8(u8::from(mean));
        }
        Part::Mask(IdMask { of, column, id, equal, other }) => {
            out.u8(3);
            out.u8(of as u8);
            out.u32(column);
            out.u32(id);
            out.f32(equal);
            out.f32(other);
        }
    }
}

fn encode_view(out: &mut Encoder, view: View) {
    out.u32(view.slot.0);
    out.u32(view.column);
    out.u32(view.width);
}

fn encode_step(out: &mut Encoder, step: &Step) {
    let tensor = |out: &mut Encoder, id: Option<TensorId>| out.u32(id.map_or(NONE, |id| id.0));
    let slot = |out: &mut Encoder, id: Option<SlotId>| out.u32(id.map_or(NONE, |id| id.0));
    match *step {
        Step::Embed { lookups, out: to } => {
            out.u8(0);
            for lookup in &lookups {
                out.u32(lookup.map_or(NONE, |lookup| lookup.table.0));
                tensor(out, lookup.and_then(|lookup| lookup.scales));
                tensor(out, lookup.and_then(|lookup| lookup.offsets));
                let (code, argument) = match lookup.map_or(Index::TokenId, |lookup| lookup.index) {
                    Index::TokenId => (0, 0),
                    Index::TokenType => (1, 0),
                    Index::Position { offset } => (2, offset),
                    Index::Counted { padding } => (3, padding),
                    Index::Id { column } => (4, column),
                    Index::FromEnd => (5, 0),
                };
                out.u8(code);
                out.u32(argument);
            }
            out.u32(to.0);
        }
        Step::Add { a, b, out: to } => {
            out.u8(1);
            [a, b, to].iter().for_each(|id| out.u32(id.0));
        }
        Step::LayerNorm { x, gamma, beta, epsilon, out: to, quantized } => {
            out.u8(2);
            out.u32(x.0);
            out.u32(gamma.0);
            out.u32(beta.0);
            out.f32(epsilon);
            out.u32(to.0);
            tensor(out, quantized.map(|q| q.gamma));
            tensor(out, quantized.map(|q| q.beta));
            slot(out, quantized.map(|q| q.out));
        }
        Step::Quantize { x, out: to } => {
            out.u8(3);
            out.u32(x.0);
            out.u32(to.0);
        }
        Step::Linear { x, weights, bias, activation, residual, out: to } => {
            out.u8(4);
            out.u32(x.0);
            let (codes, scales, sums) = match weights {
                Weights::Float(codes) => (codes, None, None),
                Weights::Int8 { codes, scales, sums } => (codes, Some(scales), Some(sums)),
            };
            out.u32(codes.0);
            tensor(out, scales);
            tensor(out, sums);
            tensor(out, bias);
            out.u8(activation as u8);
            slot(out, residual);
            out.u32(to.0);
        }
        Step::Attention { q, k, v, heads, scale, bias, int8, causal, out: to } => {
            out.u8(ATTENTIONS[usize::from(int8)][usize::from(causal)]);
            [q, k, v].into_iter().for_each(|view| encode_view(out, view));
            out.u32(heads);
            out.f32(scale);
            tensor(out, bias.map(|bias| bias.table));
            out.u32(bias.map_or(0, |bias| bias.max_distance));
            out.u32(to.0);
        }
        Step::MaskedAttention { q, k, v, heads, scale, mask, causal, safe, out: to } => {
            out.u8(24);
            [q, k, v].into_iter().for_each(|view| encode_view(out, view));
            out.u32(heads);
            out.f32(scale);
            out.u32(mask.0);
            out.u8(u8::from(causal) | u8::from(safe) << 1);
            out.u32(to.0);
        }
        Step::Pool { x, pooling, out: to } => {
            out.u8(6);
            out.u32(x.0);
            out.u8(pooling as u8);
            out.u32(to.0);
        }
        Step::Normalize { x, out: to } => {
            out.u8(7);
            out.u32(x.0);
            out.u32(to.0);
        }
        Step::Activate { x, activation, out: to } => {
            out.u8(8);
            out.u32(x.0);
            out.u8(activation as u8);
            out.u32(to.0);
        }
        Step::Softmax { x, out: to } => {
            out.u8(9);
            out.u32(x.0);
            out.u32(to.0);
        }
        Step::Concat { parts, out: to } => {
            out.u8(13);
            [parts.first, parts.count, to.0].iter().for_each(|&number| out.u32(number));
        }
        Step::Mul { a, b, out: to } => {
            out.u8(14);
            [a, b, to].iter().for_each(|id| out.u32(id.0));
        }
        Step::Affine { x, gamma, beta, out: to } => {
            out.u8(15);
            [x.0, gamma.0, beta.0, to.0].iter().for_each(|&number| out.u32(number));
        }
        Step::Sum { x, fields, out: to } => {
            out.u8(16);
            [x.0, fields, to.0].iter().for_each(|&number| out.u32(number));
        }
        Step::Dot { a, b, out: to } => {
            out.u8(17);
            [a, b, to].iter().for_each(|id| out.u32(id.0));
        }
        Step::Pairs { x, fields, triangle, diagonal, out: to } => {
            out.u8(18);
            out.u32(x.0);
            out.u32(fields);
            out.u8(triangle as u8);
            out.u8(u8::from(diagonal));
            out.u32(to.0);
        }
        Step::Gru { x, weights, bias, backward, out: to } => {
            out.u8(GRUS[usize::from(backward)]);
            [x.0, weights.0, bias.0, to.0].iter().for_each(|&number| out.u32(number));
        }
        Step::Lstm { x, weights, backward, out: to } => {
            out.u8(LSTMS[usize::from(backward)]);
            [x.0, weights.0, to.0].iter().for_each(|&number| out.u32(number));
        }
        Step::Max { x, fields, out: to } => {
            out.u8(23);
            [x.0, fields, to.0].iter().for_each(|&number| out.u32(number));
        }
    }
}

/// What [`decode`] may find wrong.
enum CodecError {
    Early,
    /// The kind of thing and its unknown code.
    Code(&'static str, u8),
}

impl From<WireError> for CodecError {
    fn from(_: WireError) -> CodecError {
        CodecError::Early
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Program, String> {
    let mut read = Decoder::new(bytes);
    let program = decode_program(&mut read).map_err(|error| match error {
        CodecError::Early => "the program ends early".to_owned(),
        CodecError::Code(what, code) => format!("the program names the unknown {what} {code}"),
    })?;
    if !read.is_empty() {
        return Err("the program has bytes after its end".to_owned());
    }
    Ok(program)
}

fn decode_program(read: &mut Decoder<'_>) -> Result<Program, CodecError> {
    let slots = (0..read.count(14)?)
        .map(|_| {
            let rows = pick("kind of rows", &Rows::ALL, read.u8()?)?;
            let storage = pick("storage", &[Storage::F32, Storage::Q8], read.u8()?)?;
            Ok(Slot { rows, storage, width: read.u32()?, offset: read.u64()? })
        })
        .collect::<Result<_, CodecError>>()?;
    let output = SlotId(read.u32()?);
    let steps = (0..read.count(9)?).map(|_| decode_step(read)).collect::<Result<_, _>>()?;
    let mut parts = vec![];
    if !read.is_empty() {
        parts = (0..read.count(10)?).map(|_| decode_part(read)).collect::<Result<_, _>>()?;
    }
    Ok(Program { slots, steps, parts, output })
}

fn decode_part(read: &mut Decoder<'_>) -> Result<Part, CodecError> {
    Ok(match read.u8()? {
        0 => Part::View(view(read)?),
        1 => {
            let of = pick("kind of rows", &Rows::ALL, read.u8()?)?;
            Part::Numbers { of, column: read.u32()?, count: read.u32()? }
        }
        2 => {
            let (table, scales, offsets) = (TensorId(read.u32()?), tensor(read)?, tensor(read)?);
            let of = pick("kind of rows", &Rows::ALL, read.u8()?)?;
            let (column, count) = (read.u32()?, read.u32()?);
            let mean = pick("mean", &[false, true], read.u8()?)?;
            Part::Bag(Bag { table, scales, offsets, of, column, count, mean })
        }
        3 => {
            let of = pick("kind of rows", &Rows::ALL, read.u8()?)?;
            let (column, id, equal, other) = (read.u32()?, read.u32()?, read.f32()?, read.f32()?);
            Part::Mask(IdMask { of, column, id, equal, other })
        }
        tag => return Err(CodecError::Code("part", tag)),
    })
}

fn view(read: &mut Decoder<'_>) -> Result<View, WireError> {
    Ok(View { slot: SlotId(read.u32()?), column: read.u32()?, width: read.u32()? })
}

fn pick<T: Copy>(what: &'static str, all: &[T], code: u8) -> Result<T, CodecError> {
    all.get(usize::from(code)).copied().ok_or(CodecError::Code(what, code))
}

fn decode_step(read: &mut Decoder<'_>) -> Result<Step, CodecError> {
    Ok(match read.u8()? {
        0 => {
            let mut lookups = [None; 3];
            for lookup in &mut lookups {
                let (table, scales, offsets) = (tensor(read)?, tensor(read)?, tensor(read)?);
                let code = read.u8()?;
                let argument = read.u32()?;
                let (position, counted) = (Index::Position { offset: argument }, Index::Counted { padding: argument });
                let id = Index::Id { column: argument };
                let all = [Index::TokenId, Index::TokenType, position, counted, id, Index::FromEnd];
                let index = pick("index", &all, code)?;
                *lookup = table.map(|table| Lookup { table, scales, offsets, index });
            }
            Step::Embed { lookups, out: slot(read)? }
        }
        1 => Step::Add { a: slot(read)?, b: slot(read)?, out: slot(read)? },
        2 => {
            let (x, gamma, beta) = (slot(read)?, TensorId(read.u32()?), TensorId(read.u32()?));
            let (epsilon, out) = (read.f32()?, slot(read)?);
            let (gamma2, beta2, out2) = (tensor(read)?, TensorId(read.u32()?), slot(read)?);
            let quantized = gamma2.map(|gamma| Quantized { gamma, beta: beta2, out: out2 });
            Step::LayerNorm { x, gamma, beta, epsilon, out, quantized }
        }
        3 => Step::Quantize { x: slot(read)?, out: slot(read)? },
        4 => {
            let (x, codes) = (slot(read)?, TensorId(read.u32()?));
            let (scales, sums) = (tensor(read)?, TensorId(read.u32()?));
            let weights = match scales {
                None => Weights::Float(codes),
                Some(scales) => Weights::Int8 { codes, scales, sums },
            };
            let bias = tensor(read)?;
            let activation = pick("activation", &Activation::ALL, read.u8()?)?;
            let residual = Some(read.u32()?).filter(|&id| id != NONE).map(SlotId);
            Step::Linear { x, weights, bias, activation, residual, out: slot(read)? }
        }
        tag @ (5 | 10..=12) => {
            let (q, k, v) = (view(read)?, view(read)?, view(read)?);
            let (heads, scale) = (read.u32()?, read.f32()?);
            let (table, max_distance) = (tensor(read)?, read.u32()?);
            let bias = table.map(|table| RelativeBias { table, max_distance });
            let (int8, causal) = (ATTENTIONS[1].contains(&tag), tag > 10);
            Step::Attention { q, k, v, heads, scale, bias, int8, causal, out: slot(read)? }
        }
        6 => {
            let x = slot(read)?;
            Step::Pool { x, pooling: pick("pooling", &Pooling::ALL, read.u8()?)?, out: slot(read)? }
        }
        7 => Step::Normalize { x: slot(read)?, out: slot(read)? },
        8 => {
            let x = slot(read)?;
            Step::Activate { x, activation: pick("activation", &Activation::ALL, read.u8()?)?, out: slot(read)? }
        }
        9 => Step::Softmax { x: slot(read)?, out: slot(read)? },
        13 => {
            let parts = PartRange { first: read.u32()?, count: read.u32()? };
            Step::Concat { parts, out: slot(read)? }
        }
        14 => Step::Mul { a: slot(read)?, b: slot(read)?, out: slot(read)? },
        15 => {
            let (x, gamma, beta) = (slot(read)?, TensorId(read.u32()?), TensorId(read.u32()?));
            Step::Affine { x, gamma, beta, out: slot(read)? }
        }
        16 => Step::Sum { x: slot(read)?, fields: read.u32()?, out: slot(read)? },
        17 => Step::Dot { a: slot(read)?, b: slot(read)?, out: slot(read)? },
        18 => {
            let (x, fields) = (slot(read)?, read.u32()?);
            let triangle = pick("triangle", &Triangle::ALL, read.u8()?)?;
            let diagonal = pick("diagonal", &[false, true], read.u8()?)?;
            Step::Pairs { x, fields, triangle, diagonal, out: slot(read)? }
        }
        tag @ (19 | 20) => {
            let (x, weights, bias) = (slot(read)?, TensorId(read.u32()?), TensorId(read.u32()?));
            Step::Gru { x, weights, bias, backward: tag == GRUS[1], out: slot(read)? }
        }
        tag @ (21 | 22) => {
            let (x, weights) = (slot(read)?, TensorId(read.u32()?));
            Step::Lstm { x, weights, backward: tag == LSTMS[1], out: slot(read)? }
        }
        24 => {
            let (q, k, v) = (view(read)?, view(read)?, view(read)?);
            let (heads, scale, mask) = (read.u32()?, read.f32()?, slot(read)?);
            let all = [(false, false), (true, false), (false, true), (true, true)];
            let (causal, safe) = pick("attention", &all, read.u8()?)?;
            Step::MaskedAttention { q, k, v, heads, scale, mask, causal, safe, out: slot(read)? }
        }
        23 => Step::Max { x: slot(read)?, fields: read.u32()?, out: slot(read)? },
        tag => return Err(CodecError::Code("step", tag)),
    })
}

fn slot(read: &mut Decoder<'_>) -> Result<SlotId, WireError> {
    read.u32().map(SlotId)
}

fn tensor(read: &mut Decoder<'_>) -> Result<Option<TensorId>, WireError> {
    Ok(Some(read.u32()?).filter(|&id| id != NONE).map(TensorId))
}

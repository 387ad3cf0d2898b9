//! One step: its slots are placed, its kernel is called.

use super::Batch;
use super::arena::{Arena, Inputs};
use super::layout::{Layout, Place};
use super::plan::{self, Op, Panels, Term};
use crate::isa::Isa;
use crate::kernels::{self, Epilogue, Lookup, Operand, Q8Rows, Q8RowsMut, Rows, RowsMut};
use modeldeploy_format::program::{Index, SlotId, View};

pub(super) fn step(op: &Op<'_>, isa: Isa, layout: &Layout<'_>, batch: &Batch<'_>, arena: &mut Arena) {
    match *op {
        Op::Embed { terms, out } => embed(isa, terms, layout, batch, out, arena),
        Op::Add { a, b, out } => {
            let (a, b, out) = (layout.place(a), layout.place(b), layout.place(out));
            // What may stand in the output comes first.
            let (a, b) = if b.values == out.values { (b, a) } else { (a, b) };
            let ([y], inputs) = arena.split([out.values.clone()]);
            kernels::add(isa, values(&inputs, &a, &out), rows(&inputs, &b).values, rows_mut(y, &out).values);
        }
        Op::LayerNorm { x, affine, epsilon, out, quantized } => {
            let (x, out) = (layout.place(x), layout.place(out));
            let norm = |x_rows| kernels::LayerNorm { x: x_rows, residual: None, rows: x.rows, eps: epsilon, affine };
            match quantized {
                None => {
                    let ([y], inputs) = arena.split([out.values.clone()]);
                    kernels::layer_norm(isa, norm(operand(&inputs, &x, &out)), rows_mut(y, &out));
                }
                Some((smooth, q)) => {
                    let q = layout.place(q);
                    let ([y, codes, params], inputs) =
                        arena.split([out.values.clone(), q.values.clone(), q.scales.clone()]);
                    kernels::layer_norm_quantize(
                        isa,
                        norm(operand(&inputs, &x, &out)),
                        rows_mut(y, &out),
                        smooth,
                        q8_mut(codes, params, &q),
                    );
                }
            }
        }
        Op::Quantize { x, out } => {
            let (x, out) = (layout.place(x), layout.place(out));
            let ([codes, params], inputs) = arena.split([out.values.clone(), out.scales.clone()]);
            kernels::quantize_rows(isa, rows(&inputs, &x), x.width, q8_mut(codes, params, &out));
        }
        Op::Linear { x, weights, bias, activation, residual, out } => {
            let (x, out) = (layout.place(x), layout.place(out));
            let residual = residual.map(|id| layout.place(id));
            let linear = |inputs: &Inputs<'_>, x: &Place, y: RowsMut<'_>| {
                let residual = residual.as_ref().map(|place| operand(inputs, place, &out));
                let epilogue = Epilogue { bias, activation, residual };
                match weights {
                    Panels::F32(w) => kernels::gemm_f32(isa, rows(inputs, x), x.rows, w, epilogue, y),
                    Panels::Bf16(w) => kernels::gemm_bf16(isa, rows(inputs, x), x.rows, w, epilogue, y),
                    Panels::Int8(w) => kernels::gemm_i8(isa, q8(inputs, x), w, epilogue, y),
                }
            };
            if out.is_f32() {
                let ([y], inputs) = arena.split([out.values.clone()]);
                linear(&inputs, &x, rows_mut(y, &out));
                return;
            }
            let ([codes, params, scratch], inputs) =
                arena.split([out.values.clone(), out.scales.clone(), layout.scratch()]);
            let y: &mut [f32] = bytemuck::cast_slice_mut(scratch);
            let mut codes = q8_mut(codes, params, &out);
            for first in (0..out.rows).step_by(plan::QUANTIZED_TOGETHER) {
                let block = first..out.rows.min(first + plan::QUANTIZED_TOGETHER);
                linear(&inputs, &x.part(block.clone()), RowsMut { values: y, stride: out.width });
                let y = Rows { values: y, stride: out.width };
                kernels::quantize_rows(isa, y, out.width, codes.part(block));
            }
        }
        Op::Attention { q, k, v, heads, scale, ref bias, int8, out } => {
            let out = layout.place(out);
            let ([y, scratch], inputs) = arena.split([out.values.clone(), layout.scratch()]);
            let [q, k, v] = [q, k, v].map(|view| columns(&inputs, layout, view));
            let relative_bias =
                bias.as_ref().map(|bias| kernels::RelativeBias { buckets: &bias.buckets, table: bias.table });
            let head_dim = out.width / heads;
            let attention =
                kernels::Attention { q, k, v, segments: batch.starts, heads, head_dim, scale, relative_bias };
            let scratch = bytemuck::cast_slice_mut(scratch);
            let attend = if int8 { kernels::attention_i8 } else { kernels::attention };
            attend(isa, attention, scratch, rows_mut(y, &out));
        }
        Op::Pool { x, pooling, out } => {
            let (x, out) = (layout.place(x), layout.place(out));
            let ([y], inputs) = arena.split([out.values.clone()]);
            kernels::pool(isa, pooling, rows(&inputs, &x), x.width, batch.starts, rows_mut(y, &out));
        }
        Op::Normalize { x, out } => {
            let (x, out) = (layout.place(x), layout.place(out));
            let ([y], inputs) = arena.split([out.values.clone()]);
            kernels::l2_normalize(isa, operand(&inputs, &x, &out), x.rows, x.width, rows_mut(y, &out));
        }
        Op::Activate { x, activation, out } => {
            let (x, out) = (layout.place(x), layout.place(out));
            let ([y], inputs) = arena.split([out.values.clone()]);
            kernels::activate(isa, activation, values(&inputs, &x, &out), rows_mut(y, &out).values);
        }
        Op::Softmax { x, out } => {
            let (x, out) = (layout.place(x), layout.place(out));
            let ([y], inputs) = arena.split([out.values.clone()]);
            kernels::softmax_rows(isa, operand(&inputs, &x, &out), x.rows, x.width, rows_mut(y, &out));
        }
    }
}

fn embed(
    isa: Isa,
    terms: [Option<Term<'_>>; 3],
    layout: &Layout<'_>,
    batch: &Batch<'_>,
    out: SlotId,
    arena: &mut Arena,
) {
    let out = layout.place(out);
    let ([y, scratch], _) = arena.split([out.values.clone(), layout.scratch()]);
    let mut scratch: &mut [u32] = bytemuck::cast_slice_mut(scratch);
    let mut lookups: [Option<Lookup<'_>>; 3] = [None; 3];
    for (lookup, term) in lookups.iter_mut().zip(terms.into_iter().flatten()) {
        let ids = match term.index {
            Index::TokenId => batch.ids,
            Index::TokenType => batch.types,
            Index::Position { .. } | Index::Counted { .. } => {
                let (positions, rest) = scratch.split_at_mut(out.rows);
                scratch = rest;
                for ends in batch.starts.windows(2) {
                    let text = ends[0] as usize..ends[1] as usize;
                    place(term.index, &batch.ids[text.clone()], &mut positions[text]);
                }
                &*positions
            }
        };
        *lookup = Some(Lookup { table: term.table, ids });
    }
    let y = rows_mut(y, &out);
    match lookups {
        [Some(a), Some(b), Some(c)] => kernels::embed(isa, &[a, b, c], out.width, y),
        [Some(a), Some(b), None] => kernels::embed(isa, &[a, b], out.width, y),
        [Some(a), ..] => kernels::embed(isa, &[a], out.width, y),
        [None, ..] => unreachable!("an embedding has a table: proved by parse"),
    }
}

/// The rows of a table of positions that the tokens of one text take.
fn place(index: Index, ids: &[u32], positions: &mut [u32]) {
    match index {
        Index::TokenId | Index::TokenType => unreachable!("not a table of positions"),
        Index::Position { offset } => positions.iter_mut().zip(offset..).for_each(|(to, position)| *to = position),
        Index::Counted { padding } => {
            let mut count = 0;
            for (to, &id) in positions.iter_mut().zip(ids) {
                count += u32::from(id != padding);
                *to = if id == padding { 0 } else { count };
            }
        }
    }
}

fn rows<'a>(inputs: &Inputs<'a>, place: &Place) -> Rows<'a> {
    Rows { values: bytemuck::cast_slice(inputs.bytes(place.values.clone())), stride: place.width }
}

/// The rows of an input that may lie where the output does.
fn operand<'a>(inputs: &Inputs<'a>, place: &Place, out: &Place) -> Operand<Rows<'a>> {
    if place.values == out.values { Operand::InPlace } else { Operand::Apart(rows(inputs, place)) }
}

/// The values of an input that may lie where the output does.
fn values<'a>(inputs: &Inputs<'a>, place: &Place, out: &Place) -> Operand<&'a [f32]> {
    if place.values == out.values { Operand::InPlace } else { Operand::Apart(rows(inputs, place).values) }
}

fn rows_mut<'a>(bytes: &'a mut [u8], place: &Place) -> RowsMut<'a> {
    RowsMut { values: bytemuck::cast_slice_mut(bytes), stride: place.width }
}

/// Some columns of a slot.
fn columns<'a>(inputs: &Inputs<'a>, layout: &Layout<'_>, view: View) -> Rows<'a> {
    let Rows { values, stride } = rows(inputs, &layout.place(view.slot));
    Rows { values: &values[view.column as usize..], stride }
}

fn q8<'a>(inputs: &Inputs<'a>, place: &Place) -> Q8Rows<'a> {
    let params = bytemuck::cast_slice(inputs.bytes(place.scales.clone()));
    Q8Rows { codes: inputs.bytes(place.values.clone()), stride: place.stride, params }
}

fn q8_mut<'a>(codes: &'a mut [u8], params: &'a mut [u8], place: &Place) -> Q8RowsMut<'a> {
    Q8RowsMut { codes, stride: place.stride, params: bytemuck::cast_slice_mut(params) }
}

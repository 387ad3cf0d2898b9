//! One step: its slots are placed, its work is divided, its kernel is called.

mod concat;
mod embed;
mod linear;

use super::arena::{Arena, Inputs};
use super::divide;
use super::layout::{Layout, Place};
use super::plan::{Op, Plan};
use super::team::Team;
use super::{Batch, Columns, Request};
use crate::isa::Isa;
use crate::kernels::{self, Beside, Operand, Q8Rows, Q8RowsMut, Rows, RowsMut};
use core::ops::Range;
use linear::Dense;
use modeldeploy_format::program::{self, Given, SlotId, View};

/// What the steps of one run share.
#[derive(Clone, Copy)]
pub(super) struct Run<'r> {
    pub(super) isa: Isa,
    pub(super) layout: &'r Layout<'r>,
    pub(super) feed: &'r Feed<'r>,
}

/// What is run.
pub(super) enum Feed<'r> {
    /// The tokens of texts.
    Texts(&'r Batch<'r>),
    /// Users and candidates, of each of whom is given what the program says.
    Request(&'r Request<'r>, Given),
}

impl<'r> Feed<'r> {
    /// Where each text's tokens start, and last where the last one's end.
    fn starts(&self) -> &'r [u32] {
        match self {
            Feed::Texts(batch) => batch.starts,
            Feed::Request(request, _) => request.starts,
        }
    }

    /// What is given with the rows of a kind, and how many numbers and ids that is for each.
    fn with(&self, rows: program::Rows) -> (Columns<'r>, program::Columns) {
        match self {
            Feed::Texts(_) => (Columns::default(), program::Columns::default()),
            Feed::Request(request, given) => (request.with(rows), given.with(rows)),
        }
    }
}

impl Run<'_> {
    /// What is done before the first step: it is noted whose each candidate is, and asked for what no cache holds.
    pub(super) fn begin(self, plan: &Plan<'_>, arena: &mut Arena) {
        let Feed::Request(request, _) = self.feed else { return };
        let ([owners], _) = arena.split([self.layout.owners()]);
        let owners: &mut [u32] = bytemuck::cast_slice_mut(owners);
        for (user, candidates) in request.owned() {
            owners[candidates].fill(user);
        }
        self.prefetch(plan);
    }

    /// Runs a step. What is done over all tokens is divided among the team, what is done once a text or seldom is not.
    pub(super) fn step(self, op: &Op<'_>, arena: &mut Arena, team: &mut Team) {
        let Run { isa, layout, feed } = self;
        match *op {
            Op::Embed { terms, out } => self.embed(terms, out, arena, team),
            Op::Add { a, b, out } => {
                let (a, b, out) = (layout.place(a), layout.place(b), layout.place(out));
                // What may stand in the output comes first.
                let (a, b) = if b.values == out.values { (b, a) } else { (a, b) };
                let ([y], inputs) = arena.split([out.values.clone()]);
                kernels::add(isa, values(&inputs, &a, &out), rows(&inputs, &b).values, bytemuck::cast_slice_mut(y));
            }
            Op::LayerNorm { x, affine, epsilon, out, quantized } => {
                let (x, out) = (layout.place(x), layout.place(out));
                let parts = divide::shares(out.rows, divide::parts(out.rows * out.width, team.members()));
                let norm = |x, rows| kernels::LayerNorm { x, residual: None, rows, eps: epsilon, affine };
                match quantized {
                    None => {
                        let ([y], inputs) = arena.split([out.values.clone()]);
                        let mut y = rows_mut(y, &out);
                        let parts = parts.map(|part| (y.take_rows(part.len()), part));
                        team.each(parts, |(y, part)| {
                            let (x, out) = (x.part(part.clone()), out.part(part));
                            kernels::layer_norm(isa, norm(operand(&inputs, &x, &out), x.rows), y);
                        });
                    }
                    Some((smooth, q)) => {
                        let q = layout.place(q);
                        let ([y, codes, params], inputs) =
                            arena.split([out.values.clone(), q.values.clone(), q.scales.clone()]);
                        let (mut y, mut q) = (rows_mut(y, &out), q8_mut(codes, params, &q));
                        let parts = parts.map(|part| (y.take_rows(part.len()), q.take_rows(part.len()), part));
                        team.each(parts, |(y, q, part)| {
                            let (x, out) = (x.part(part.clone()), out.part(part));
                            kernels::layer_norm_quantize(isa, norm(operand(&inputs, &x, &out), x.rows), y, smooth, q);
                        });
                    }
                }
            }
            Op::Quantize { x, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                let ([codes, params], inputs) = arena.split([out.values.clone(), out.scales.clone()]);
                self.quantize(rows(&inputs, &x), &out, q8_mut(codes, params, &out), team);
            }
            Op::Linear { x, weights, bias, activation, residual, out } => {
                let (out, residual) = (layout.place(out), residual.map(|id| layout.place(id)));
                let residual = residual.map(|place| match place.values == out.values {
                    true => Operand::InPlace,
                    false => Operand::Apart(place),
                });
                let dense = Dense { x: layout.place(x), weights, bias, activation, residual };
                self.linear(&dense, &out, arena, team);
            }
            Op::Attention { q, k, v, heads, scale, ref bias, int8, causal, out } => {
                self.by_heads(([q, k, v], None), heads, out, arena, team, |part, scratch, y| {
                    let relative_bias = bias.as_ref().map(|bias| {
                        let table = from_column(Rows { values: bias.table, stride: heads }, part.first);
                        kernels::RelativeBias { buckets: &bias.buckets, table }
                    });
                    let HeadsPart { rows: [q, k, v], heads, head_dim, .. } = part;
                    let (segments, mask) = (feed.starts(), None);
                    let attention =
                        kernels::Attention { q, k, v, segments, heads, head_dim, scale, relative_bias, mask, causal };
                    let attend = if int8 { kernels::attention_i8 } else { kernels::attention };
                    attend(isa, attention, scratch, y);
                });
            }
            Op::MaskedAttention { q, k, v, heads, scale, mask, causal, unseen, out } => {
                self.by_heads(([q, k, v], Some(mask)), heads, out, arena, team, |part, scratch, y| {
                    let HeadsPart { rows: [q, k, v], heads, head_dim, mask, .. } = part;
                    let (segments, relative_bias) = (feed.starts(), None);
                    let mask = mask.map(|keys| kernels::KeyMask { keys, unseen });
                    let attention =
                        kernels::Attention { q, k, v, segments, heads, head_dim, scale, relative_bias, mask, causal };
                    kernels::attention(isa, attention, scratch, y);
                });
            }
            Op::AttentionOfOne { q, k, v, heads, scale, out } => {
                let out = layout.place(out);
                let ([y, scratch], inputs) = arena.split([out.values.clone(), layout.scratch()]);
                let [q, k, v] = [q, k, v].map(|view| columns(&inputs, layout, view));
                let (segments, head_dim, y) = (feed.starts(), out.width / heads, rows_mut(y, &out));
                let (relative_bias, causal, mask) = (None, false, None);
                let attention =
                    kernels::Attention { q, k, v, segments, heads, head_dim, scale, relative_bias, causal, mask };
                kernels::attention_of_one(isa, attention, bytemuck::cast_slice_mut(scratch), y);
            }
            Op::Pool { x, pooling, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                let ([y], inputs) = arena.split([out.values.clone()]);
                kernels::pool(isa, pooling, rows(&inputs, &x), x.width, feed.starts(), rows_mut(y, &out));
            }
            Op::Normalize { x, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                let ([y], inputs) = arena.split([out.values.clone()]);
                kernels::l2_normalize(isa, operand(&inputs, &x, &out), x.rows, x.width, rows_mut(y, &out));
            }
            Op::Activate { x, activation, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                let ([y], inputs) = arena.split([out.values.clone()]);
                kernels::activate(isa, activation, values(&inputs, &x, &out), bytemuck::cast_slice_mut(y));
            }
            Op::Softmax { x, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                let ([y], inputs) = arena.split([out.values.clone()]);
                kernels::softmax_rows(isa, operand(&inputs, &x, &out), x.rows, x.width, rows_mut(y, &out));
            }
            Op::Concat { ref pieces, out } => self.concat(pieces, out, arena, team),
            Op::Mul { a, b, out } => {
                let (b, out) = (layout.place(b), layout.place(out));
                let a = layout.place(a);
                self.by_rows(&out, arena, team, |inputs, part, y| {
                    let (a, b, rows) = (a.part(part.clone()), b.part(part.clone()), part.len());
                    let a = operand(inputs, &a, &out.part(part));
                    kernels::mul(isa, a, self::rows(inputs, &b), b.width, rows, out.width, y);
                });
            }
            Op::Affine { x, affine, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                self.by_rows(&out, arena, team, |inputs, part, y| {
                    let x = operand(inputs, &x.part(part.clone()), &out.part(part.clone()));
                    kernels::affine(isa, x, part.len(), affine, y);
                });
            }
            Op::Sum { x, fields, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                self.by_rows(&out, arena, team, |inputs, part, y| {
                    let x = rows(inputs, &x.part(part.clone()));
                    kernels::sum_fields(isa, x, part.len(), fields, out.width, y);
                });
            }
            Op::Dot { a, b, shared, out } => {
                let (a, b, out) = (layout.place(a), layout.place(b), layout.place(out));
                self.by_rows(&out, arena, team, |inputs, part, y| {
                    let of = shared.then(|| self.owners(inputs));
                    let b = Beside { rows: rows(inputs, &b), of }.part(part.clone());
                    let x = rows(inputs, &a.part(part.clone()));
                    kernels::row_dot(isa, x, b, part.len(), a.width, y);
                });
            }
            Op::Pairs { x, fields, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                self.by_rows(&out, arena, team, |inputs, part, y| {
                    let x = rows(inputs, &x.part(part.clone()));
                    kernels::pairs(isa, x, part.len(), fields, y);
                });
            }
            Op::Gru { x, weights, bias, backward, out } => {
                self.by_texts(x, out, arena, team, |x, segments, scratch, y| {
                    kernels::gru(isa, kernels::Gru { x, weights, bias, backward, segments }, scratch, y);
                });
            }
            Op::Lstm { x, weights, backward, out } => {
                self.by_texts(x, out, arena, team, |x, segments, scratch, y| {
                    kernels::lstm(isa, kernels::Lstm { x, weights, backward, segments }, scratch, y);
                });
            }
            Op::Max { x, fields, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                self.by_rows(&out, arena, team, |inputs, part, y| {
                    let x = rows(inputs, &x.part(part.clone()));
                    kernels::max_fields(isa, x, part.len(), fields, out.width, y);
                });
            }
        }
    }

    /// Divides attention by heads among the team.
    fn by_heads(
        self,
        (views, mask): ([View; 3], Option<SlotId>),
        heads: usize,
        out: SlotId,
        arena: &mut Arena,
        team: &mut Team,
        work: impl Fn(HeadsPart<'_>, &mut [f32], RowsMut<'_>) + Sync,
    ) {
        let layout = self.layout;
        let out = layout.place(out);
        let ([y, scratch], inputs) = arena.split([out.values.clone(), layout.scratch()]);
        let all = views.map(|view| columns(&inputs, layout, view));
        let mask = mask.map(|mask| rows(&inputs, &layout.place(mask)).values);
        let head_dim = out.width / heads;
        let mut y = rows_mut(y, &out);
        let parts = divide::shares(heads, divide::parts(out.rows * out.width, team.members()));
        let parts = parts
            .zip(scratch.chunks_exact_mut(layout.scratch_each()))
            .map(|(part, scratch)| (y.take_columns(part.len() * head_dim), part, scratch));
        team.each(parts, |(y, part, scratch)| {
            let rows = all.map(|rows| from_column(rows, part.start * head_dim));
            let part = HeadsPart { rows, first: part.start, heads: part.len(), head_dim, mask };
            work(part, bytemuck::cast_slice_mut(scratch), y);
        });
    }

    /// Divides a recurrent layer by texts among the team. A text is not divided: each token starts where the one before ends.
    fn by_texts(
        self,
        x: SlotId,
        out: SlotId,
        arena: &mut Arena,
        team: &mut Team,
        work: impl Fn(Rows<'_>, &[u32], &mut [f32], RowsMut<'_>) + Sync,
    ) {
        let Run { layout, feed, .. } = self;
        let (x, out) = (layout.place(x), layout.place(out));
        let ([y, scratch], inputs) = arena.split([out.values.clone(), layout.scratch()]);
        let (mut y, starts) = (rows_mut(y, &out), feed.starts());
        let texts = starts.len() - 1;
        let members = team.members().min(out.rows * x.width * out.width / divide::MACS_EACH).max(1);
        let parts = divide::shares(texts, members).zip(scratch.chunks_exact_mut(layout.scratch_each())).map(
            |(texts, scratch)| {
                let starts = &starts[texts.start..=texts.end];
                let tokens = starts[0] as usize..starts[texts.len()] as usize;
                (y.take_rows(tokens.len()), starts, tokens, scratch)
            },
        );
        team.each(parts, |(y, starts, tokens, scratch)| {
            work(rows(&inputs, &x.part(tokens)), starts, bytemuck::cast_slice_mut(scratch), y);
        });
    }

    /// Divides an output by its rows among the team.
    fn by_rows(
        self,
        out: &Place,
        arena: &mut Arena,
        team: &mut Team,
        work: impl Fn(&Inputs<'_>, Range<usize>, RowsMut<'_>) + Sync,
    ) {
        let ([y], inputs) = arena.split([out.values.clone()]);
        let mut y = rows_mut(y, out);
        let parts = divide::shares(out.rows, divide::parts(out.rows * out.width, team.members()));
        team.each(parts.map(|part| (y.take_rows(part.len()), part)), |(y, part)| work(&inputs, part, y));
    }

    /// The number of each candidate's text.
    fn owners<'a>(self, inputs: &Inputs<'a>) -> &'a [u32] {
        bytemuck::cast_slice(inputs.bytes(self.layout.owners()))
    }
}

/// Some heads of attention.
struct HeadsPart<'a> {
    /// Queries, keys and values, from the first head on.
    rows: [Rows<'a>; 3],
    /// The number of the first head.
    first: usize,
    heads: usize,
    head_dim: usize,
    /// A number for each key.
    mask: Option<&'a [f32]>,
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
    RowsMut::new(bytemuck::cast_slice_mut(bytes), place.width)
}

/// Some columns of a slot.
fn columns<'a>(inputs: &Inputs<'a>, layout: &Layout<'_>, view: View) -> Rows<'a> {
    from_column(rows(inputs, &layout.place(view.slot)), view.column as usize)
}

/// The rows without their first columns.
fn from_column(rows: Rows<'_>, column: usize) -> Rows<'_> {
    Rows { values: &rows.values[column..], stride: rows.stride }
}

fn q8<'a>(inputs: &Inputs<'a>, place: &Place) -> Q8Rows<'a> {
    let params = bytemuck::cast_slice(inputs.bytes(place.scales.clone()));
    Q8Rows { codes: inputs.bytes(place.values.clone()), stride: place.stride, params }
}

fn q8_mut<'a>(codes: &'a mut [u8], params: &'a mut [u8], place: &Place) -> Q8RowsMut<'a> {
    Q8RowsMut { codes, stride: place.stride, params: bytemuck::cast_slice_mut(params) }
}

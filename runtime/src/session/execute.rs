//! One step: its slots are placed, its work is divided, its kernel is called.

mod concat;

use super::arena::{Arena, Inputs};
use super::divide::{self, By, Part};
use super::layout::{Layout, Place};
use super::plan::{self, Op, Panels, Plan, Term};
use super::team::Team;
use super::{Batch, Columns, Request};
use crate::isa::Isa;
use crate::kernels::{self, Beside, Epilogue, Lookup, Operand, Q8Rows, Q8RowsMut, Rows, RowsMut};
use core::ops::Range;
use modeldeploy_format::program::{self, Activation, Given, Index, SlotId, View};

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
                let out = layout.place(out);
                let ([y, scratch], inputs) = arena.split([out.values.clone(), layout.scratch()]);
                let [q, k, v] = [q, k, v].map(|view| columns(&inputs, layout, view));
                let head_dim = out.width / heads;
                let mut y = rows_mut(y, &out);
                let parts = divide::shares(heads, divide::parts(out.rows * out.width, team.members()));
                let parts = parts
                    .zip(scratch.chunks_exact_mut(layout.scratch_each()))
                    .map(|(part, scratch)| (y.take_columns(part.len() * head_dim), part, scratch));
                team.each(parts, |(y, part, scratch)| {
                    let [q, k, v] = [q, k, v].map(|rows| from_column(rows, part.start * head_dim));
                    let relative_bias = bias.as_ref().map(|bias| {
                        let table = from_column(Rows { values: bias.table, stride: heads }, part.start);
                        kernels::RelativeBias { buckets: &bias.buckets, table }
                    });
                    let (segments, heads) = (feed.starts(), part.len());
                    let attention =
                        kernels::Attention { q, k, v, segments, heads, head_dim, scale, relative_bias, causal };
                    let attend = if int8 { kernels::attention_i8 } else { kernels::attention };
                    attend(isa, attention, bytemuck::cast_slice_mut(scratch), y);
                });
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
            Op::Gru { x, weights, bias, out } => {
                let (x, out) = (layout.place(x), layout.place(out));
                let ([y, scratch], inputs) = arena.split([out.values.clone(), layout.scratch()]);
                let (mut y, starts) = (rows_mut(y, &out), feed.starts());
                let texts = starts.len() - 1;
                let members = team.members().min(out.rows * x.width * out.width / divide::MACS_EACH).max(1);
                // Texts are not divided: each starts where the ones before end.
                let parts = divide::shares(texts, members).zip(scratch.chunks_exact_mut(layout.scratch_each())).map(
                    |(texts, scratch)| {
                        let starts = &starts[texts.start..=texts.end];
                        let tokens = starts[0] as usize..starts[texts.len()] as usize;
                        (y.take_rows(tokens.len()), starts, tokens, scratch)
                    },
                );
                team.each(parts, |(y, starts, tokens, scratch)| {
                    let x = rows(&inputs, &x.part(tokens));
                    let inputs = kernels::Gru { x, weights, bias, segments: starts };
                    kernels::gru(isa, inputs, bytemuck::cast_slice_mut(scratch), y);
                });
            }
        }
    }

    fn embed(self, terms: [Option<Term<'_>>; 3], out: SlotId, arena: &mut Arena, team: &mut Team) {
        let Run { isa, layout, feed } = self;
        let out = layout.place(out);
        let ([y, scratch], _) = arena.split([out.values.clone(), layout.scratch()]);
        let mut scratch: &mut [u32] = bytemuck::cast_slice_mut(scratch);
        let mut lookups: [Option<Lookup<'_>>; 3] = [None; 3];
        for (lookup, term) in lookups.iter_mut().zip(terms.into_iter().flatten()) {
            let ids = match (term.index, feed) {
                (Index::TokenId, Feed::Texts(batch)) => batch.ids,
                (Index::TokenType, Feed::Texts(batch)) => batch.types,
                _ => {
                    let (positions, rest) = scratch.split_at_mut(out.rows);
                    scratch = rest;
                    place(term.index, feed, positions);
                    &*positions
                }
            };
            *lookup = Some(Lookup { table: term.table, ids });
        }
        let mut y = rows_mut(y, &out);
        let parts = divide::shares(out.rows, divide::parts(out.rows * out.width, team.members()));
        team.each(parts.map(|part| (y.take_rows(part.len()), part)), |(y, part)| {
            match lookups.map(|lookup| Some(Lookup { ids: &lookup?.ids[part.clone()], ..lookup? })) {
                [Some(a), Some(b), Some(c)] => kernels::embed(isa, &[a, b, c], out.width, y),
                [Some(a), Some(b), None] => kernels::embed(isa, &[a, b], out.width, y),
                [Some(a), ..] => kernels::embed(isa, &[a], out.width, y),
                [None, ..] => unreachable!("an embedding has a table: proved by parse"),
            }
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

    fn quantize(self, x: Rows<'_>, place: &Place, mut out: Q8RowsMut<'_>, team: &mut Team) {
        let parts = divide::shares(place.rows, divide::parts(place.rows * place.width, team.members()));
        team.each(parts.map(|part| (out.take_rows(part.len()), part)), |(out, part)| {
            let x = Rows { values: &x.values[part.start * x.stride..], stride: x.stride };
            kernels::quantize_rows(self.isa, x, place.width, out);
        });
    }

    fn linear(self, dense: &Dense<'_>, out: &Place, arena: &mut Arena, team: &mut Team) {
        let Run { isa, layout, .. } = self;
        let (rows, n) = (out.rows, out.width);
        let by = By::of(rows, dense.weights.size(), team.members());
        if out.is_f32() {
            let ([y], inputs) = arena.split([out.values.clone()]);
            team.each(by.parts(rows, n, rows_mut(y, out)), |part| dense.run(isa, &inputs, part));
            return;
        }
        let ([codes, params, scratch], inputs) =
            arena.split([out.values.clone(), out.scales.clone(), layout.scratch()]);
        let mut codes = q8_mut(codes, params, out);
        let By::Rows(parts) = by else {
            // So few rows that the scratch of all members holds them.
            let y: &mut [f32] = bytemuck::cast_slice_mut(scratch);
            team.each(by.parts(rows, n, RowsMut::new(y, n)), |part| dense.run(isa, &inputs, part));
            self.quantize(Rows { values: y, stride: n }, out, codes, team);
            return;
        };
        let parts = divide::shares(rows, parts)
            .zip(scratch.chunks_exact_mut(layout.scratch_each()))
            .map(|(part, scratch)| (codes.take_rows(part.len()), part, scratch));
        team.each(parts, |(mut codes, part, scratch)| {
            let scratch: &mut [f32] = bytemuck::cast_slice_mut(scratch);
            for first in part.clone().step_by(plan::QUANTIZED_TOGETHER) {
                let rows = first..part.end.min(first + plan::QUANTIZED_TOGETHER);
                let codes = codes.take_rows(rows.len());
                dense.run(isa, &inputs, Part { rows, columns: 0..n, y: RowsMut::new(scratch, n) });
                kernels::quantize_rows(isa, Rows { values: scratch, stride: n }, n, codes);
            }
        });
    }
}

/// A linear layer whose inputs are placed.
struct Dense<'a> {
    x: Place,
    weights: Panels<'a>,
    bias: Option<&'a [f32]>,
    activation: Activation,
    residual: Option<Operand<Place>>,
}

impl Dense<'_> {
    fn run(&self, isa: Isa, inputs: &Inputs<'_>, part: Part<'_>) {
        let Part { rows: part, columns, y } = part;
        let x = self.x.part(part.clone());
        let residual = self.residual.as_ref().map(|residual| match residual {
            Operand::InPlace => Operand::InPlace,
            Operand::Apart(place) => Operand::Apart(from_column(rows(inputs, &place.part(part)), columns.start)),
        });
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        let epilogue = Epilogue { bias, activation: self.activation, residual };
        match self.weights.columns(columns) {
            Panels::F32(w) => kernels::gemm_f32(isa, rows(inputs, &x), x.rows, w, epilogue, y),
            Panels::Bf16(w) => kernels::gemm_bf16(isa, rows(inputs, &x), x.rows, w, epilogue, y),
            Panels::Int8(w) => kernels::gemm_i8(isa, q8(inputs, &x), w, epilogue, y),
        }
    }
}

/// The rows of a table that the tokens take, where they are not given as they are read.
fn place(index: Index, feed: &Feed<'_>, places: &mut [u32]) {
    let texts = feed.starts().windows(2).map(|ends| ends[0] as usize..ends[1] as usize);
    match (index, feed) {
        (Index::Position { offset }, _) => {
            texts.for_each(|text| places[text].iter_mut().zip(offset..).for_each(|(to, position)| *to = position));
        }
        (Index::Counted { padding }, Feed::Texts(batch)) => {
            for text in texts {
                let mut count = 0;
                for (to, &id) in places[text.clone()].iter_mut().zip(&batch.ids[text]) {
                    count += u32::from(id != padding);
                    *to = if id == padding { 0 } else { count };
                }
            }
        }
        (Index::Id { column }, Feed::Request(..)) => {
            let (given, each) = feed.with(program::Rows::Tokens);
            let ids = given.ids.chunks_exact(each.ids as usize);
            places.iter_mut().zip(ids).for_each(|(to, ids)| *to = ids[column as usize]);
        }
        _ => unreachable!("an index of another kind of program: proved by parse"),
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

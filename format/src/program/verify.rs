//! Proof that a program cannot go wrong: every id exists, every type and width fits, nothing is read before it is written,
//! and no output lies over something that is still needed, nor over an input but exactly and where the step allows it.
//!
//! It holds for programs from any bytes; the session relies on it and checks nothing again.

use super::step::{Index, Lookup, Step, Weights};
use super::{
    Bag, Given, IdMask, MAX_INT8_DEPTH, MAX_ROW_BYTES, MAX_WIDTH, Part, PartRange, Program, Rows, Slot, SlotId,
    Storage, TensorId, Triangle, View,
};
use crate::tensor::{Layout, Tensor};
use crate::{DType, Signature};
use core::fmt;

/// Where a program is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramError {
    /// The step, by number and name; `None` where the whole is wrong.
    pub step: Option<(usize, &'static str)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some((at, name)) => write!(f, "step {at} ({name}): {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ProgramError {}

type Check<T = ()> = Result<T, String>;

/// What `verify` looks things up in.
struct Context<'a> {
    program: &'a Program,
    tensors: &'a [Tensor],
    signature: &'a Signature,
    given: &'a Given,
}

pub(crate) fn verify(
    program: &Program,
    tensors: &[Tensor],
    signature: &Signature,
    given: &Given,
) -> Result<(), ProgramError> {
    let whole = |message| ProgramError { step: None, message };
    for (id, slot) in program.slots.iter().enumerate() {
        check_slot(slot).map_err(|message| whole(format!("slot %{id} {message}")))?;
    }
    let context = Context { program, tensors, signature, given };
    let mut complete = vec![false; program.slots.len()];
    for (at, step) in program.steps.iter().enumerate() {
        let here = |message| ProgramError { step: Some((at, step.name())), message };
        context.check_step(step).map_err(here)?;
        context.check_flow(step, &mut complete).map_err(here)?;
    }
    let output = context.f32(program.output).map_err(whole)?;
    let (rows, each) = if given.is_nothing() { (Rows::Texts, "text") } else { (Rows::Candidates, "candidate") };
    if output.rows != rows || output.width != signature.outputs {
        return Err(whole(format!("the output is not {} values a {each}", signature.outputs)));
    }
    if !complete[program.output.0 as usize] {
        return Err(whole("the output is never written".to_owned()));
    }
    Ok(())
}

fn check_slot(slot: &Slot) -> Check {
    if slot.width == 0 || slot.width > MAX_WIDTH {
        return Err(format!("is {} wide, which is not in 1..={MAX_WIDTH}", slot.width));
    }
    if !slot.offset.is_multiple_of(4) {
        return Err(format!("begins at {}, which is no multiple of 4", slot.offset));
    }
    if slot.end() > MAX_ROW_BYTES {
        return Err(format!("ends past {MAX_ROW_BYTES} bytes a row"));
    }
    Ok(())
}

fn same<T: PartialEq + fmt::Debug>(what: &str, got: T, want: T) -> Check {
    if got == want { Ok(()) } else { Err(format!("{what} is {got:?} where {want:?} is needed")) }
}

/// That rows of one kind stand beside those of another: the same, or a text's beside those of its candidates.
fn fits(of: Rows, beside: Rows) -> Check {
    if of == beside || (of, beside) == (Rows::Texts, Rows::Candidates) {
        Ok(())
    } else {
        Err(format!("{of:?} do not stand beside {beside:?}"))
    }
}

/// That a slot is so many fields of that width.
fn check_fields(x: &Slot, fields: u32, width: u32) -> Check {
    if u64::from(fields) * u64::from(width) == u64::from(x.width) && fields > 0 && width > 0 {
        Ok(())
    } else {
        Err(format!("{} columns are not {fields} fields of {width}", x.width))
    }
}

impl Context<'_> {
    fn slot(&self, id: SlotId) -> Check<&Slot> {
        self.program.slots.get(id.0 as usize).ok_or_else(|| format!("slot {id} does not exist"))
    }

    fn f32(&self, id: SlotId) -> Check<&Slot> {
        let slot = self.slot(id)?;
        same(&format!("the storage of {id}"), slot.storage, Storage::F32)?;
        Ok(slot)
    }

    fn q8(&self, id: SlotId) -> Check<&Slot> {
        let slot = self.slot(id)?;
        same(&format!("the storage of {id}"), slot.storage, Storage::Q8)?;
        Ok(slot)
    }

    fn tensor(&self, id: TensorId) -> Check<&Tensor> {
        self.tensors.get(id.0 as usize).ok_or_else(|| format!("tensor {id} does not exist"))
    }

    fn vector(&self, id: TensorId, dtype: DType, len: u32) -> Check {
        let tensor = self.tensor(id)?;
        same(&format!("the type of {id}"), (tensor.dtype, tensor.layout), (dtype, Layout::Plain))?;
        same(&format!("the shape of {id}"), tensor.dims.as_slice(), &[len])
    }

    /// Two slots of the same rows and width.
    fn alike(&self, a: &Slot, b: &Slot) -> Check {
        same("the rows", a.rows, b.rows)?;
        same("the width", a.width, b.width)
    }

    fn check_step(&self, step: &Step) -> Check {
        match *step {
            Step::Embed { lookups, out } => {
                let out = self.f32(out)?;
                same("the rows", out.rows, Rows::Tokens)?;
                if lookups[0].is_none() {
                    return Err("there is no table".to_owned());
                }
                lookups.iter().flatten().try_for_each(|lookup| self.check_lookup(lookup, out.width))
            }
            Step::Add { a, b, out } => {
                let out = self.f32(out)?;
                self.alike(self.f32(a)?, out)?;
                self.alike(self.f32(b)?, out)
            }
            Step::LayerNorm { x, gamma, beta, epsilon, out, quantized } => {
                let (x, out) = (self.f32(x)?, self.f32(out)?);
                self.alike(x, out)?;
                self.vector(gamma, DType::F32, x.width)?;
                self.vector(beta, DType::F32, x.width)?;
                if !(epsilon.is_finite() && epsilon >= 0.0) {
                    return Err(format!("epsilon is {epsilon}"));
                }
                let Some(quantized) = quantized else { return Ok(()) };
                self.vector(quantized.gamma, DType::F32, x.width)?;
                self.vector(quantized.beta, DType::F32, x.width)?;
                self.alike(x, self.q8(quantized.out)?)
            }
            Step::Quantize { x, out } => self.alike(self.f32(x)?, self.q8(out)?),
            Step::Linear { x, weights, bias, residual, out, activation: _ } => {
                let out = self.slot(out)?;
                if out.storage == Storage::Q8 && residual.is_some() {
                    return Err("a residual is added to rows of f32 alone".to_owned());
                }
                let k = self.check_weights(&weights, x, out.width)?;
                let x = self.slot(x)?;
                same("the input's width", x.width, k)?;
                same("the input's rows", x.rows, out.rows)?;
                bias.map_or(Ok(()), |bias| self.vector(bias, DType::F32, out.width))?;
                residual.map_or(Ok(()), |residual| self.alike(self.f32(residual)?, out))
            }
            Step::MaskedAttention { q, k, v, heads, scale, mask, causal: _, safe: _, out } => {
                let out = self.f32(out)?;
                same("the rows", out.rows, Rows::Tokens)?;
                self.check_heads([q, k, v], heads, scale, out)?;
                let mask = self.f32(mask)?;
                same("the mask's rows", mask.rows, Rows::Tokens)?;
                same("the mask's width", mask.width, 1)
            }
            Step::Attention { q, k, v, heads, scale, bias, int8, causal, out } => {
                let out = self.f32(out)?;
                match out.rows {
                    Rows::Tokens => {}
                    Rows::Texts if bias.is_none() && !int8 && !causal => {}
                    Rows::Texts => return Err("one query a text has no bias, no codes and no place".to_owned()),
                    Rows::Candidates => return Err("candidates are no queries".to_owned()),
                }
                self.check_heads([q, k, v], heads, scale, out)?;
                bias.map_or(Ok(()), |bias| {
                    let table = self.tensor(bias.table)?;
                    same("the bias' type", (table.dtype, table.layout), (DType::F32, Layout::Plain))?;
                    match table.dims[..] {
                        // Half of the buckets are for each direction, half of those for exact distances.
                        [buckets, columns] if columns == heads && buckets >= 4 && buckets % 4 == 0 => {
                            if bias.max_distance > buckets / 4 && bias.max_distance <= MAX_WIDTH {
                                Ok(())
                            } else {
                                Err(format!("the bias' longest distance is {}", bias.max_distance))
                            }
                        }
                        _ => Err(format!("the bias' shape {:?} is not that of buckets by heads", table.dims)),
                    }
                })
            }
            Step::Pool { x, out, pooling: _ } => {
                let (x, out) = (self.f32(x)?, self.f32(out)?);
                same("the input's rows", x.rows, Rows::Tokens)?;
                same("the output's rows", out.rows, Rows::Texts)?;
                same("the width", x.width, out.width)
            }
            Step::Normalize { x, out } | Step::Activate { x, out, .. } | Step::Softmax { x, out } => {
                self.alike(self.f32(x)?, self.f32(out)?)
            }
            Step::Concat { parts, out } => self.check_concat(parts, self.f32(out)?),
            Step::Mul { a, b, out } => {
                let (b, out) = (self.f32(b)?, self.f32(out)?);
                self.alike(self.f32(a)?, out)?;
                same("the rows", b.rows, out.rows)?;
                if b.width == 1 { Ok(()) } else { same("the width", b.width, out.width) }
            }
            Step::Affine { x, gamma, beta, out } => {
                let x = self.f32(x)?;
                self.alike(x, self.f32(out)?)?;
                self.vector(gamma, DType::F32, x.width)?;
                self.vector(beta, DType::F32, x.width)
            }
            Step::Sum { x, fields, out } => {
                let (x, out) = (self.f32(x)?, self.f32(out)?);
                same("the rows", x.rows, out.rows)?;
                check_fields(x, fields, out.width)
            }
            Step::Dot { a, b, out } => {
                let (a, b, out) = (self.f32(a)?, self.f32(b)?, self.f32(out)?);
                same("the rows", a.rows, out.rows)?;
                fits(b.rows, out.rows)?;
                same("the width", b.width, a.width)?;
                same("the output's width", out.width, 1)
            }
            Step::Pairs { x, fields, triangle: _, diagonal, out } => {
                let (x, out) = (self.f32(x)?, self.f32(out)?);
                same("the rows", x.rows, out.rows)?;
                if fields == 0 {
                    return Err("there is no field".to_owned());
                }
                check_fields(x, fields, x.width / fields)?;
                same("the output's width", u64::from(out.width), Triangle::pairs(fields, diagonal))
            }
            Step::Gru { x, weights, bias, backward: _, out } => {
                self.check_recurrent(self.f32(x)?, 3, weights, self.f32(out)?)?;
                self.vector(bias, DType::F32, self.f32(x)?.width)
            }
            Step::Lstm { x, weights, backward: _, out } => {
                self.check_recurrent(self.f32(x)?, 4, weights, self.f32(out)?)
            }
            Step::Max { x, fields, out } => {
                let (x, out) = (self.f32(x)?, self.f32(out)?);
                same("the rows", x.rows, out.rows)?;
                check_fields(x, fields, out.width)
            }
        }
    }

    /// Queries, as many as there are outputs, and keys and values of attention.
    fn check_heads(&self, [q, k, v]: [View; 3], heads: u32, scale: f32, out: &Slot) -> Check {
        for (view, rows) in [(q, out.rows), (k, Rows::Tokens), (v, Rows::Tokens)] {
            self.check_view(view, rows)?;
            same("the width", view.width, out.width)?;
        }
        if !out.width.is_multiple_of(heads) {
            return Err(format!("{} columns are not {heads} heads", out.width));
        }
        if !scale.is_finite() {
            return Err(format!("the scale is {scale}"));
        }
        Ok(())
    }

    /// A recurrent layer of so many gates.
    fn check_recurrent(&self, x: &Slot, gates: u32, weights: TensorId, out: &Slot) -> Check {
        same("the input's rows", x.rows, Rows::Tokens)?;
        same("the rows", out.rows, Rows::Tokens)?;
        check_fields(x, gates, out.width)?;
        let weights = self.tensor(weights)?;
        same("the weights' layout", weights.layout, Layout::Panels)?;
        same("the weights' shape", weights.dims.as_slice(), &[x.width, out.width])
    }

    fn check_concat(&self, range: PartRange, out: &Slot) -> Check {
        let parts = self.program.parts(range);
        if parts.is_empty() {
            return Err(format!("the parts {}+{} do not exist", range.first, range.count));
        }
        let mut width = 0;
        for part in parts {
            width += u64::from(self.check_part(part, out.rows)?);
        }
        same("the output's width", u64::from(out.width), width)
    }

    /// How many columns a part gives.
    fn check_part(&self, part: &Part, rows: Rows) -> Check<u32> {
        let given = |of: Rows, what: &str, column: u32, count: u32, all: u32| {
            fits(of, rows)?;
            match column.checked_add(count) {
                Some(end) if count > 0 && end <= all => Ok(()),
                _ => Err(format!("{what} {column}+{count} are not among the {all} that are given with {of:?}")),
            }
        };
        match *part {
            Part::View(view) => {
                self.check_view(view, rows)?;
                Ok(view.width)
            }
            Part::Numbers { of, column, count } => {
                given(of, "numbers", column, count, self.given.with(of).numbers)?;
                Ok(count)
            }
            Part::Bag(Bag { table, scales, offsets, of, column, count, mean: _ }) => {
                given(of, "ids", column, count, self.given.with(of).ids)?;
                let [rows, width] = self.check_table(table, scales, offsets)?;
                if rows == 0 {
                    return Err("the table is empty".to_owned());
                }
                Ok(width)
            }
            Part::Mask(IdMask { of, column, id: _, equal, other }) => {
                given(of, "ids", column, 1, self.given.with(of).ids)?;
                if equal.is_nan() || other.is_nan() {
                    return Err(format!("a mask gives {equal} or {other}"));
                }
                Ok(1)
            }
        }
    }

    fn check_lookup(&self, lookup: &Lookup, width: u32) -> Check {
        let [rows, columns] = self.check_table(lookup.table, lookup.scales, lookup.offsets)?;
        same("the table's width", columns, width)?;
        let texts = self.given.is_nothing();
        match lookup.index {
            Index::TokenId | Index::TokenType | Index::Counted { .. } if !texts => {
                Err("it reads tokens, where a ranker has a session".to_owned())
            }
            Index::Id { column } if column >= self.given.session.ids => {
                Err(format!("id {column} is not among the {} of a session's items", self.given.session.ids))
            }
            Index::Position { offset } if rows < offset.saturating_add(self.signature.max_tokens) => {
                Err(format!("{rows} positions do not hold {} tokens from {offset} on", self.signature.max_tokens))
            }
            Index::FromEnd if rows < self.signature.max_tokens => {
                Err(format!("{rows} positions do not hold {} tokens", self.signature.max_tokens))
            }
            Index::Counted { .. } if rows <= self.signature.max_tokens => {
                Err(format!("{rows} positions do not hold padding and {} tokens", self.signature.max_tokens))
            }
            _ if rows == 0 => Err("the table is empty".to_owned()),
            _ => Ok(()),
        }
    }

    /// The rows and the width of a table.
    fn check_table(&self, id: TensorId, scales: Option<TensorId>, offsets: Option<TensorId>) -> Check<[u32; 2]> {
        let table = self.tensor(id)?;
        let [rows, width] = table.dims[..] else {
            return Err(format!("table {id} is not a matrix"));
        };
        same("the table's layout", table.layout, Layout::Plain)?;
        match (table.dtype, scales, offsets) {
            (DType::I8, Some(_), _) | (DType::U4, Some(_), Some(_)) | (DType::F32 | DType::Bf16, None, None) => {}
            (dtype, scales, offsets) => {
                return Err(format!("a table of {dtype} with scales {scales:?} and offsets {offsets:?}"));
            }
        }
        for by_row in scales.into_iter().chain(offsets) {
            self.vector(by_row, DType::F32, rows)?;
        }
        Ok([rows, width])
    }

    /// The depth `k` of the weights.
    fn check_weights(&self, weights: &Weights, x: SlotId, n: u32) -> Check<u32> {
        let (id, layout) = match *weights {
            Weights::Float(id) => {
                self.f32(x)?;
                (id, Layout::Panels)
            }
            Weights::Int8 { codes, scales, sums } => {
                self.q8(x)?;
                self.vector(scales, DType::F32, n)?;
                self.vector(sums, DType::I32, n)?;
                (codes, Layout::QuadPanels)
            }
        };
        let tensor = self.tensor(id)?;
        same("the weights' layout", tensor.layout, layout)?;
        match tensor.dims[..] {
            [_, k] if layout == Layout::QuadPanels && k > MAX_INT8_DEPTH => {
                Err(format!("sums over {k} products may leave i32; at most {MAX_INT8_DEPTH} cannot"))
            }
            [rows, k] if rows == n => Ok(k),
            _ => Err(format!("weights of shape {:?} do not give {n} columns", tensor.dims)),
        }
    }

    fn check_view(&self, view: View, rows: Rows) -> Check {
        let slot = self.f32(view.slot)?;
        fits(slot.rows, rows)?;
        if view.width == 0 {
            return Err(format!("no column of {} is read", view.slot));
        }
        match view.column.checked_add(view.width) {
            Some(end) if end <= slot.width => Ok(()),
            _ => Err(format!("columns {}+{} are not in {}", view.column, view.width, view.slot)),
        }
    }

    /// Inputs are complete; outputs lie over no input, but the first may exactly where the step works in place; what outputs lie
    /// over is complete no more.
    fn check_flow(&self, step: &Step, complete: &mut [bool]) -> Check {
        for id in self.program.inputs(step) {
            if !complete[id.0 as usize] {
                return Err(format!("{id} is read before it is written, or after something was written over it"));
            }
        }
        let outputs: Vec<SlotId> = step.outputs().collect();
        for (i, &out) in outputs.iter().enumerate() {
            let slot = self.slot(out)?;
            for other in self.program.inputs(step).chain(outputs[..i].iter().copied()) {
                let over = self.slot(other)?;
                let in_place = i == 0 && slot == over && step.in_place().any(|id| id == other);
                if slot.overlaps(over) && !in_place {
                    return Err(format!("{out} lies over {other}"));
                }
            }
        }
        for &out in &outputs {
            let slot = self.slot(out)?;
            for (flag, other) in complete.iter_mut().zip(&self.program.slots) {
                *flag &= !slot.overlaps(other);
            }
        }
        for &out in &outputs {
            complete[out.0 as usize] = true;
        }
        Ok(())
    }
}

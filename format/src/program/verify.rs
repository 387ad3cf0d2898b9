//! Proof that a program cannot go wrong: every id exists, every type and width fits, nothing is read before it is written,
//! and no output lies over something that is still needed, nor over an input but exactly and where the step allows it.
//!
//! It holds for programs from any bytes; the session relies on it and checks nothing again.

use super::step::{Index, Lookup, Step, Weights};
use super::{MAX_INT8_DEPTH, MAX_ROW_BYTES, MAX_WIDTH, Program, Rows, Slot, SlotId, Storage, TensorId, View};
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
}

pub(crate) fn verify(program: &Program, tensors: &[Tensor], signature: &Signature) -> Result<(), ProgramError> {
    let whole = |message| ProgramError { step: None, message };
    for (id, slot) in program.slots.iter().enumerate() {
        check_slot(slot).map_err(|message| whole(format!("slot %{id} {message}")))?;
    }
    let context = Context { program, tensors, signature };
    let mut complete = vec![false; program.slots.len()];
    for (at, step) in program.steps.iter().enumerate() {
        let here = |message| ProgramError { step: Some((at, step.name())), message };
        context.check_step(step).map_err(here)?;
        context.check_flow(step, &mut complete).map_err(here)?;
    }
    let output = context.f32(program.output).map_err(whole)?;
    if output.rows != Rows::Texts || output.width != signature.outputs {
        return Err(whole(format!("the output is not {} values a text", signature.outputs)));
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
            Step::Attention { q, k, v, heads, scale, bias, int8: _, out } => {
                let out = self.f32(out)?;
                same("the rows", out.rows, Rows::Tokens)?;
                for view in [q, k, v] {
                    self.check_view(view, out.width)?;
                }
                if heads == 0 || out.width % heads != 0 {
                    return Err(format!("{} columns are not {heads} heads", out.width));
                }
                if !scale.is_finite() {
                    return Err(format!("the scale is {scale}"));
                }
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
        }
    }

    fn check_lookup(&self, lookup: &Lookup, width: u32) -> Check {
        let table = self.tensor(lookup.table)?;
        let [rows, columns] = table.dims[..] else {
            return Err(format!("table {} is not a matrix", lookup.table));
        };
        same("the table's layout", table.layout, Layout::Plain)?;
        same("the table's width", columns, width)?;
        match (table.dtype, lookup.scales) {
            (DType::I8, Some(scales)) => self.vector(scales, DType::F32, rows)?,
            (DType::F32 | DType::Bf16, None) => {}
            (dtype, scales) => return Err(format!("a table of {dtype} with scales {scales:?}")),
        }
        match lookup.index {
            Index::Position { offset } if rows < offset.saturating_add(self.signature.max_tokens) => {
                Err(format!("{rows} positions do not hold {} tokens from {offset} on", self.signature.max_tokens))
            }
            Index::Counted { .. } if rows <= self.signature.max_tokens => {
                Err(format!("{rows} positions do not hold padding and {} tokens", self.signature.max_tokens))
            }
            _ if rows == 0 => Err("the table is empty".to_owned()),
            _ => Ok(()),
        }
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

    fn check_view(&self, view: View, width: u32) -> Check {
        let slot = self.f32(view.slot)?;
        same("the rows", slot.rows, Rows::Tokens)?;
        same("the width", view.width, width)?;
        match view.column.checked_add(view.width) {
            Some(end) if end <= slot.width => Ok(()),
            _ => Err(format!("columns {}+{} are not in {}", view.column, view.width, view.slot)),
        }
    }

    /// Inputs are complete; outputs lie over no input, but the first may exactly where the step works in place; what outputs lie
    /// over is complete no more.
    fn check_flow(&self, step: &Step, complete: &mut [bool]) -> Check {
        for id in step.inputs() {
            if !complete[id.0 as usize] {
                return Err(format!("{id} is read before it is written, or after something was written over it"));
            }
        }
        let outputs: Vec<SlotId> = step.outputs().collect();
        for (i, &out) in outputs.iter().enumerate() {
            let slot = self.slot(out)?;
            for other in step.inputs().chain(outputs[..i].iter().copied()) {
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

//! How far a run goes: to the model's answer, or to what the answer is made of.

use super::plan::Op;
use modeldeploy_format::program::{Activation, Program, Rows, Slot, SlotId, Step, Storage};

/// How far a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// To the answer: `signature.outputs` values for each text.
    #[default]
    Output,
    /// To the rows from which a text's vector is pooled, one for each of its tokens, special ones counted.
    Tokens,
    /// To the answer before its last step brings it to unit length.
    Unscaled,
    /// To the answer before its last step makes probabilities of it, by sigmoid or softmax.
    Raw,
}

/// Where a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// So many steps are done as they stand.
    pub(super) steps: usize,
    /// The product after them, whose activation is left out.
    pub(super) plain: Option<usize>,
    /// What is given.
    pub(super) slot: SlotId,
}

impl Stage {
    /// The values of a row. None where the program computes no such rows: an encoder that pools its first token computes its last block for
    /// that one alone.
    pub fn width(self, program: &Program) -> Option<usize> {
        self.end(program).map(|end| program.slot(end.slot).width as usize)
    }

    /// Where a run of the program ends that goes so far.
    pub(super) fn end(self, program: &Program) -> Option<End> {
        let end = |steps, slot| Some(End { steps, plain: None, slot });
        let (last, before) = program.steps.split_last()?;
        let is_last = last.outputs().eq([program.output]);
        match (self, last) {
            (Stage::Output, _) => end(program.steps.len(), program.output),
            (Stage::Tokens, _) => {
                let pool = program.steps.iter().position(|step| matches!(step, Step::Pool { .. }))?;
                let Step::Pool { x, .. } = program.steps[pool] else { return None };
                let rows = program.slot(x);
                let are_last = program.steps[pool + 1..].iter().all(is_of_the_pooled);
                (are_last && rows.rows == Rows::Tokens && rows.storage == Storage::F32).then_some(())?;
                end(pool, x)
            }
            (Stage::Unscaled, Step::Normalize { x, .. }) if is_last => end(before.len(), *x),
            (Stage::Raw, Step::Softmax { x, .. }) if is_last => end(before.len(), *x),
            (Stage::Raw, Step::Activate { x, activation: Activation::Sigmoid, .. }) if is_last => end(before.len(), *x),
            (Stage::Raw, Step::Linear { activation: Activation::Sigmoid, residual: None, out, .. }) if is_last => {
                Some(End { steps: before.len(), plain: Some(before.len()), slot: *out })
            }
            _ => None,
        }
        .filter(|end| is_f32(program.slot(end.slot)))
    }
}

/// Whether a step may follow the pooling of what is the last of all tokens: more, and a part of a block follows it.
fn is_of_the_pooled(step: &Step) -> bool {
    matches!(
        step,
        Step::Linear { residual: None, .. }
            | Step::Quantize { .. }
            | Step::Activate { .. }
            | Step::Normalize { .. }
            | Step::Softmax { .. }
    )
}

fn is_f32(slot: &Slot) -> bool {
    slot.storage == Storage::F32
}

/// A product without its activation.
pub(super) fn plain<'a>(op: &Op<'a>) -> Op<'a> {
    match *op {
        Op::Linear { x, weights, bias, residual, out, .. } => {
            Op::Linear { x, weights, bias, activation: Activation::Identity, residual, out }
        }
        _ => unreachable!("the end of a run is a product"),
    }
}

//! How far a run goes: to the model's answer, or to what the answer is made of.

use super::plan::Op;
use modeldeploy_format::program::{Activation, Program, Rows, SlotId, Step, Storage};

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
    /// Whether the next one is a product that is done without its activation.
    pub(super) then_plain: bool,
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
        let end = |steps, slot| Some(End { steps, then_plain: false, slot });
        let (last, before) = program.steps.split_last()?;
        let is_last = last.outputs().eq([program.output]);
        match (self, last) {
            (Stage::Output, _) => end(program.steps.len(), program.output),
            (Stage::Tokens, _) => {
                let pool = program.steps.iter().position(|step| matches!(step, Step::Pool { .. }))?;
                let Step::Pool { x, .. } = program.steps[pool] else { return None };
                let are_last = program.steps[pool + 1..].iter().all(may_follow_pooling);
                if are_last && program.slot(x).rows == Rows::Tokens { end(pool, x) } else { None }
            }
            (Stage::Unscaled, Step::Normalize { x, .. }) if is_last => end(before.len(), *x),
            (Stage::Raw, Step::Softmax { x, .. }) if is_last => end(before.len(), *x),
            (Stage::Raw, Step::Activate { x, activation: Activation::Sigmoid, .. }) if is_last => end(before.len(), *x),
            (Stage::Raw, Step::Linear { activation: Activation::Sigmoid, residual: None, out, .. }) if is_last => {
                Some(End { steps: before.len(), then_plain: true, slot: *out })
            }
            _ => None,
        }
        .filter(|end| program.slot(end.slot).storage == Storage::F32)
    }
}

/// Whether a step may follow the pooling of the last rows of tokens. Any other is a part of the last block, which is computed for the pooled
/// token alone.
fn may_follow_pooling(step: &Step) -> bool {
    matches!(
        step,
        Step::Linear { residual: None, .. }
            | Step::Quantize { .. }
            | Step::Activate { .. }
            | Step::Normalize { .. }
            | Step::Softmax { .. }
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::program::{Pooling, Slot, TensorId};

    /// Rows of tokens, the first of which is pooled, and what comes after.
    fn pooled(after: Vec<Step>) -> Program {
        let slot = |rows, width| Slot { rows, storage: Storage::F32, width, offset: 0 };
        let slots = vec![slot(Rows::Tokens, 4), slot(Rows::Texts, 4), slot(Rows::Texts, 4)];
        let first = vec![
            Step::Embed { lookups: [None; 3], out: SlotId(0) },
            Step::Pool { x: SlotId(0), pooling: Pooling::Cls, out: SlotId(1) },
        ];
        let output = SlotId(if after.is_empty() { 1 } else { 2 });
        Program { slots, steps: [first, after].concat(), parts: vec![], output }
    }

    #[test]
    fn rows_of_tokens_are_there_unless_a_part_of_a_block_follows_their_pooling() {
        let (x, out) = (SlotId(1), SlotId(2));
        let norm = Step::LayerNorm { x, gamma: TensorId(0), beta: TensorId(0), epsilon: 1e-5, out, quantized: None };
        for (after, width) in [(vec![], Some(4)), (vec![Step::Normalize { x, out }], Some(4)), (vec![norm], None)] {
            assert_eq!(Stage::Tokens.width(&pooled(after.clone())), width, "{after:?}");
        }
    }

    #[test]
    fn only_a_step_that_gives_the_output_is_left_out() {
        let (x, out) = (SlotId(1), SlotId(2));
        let mut program = pooled(vec![Step::Normalize { x, out }]);
        assert_eq!(Stage::Unscaled.end(&program), Some(End { steps: 2, then_plain: false, slot: x }));
        program.output = x;
        assert_eq!(Stage::Unscaled.end(&program), None);
    }
}

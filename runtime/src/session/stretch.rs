//! Stretches of steps that are done row by row: each member of a team takes some rows through all the steps of one, and waits for nobody.
//!
//! From one attention to the next a token's row follows from itself alone. Divided step by step, a layer of BERT hands out eight pieces
//! and waits eight times; as a stretch and an attention, twice. A member computes in memory of its own, for in the session's the slots of
//! different steps lie over one another, which is right only as long as all members are at the same step. What a stretch reads that was
//! computed elsewhere is copied to its members before, and what is read elsewhere of what it computes, one slot, after.
//!
//! Texts of few rows are not divided so: their products are divided by columns, so that weights are read once. Nor are those of very many
//! rows, for which waiting is little.

use super::arena::Arena;
use super::execute::Run;
use super::layout::Layout;
use super::plan::{self, Op};
use super::team::Team;
use super::{Capacity, SessionError, divide};
use core::ops::Range;
use modeldeploy_format::program::{Program, Rows, SlotId, Step, Storage};
use std::collections::BTreeSet;

/// The most rows of a member. Its own memory has so many.
const MOST_EACH: usize = 128;

/// Some steps that follow one another.
#[derive(Debug, PartialEq, Eq)]
struct Stretch {
    steps: Range<usize>,
    /// What was computed by a step outside of all stretches.
    inputs: Box<[SlotId]>,
    /// What is read by one, or is the program's output.
    output: SlotId,
}

/// The stretches of a program, and the members' memory.
#[derive(Default)]
pub(super) struct Stretches {
    /// Ascending.
    list: Box<[Stretch]>,
    members: Box<[Member]>,
    /// Bytes of a member's scratch.
    scratch: usize,
}

/// What a member computes in.
struct Member {
    arena: Arena,
    /// A team of one.
    alone: Team,
}

impl Stretches {
    /// Those of a program for a team of `members`; none where there is one member.
    pub(super) fn new(program: &Program, tokens: usize, members: usize) -> Result<Stretches, SessionError> {
        let list = if members > 1 { find(program) } else { Box::default() };
        if list.is_empty() {
            return Ok(Stretches::default());
        }
        let rows = tokens.div_ceil(members).min(MOST_EACH);
        let too_large = SessionError::Memory { bytes: usize::MAX };
        let scratch = plan::scratch_bytes(program, rows, rows).ok_or(too_large.clone())?;
        let bytes = Layout::new(program, size(rows), scratch, 1).ok_or(too_large)?.bytes();
        let member = |_| {
            let alone = Team::new(1).map_err(|error| SessionError::Threads { threads: 1, cause: error.kind() })?;
            Ok(Member { arena: Arena::new(bytes)?, alone })
        };
        let members = (0..members).map(member).collect::<Result<_, SessionError>>()?;
        Ok(Stretches { list, members, scratch })
    }

    /// The bytes of the members' memory.
    pub(super) fn memory(&self) -> usize {
        self.members.iter().map(|member| member.arena.len()).sum()
    }

    /// Runs all the steps of a program, those of stretches as such if the batch's rows are as many as they are for.
    pub(super) fn run(
        &mut self,
        program: &Program,
        steps: &[Op<'_>],
        (run, rows): (Run<'_>, usize),
        arena: &mut Arena,
        team: &mut Team,
    ) {
        let count = self.members.len();
        let fits = count > 0 && (divide::ROWS_EACH * count..=MOST_EACH * count).contains(&rows);
        let list = if fits { &self.list[..] } else { &[] };
        // Members have as many rows, or one more.
        let layouts = fits.then(|| {
            let layout =
                |rows| Layout::new(program, size(rows), self.scratch, 1).expect("no larger than a member's own");
            [rows / count, rows.div_ceil(count)].map(layout)
        });
        let mut done = 0;
        for stretch in list {
            steps[done..stretch.steps.start].iter().for_each(|op| run.step(op, arena, team));
            let layouts = layouts.as_ref().expect("there are stretches");
            stretch.run(&steps[stretch.steps.clone()], run, layouts, &mut self.members, arena, team);
            done = stretch.steps.end;
        }
        steps[done..].iter().for_each(|op| run.step(op, arena, team));
    }
}

impl Stretch {
    fn run(
        &self,
        steps: &[Op<'_>],
        run: Run<'_>,
        layouts: &[Layout<'_>; 2],
        members: &mut [Member],
        arena: &mut Arena,
        team: &mut Team,
    ) {
        let output = run.layout.place(self.output);
        let shares = || divide::shares(output.rows, team.members());
        let least = output.rows / members.len();
        let layout = |rows: usize| &layouts[usize::from(rows > least)];
        for (member, part) in members.iter_mut().zip(shares()) {
            let layout = layout(part.len());
            for &slot in &self.inputs {
                let (from, to) = (run.layout.place(slot).part(part.clone()), layout.place(slot));
                let ([values, scales], _) = member.arena.split([to.values, to.scales]);
                values.copy_from_slice(arena.bytes(from.values));
                scales.copy_from_slice(arena.bytes(from.scales));
            }
        }
        let ([mut rest], _) = arena.split([output.values.clone()]);
        let parts = members.iter_mut().zip(shares()).map(|(member, part)| {
            let rows = rest.split_off_mut(..part.len() * output.stride).expect("the rows of all members");
            (member, rows, layout(part.len()))
        });
        team.each(parts, |(member, rows, layout)| {
            let run = Run { layout, ..run };
            steps.iter().for_each(|op| run.step(op, &mut member.arena, &mut member.alone));
            rows.copy_from_slice(member.arena.bytes(layout.place(self.output).values));
        });
    }
}

/// So many tokens, of no text.
fn size(tokens: usize) -> Capacity {
    Capacity { tokens, texts: 0, candidates: 0 }
}

/// The longest runs of steps over the rows of tokens, of which one slot is read elsewhere.
fn find(program: &Program) -> Box<[Stretch]> {
    let is_by_row = |step: &Step| {
        let kind = matches!(
            step,
            Step::Add { .. }
                | Step::LayerNorm { .. }
                | Step::Quantize { .. }
                | Step::Linear { .. }
                | Step::Activate { .. }
                | Step::Normalize { .. }
                | Step::Softmax { .. }
        );
        kind && step.own_inputs().chain(step.outputs()).all(|slot| program.slot(slot).rows == Rows::Tokens)
    };
    let mut runs: Vec<Range<usize>> = vec![];
    for (at, _) in program.steps.iter().enumerate().filter(|(_, step)| is_by_row(step)) {
        match runs.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    // One step is divided as well by itself.
    runs.retain(|run| run.len() > 1);
    loop {
        let stretches: Vec<Option<Stretch>> = runs.iter().map(|run| stretch(program, &runs, run)).collect();
        // What others read of a run that is no stretch is computed elsewhere.
        let Some(none) = stretches.iter().position(Option::is_none) else {
            return stretches.into_iter().flatten().collect();
        };
        runs.remove(none);
    }
}

/// A run of steps as a stretch beside others, if one slot of f32 is read elsewhere.
fn stretch(program: &Program, runs: &[Range<usize>], run: &Range<usize>) -> Option<Stretch> {
    let is_within = |at: usize| runs.iter().any(|run| run.contains(&at));
    let within = || (0..program.steps.len()).filter(|&at| is_within(at)).map(|at| &program.steps[at]);
    let without = || (0..program.steps.len()).filter(|&at| !is_within(at)).map(|at| &program.steps[at]);
    let steps = &program.steps[run.clone()];
    let inputs: BTreeSet<SlotId> = steps.iter().flat_map(Step::own_inputs).collect();
    let inputs = inputs.into_iter().filter(|slot| !within().flat_map(Step::outputs).any(|of| of == *slot)).collect();
    let is_read = |slot: &SlotId| {
        *slot == program.output || without().flat_map(|step| program.inputs(step)).any(|read| read == *slot)
    };
    let outputs: BTreeSet<SlotId> = steps.iter().flat_map(Step::outputs).filter(is_read).collect();
    let output = outputs.first().copied().filter(|_| outputs.len() == 1)?;
    let is_f32 = program.slot(output).storage == Storage::F32;
    is_f32.then_some(Stretch { steps: run.clone(), inputs, output })
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::program::{Activation, Pooling, Slot, TensorId, View, Weights};

    const WIDTH: u32 = 4;

    /// A block of an encoder: `norm(x + dense(attention(qkv(x))))`, then its first row.
    fn block(rows: Rows) -> Program {
        let slot = |rows, width| Slot { rows, storage: Storage::F32, width, offset: 0 };
        let slots =
            [1, 3, 1, 1, 1].map(|times| slot(rows, times * WIDTH)).into_iter().chain([slot(Rows::Texts, WIDTH)]);
        let linear = |x, residual, out| Step::Linear {
            x: SlotId(x),
            weights: Weights::Float(TensorId(0)),
            bias: None,
            activation: Activation::Identity,
            residual,
            out: SlotId(out),
        };
        let norm = |x, out| Step::LayerNorm {
            x: SlotId(x),
            gamma: TensorId(0),
            beta: TensorId(0),
            epsilon: 1e-5,
            out: SlotId(out),
            quantized: None,
        };
        let [q, k, v] = [0, 1, 2].map(|at| View { slot: SlotId(1), column: at * WIDTH, width: WIDTH });
        let (heads, scale, bias, int8, causal) = (1, 1.0, None, false, false);
        let steps = vec![
            Step::Embed { lookups: [None; 3], out: SlotId(0) },
            linear(0, None, 1),
            Step::Attention { q, k, v, heads, scale, bias, int8, causal, out: SlotId(2) },
            linear(2, Some(SlotId(0)), 3),
            norm(3, 4),
            Step::Pool { x: SlotId(4), pooling: Pooling::Cls, out: SlotId(5) },
        ];
        Program { slots: slots.collect(), steps, parts: vec![], output: SlotId(5) }
    }

    #[test]
    fn what_lies_between_two_attentions_is_a_stretch() {
        let found = find(&block(Rows::Tokens));
        let inputs = [SlotId(0), SlotId(2)].into();
        assert_eq!(found[..], [Stretch { steps: 3..5, inputs, output: SlotId(4) }]);
    }

    #[test]
    fn what_two_stretches_share_is_not_brought_again() {
        let mut program = block(Rows::Tokens);
        // The first product has company, so that it is a stretch too, and its rows' sum is what the second begins with.
        program.steps.insert(1, Step::Add { a: SlotId(0), b: SlotId(0), out: SlotId(4) });
        program.slots.push(program.slots[4].clone());
        program.output = SlotId(6);
        let Step::Linear { residual, .. } = &mut program.steps[4] else { unreachable!("the second product") };
        *residual = Some(SlotId(4));
        let Step::LayerNorm { out, .. } = &mut program.steps[5] else { unreachable!("the normalization") };
        *out = SlotId(6);
        let Step::Pool { x, .. } = &mut program.steps[6] else { unreachable!("the pooling") };
        *x = SlotId(6);
        let expected = [
            Stretch { steps: 1..3, inputs: [SlotId(0)].into(), output: SlotId(1) },
            Stretch { steps: 4..6, inputs: [SlotId(2)].into(), output: SlotId(6) },
        ];
        assert_eq!(find(&program)[..], expected);
    }

    #[test]
    fn rows_of_texts_and_slots_of_which_several_are_read_elsewhere_make_no_stretch() {
        assert_eq!(find(&block(Rows::Texts))[..], []);
        let mut program = block(Rows::Tokens);
        program.output = SlotId(3);
        assert_eq!(find(&program)[..], [], "the product and its normalization are read");
    }
}

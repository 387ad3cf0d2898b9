//! Stretches of steps that are done row by row: each member of a team takes some rows through all the steps of one, and waits for nobody.
//!
//! From one attention to the next a token's row follows from itself alone. Divided step by step, a layer of BERT hands out eight pieces
//! and waits eight times; as a stretch and an attention, twice. A member computes in memory of its own, for in the session's the slots of
//! different steps lie over one another, which is right only as long as all members are at the same step. What a stretch reads that was
//! computed elsewhere is copied to its members before, and what is read elsewhere of what it computes, a few slots, after.
//!
//! Texts of few rows are not divided so: their products are divided by columns, so that weights are read once. Nor are those of very many
//! rows, for which waiting is little.

use super::arena::Arena;
use super::execute::Run;
use super::layout::Layout;
use super::plan::{self, Op};
use super::team::Team;
use super::{Capacity, SessionError, divide};
use core::array;
use core::ops::Range;
use modeldeploy_format::program::{Program, Rows, SlotId, Step, Storage};
use std::collections::BTreeSet;

/// The most rows of a member. Its own memory has so many.
const MOST_EACH: usize = 128;

/// The most slots of a stretch that are read elsewhere: three are queries, keys and values, where they are not one.
const MOST_OUTPUTS: usize = 3;

/// Some steps that follow one another.
#[derive(Debug, PartialEq, Eq)]
struct Stretch {
    steps: Range<usize>,
    /// What was computed by a step outside of all stretches.
    inputs: Box<[SlotId]>,
    /// What is read by one, or is the program's output; of f32, one at least.
    outputs: Box<[SlotId]>,
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

    /// Runs the first steps of a program, those of stretches as such if the batch's rows are as many as they are for.
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
        for stretch in list.iter().filter(|stretch| stretch.steps.end <= steps.len()) {
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
        let count = run.layout.place(self.outputs[0]).rows;
        let shares = || divide::shares(count, team.members());
        let least = count / members.len();
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
        // Those that are not there are nothing, at the end.
        let outputs: [_; MOST_OUTPUTS] = array::from_fn(|at| self.outputs.get(at).map(|&slot| run.layout.place(slot)));
        let end = arena.len();
        let places = outputs.each_ref().map(|out| out.as_ref().map_or(end..end, |out| out.values.clone()));
        let (mut rest, _) = arena.split(places);
        let parts = members.iter_mut().zip(shares()).map(|(member, part)| {
            let mut rows: [&mut [u8]; MOST_OUTPUTS] = array::from_fn(|_| Default::default());
            for ((rows, rest), out) in rows.iter_mut().zip(&mut rest).zip(&outputs) {
                let bytes = out.as_ref().map_or(0, |out| part.len() * out.stride);
                *rows = rest.split_off_mut(..bytes).expect("the rows of all members");
            }
            (member, rows, layout(part.len()))
        });
        team.each(parts, |(member, rows, layout)| {
            let run = Run { layout, ..run };
            steps.iter().for_each(|op| run.step(op, &mut member.arena, &mut member.alone));
            for (rows, &slot) in rows.into_iter().zip(&self.outputs) {
                rows.copy_from_slice(member.arena.bytes(layout.place(slot).values));
            }
        });
    }
}

/// So many tokens, of no text.
fn size(tokens: usize) -> Capacity {
    Capacity { tokens, texts: 0, candidates: 0 }
}

/// The longest runs of steps over the rows of tokens, of which a few slots are read elsewhere.
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
    // Where a slot is written again, which of its values a step reads is more than whether it is written in a stretch.
    let mut written = BTreeSet::new();
    if !program.steps.iter().flat_map(Step::outputs).all(|slot| written.insert(slot)) {
        return Box::default();
    }
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
        let around = Around::of(program, &runs);
        let stretches: Vec<Option<Stretch>> = runs.iter().map(|run| around.stretch(program, run)).collect();
        if stretches.iter().all(Option::is_some) {
            return stretches.into_iter().flatten().collect();
        }
        // What others read of a run that is no stretch is computed elsewhere.
        let mut stretches = stretches.iter();
        runs.retain(|_| stretches.next().is_some_and(Option::is_some));
    }
}

/// What lies within some runs of steps, and what is read outside of them.
struct Around {
    written_within: BTreeSet<SlotId>,
    read_without: BTreeSet<SlotId>,
}

impl Around {
    /// Of ascending runs.
    fn of(program: &Program, runs: &[Range<usize>]) -> Around {
        let mut around = Around { written_within: BTreeSet::new(), read_without: [program.output].into() };
        let mut runs = runs.iter().peekable();
        for (at, step) in program.steps.iter().enumerate() {
            while runs.next_if(|run| run.end <= at).is_some() {}
            match runs.peek().is_some_and(|run| run.contains(&at)) {
                true => around.written_within.extend(step.outputs()),
                false => around.read_without.extend(program.inputs(step)),
            }
        }
        around
    }

    /// A run of steps as a stretch beside the others, if few slots, of f32, are read elsewhere.
    fn stretch(&self, program: &Program, run: &Range<usize>) -> Option<Stretch> {
        let steps = &program.steps[run.clone()];
        let inputs: BTreeSet<SlotId> =
            steps.iter().flat_map(Step::own_inputs).filter(|slot| !self.written_within.contains(slot)).collect();
        let outputs: BTreeSet<SlotId> =
            steps.iter().flat_map(Step::outputs).filter(|slot| self.read_without.contains(slot)).collect();
        let are_f32 = outputs.iter().all(|&slot| program.slot(slot).storage == Storage::F32);
        ((1..=MOST_OUTPUTS).contains(&outputs.len()) && are_f32).then(|| Stretch {
            steps: run.clone(),
            inputs: inputs.into_iter().collect(),
            outputs: outputs.into_iter().collect(),
        })
    }
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
        assert_eq!(found[..], [Stretch { steps: 3..5, inputs, outputs: [SlotId(4)].into() }]);
    }

    #[test]
    fn what_two_stretches_share_is_not_brought_again() {
        let mut program = block(Rows::Tokens);
        // The first product has company, so that it is a stretch too, and its rows' sum is what the second begins with.
        program.steps.insert(1, Step::Add { a: SlotId(0), b: SlotId(0), out: SlotId(4) });
        program.slots.push(program.slots[4]);
        program.output = SlotId(6);
        let Step::Linear { residual, .. } = &mut program.steps[4] else { unreachable!("the second product") };
        *residual = Some(SlotId(4));
        let Step::LayerNorm { out, .. } = &mut program.steps[5] else { unreachable!("the normalization") };
        *out = SlotId(6);
        let Step::Pool { x, .. } = &mut program.steps[6] else { unreachable!("the pooling") };
        *x = SlotId(6);
        let expected = [
            Stretch { steps: 1..3, inputs: [SlotId(0)].into(), outputs: [SlotId(1)].into() },
            Stretch { steps: 4..6, inputs: [SlotId(2)].into(), outputs: [SlotId(6)].into() },
        ];
        assert_eq!(find(&program)[..], expected);
    }

    #[test]
    fn rows_of_texts_make_no_stretch_nor_do_slots_that_are_written_again() {
        assert_eq!(find(&block(Rows::Texts))[..], []);
        let mut program = block(Rows::Tokens);
        let Step::Pool { x, .. } = &mut program.steps[5] else { unreachable!("the pooling") };
        *x = SlotId(3);
        let Step::LayerNorm { out, .. } = &mut program.steps[4] else { unreachable!("the normalization") };
        *out = SlotId(3);
        assert_eq!(find(&program)[..], [], "the product's slot is the normalization's");
    }

    #[test]
    fn a_few_slots_are_read_elsewhere_and_no_more() {
        // As in an encoder that pools its first token early: what attention reads, and the residual.
        let mut program = block(Rows::Tokens);
        program.output = SlotId(3);
        let outputs = [SlotId(3), SlotId(4)].into();
        assert_eq!(find(&program)[0].outputs, outputs);
        // And two more.
        for _ in 0..2 {
            let [sum, first] = [0, 1].map(|at| SlotId(program.slots.len() as u32 + at));
            program.slots.extend([program.slots[4], program.slots[5]]);
            program.steps.insert(5, Step::Add { a: SlotId(4), b: SlotId(3), out: sum });
            program.steps.push(Step::Pool { x: sum, pooling: Pooling::Cls, out: first });
        }
        assert_eq!(find(&program)[..], []);
    }
}

//! Places in the arena: slots that are never alive together may share bytes, and an output may lie over an input that ends with it.
//!
//! Each slot is written by one step and lives from there to the last step that reads it. Where that step works in place and writes
//! such a slot, the two are one allocation, which lives as long as both. Larger allocations are placed first, each in the smallest
//! gap that it fits between those placed before whose lives touch its own (Pisarchyk and Lee 2020, greedy by size); the order of
//! creation is tried too, and each slot in a place of its own, and the smallest plan wins.

use modeldeploy_format::program::{Program, Rows, Slot, Step};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Every slot begins at a multiple of this many bytes a row: a cache line, whatever the capacity.
const LINE: u64 = 64;

/// How much arena a program needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Bytes for each token of capacity.
    pub token_bytes: u64,
    /// Bytes for each text of capacity.
    pub text_bytes: u64,
    /// Bytes for each candidate of capacity.
    pub candidate_bytes: u64,
}

/// The steps between which a slot holds something, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The step that writes it.
    pub from: usize,
    /// The last step that reads it.
    pub to: usize,
}

impl Life {
    /// Whether both are alive during some step.
    pub fn meets(self, other: Life) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

/// The life of each slot; the output lives to the end.
///
/// # Panics
///
/// If a step names a slot that does not exist.
pub fn lives(program: &Program) -> Vec<Life> {
    let mut lives = vec![Life { from: usize::MAX, to: 0 }; program.slots.len()];
    for (at, step) in program.steps.iter().enumerate() {
        for id in program.inputs(step).chain(step.outputs()) {
            let life = &mut lives[id.0 as usize];
            *life = Life { from: life.from.min(at), to: at };
        }
    }
    lives[program.output.0 as usize].to = program.steps.len();
    lives
}

/// Gives each slot its offset.
///
/// # Panics
///
/// If a step names a slot that does not exist.
pub fn plan(program: &mut Program) -> MemoryPlan {
    let lives = lives(program);
    let slots = &mut program.slots;
    let in_place = firsts(slots, &program.steps, &lives);
    let apart: Vec<usize> = (0..slots.len()).collect();
    let [token_bytes, text_bytes, candidate_bytes] = Rows::ALL.map(|rows| {
        let (allocations, total) = [&in_place, &apart]
            .map(|firsts| place_all(allocations(slots, &lives, firsts, rows)))
            .into_iter()
            .min_by_key(|&(_, total)| total)
            .expect("two ways are tried");
        for allocation in &allocations {
            allocation.slots.iter().for_each(|&id| slots[id].offset = allocation.offset);
        }
        total
    });
    MemoryPlan { token_bytes, text_bytes, candidate_bytes }
}

/// For each slot the first of those in whose place it may be written, one after the other; itself where there is none.
fn firsts(slots: &[Slot], steps: &[Step], lives: &[Life]) -> Vec<usize> {
    let mut firsts: Vec<usize> = (0..slots.len()).collect();
    let kind = |id: usize| Slot { offset: 0, ..slots[id] };
    for (at, step) in steps.iter().enumerate() {
        let out = step.outputs().next().expect("a step writes").0 as usize;
        let mut inputs = step.in_place().map(|id| id.0 as usize);
        if let Some(input) = inputs.find(|&input| lives[input].to == at && kind(input) == kind(out)) {
            firsts[out] = firsts[input];
        }
    }
    firsts
}

/// Slots that share a place, one after the other.
#[derive(Clone)]
struct Allocation {
    slots: Vec<usize>,
    /// Bytes a row.
    size: u64,
    /// From the first slot's beginning to the last one's end.
    life: Life,
    /// Where it is placed.
    offset: u64,
}

/// The allocations of one kind of rows, in the order of their first slots.
fn allocations(slots: &[Slot], lives: &[Life], firsts: &[usize], rows: Rows) -> Vec<Allocation> {
    let mut found: BTreeMap<usize, Allocation> = BTreeMap::new();
    for id in (0..slots.len()).filter(|&id| slots[id].rows == rows) {
        let new = || Allocation { slots: vec![], size: slots[id].row_bytes(), life: lives[id], offset: 0 };
        let allocation = found.entry(firsts[id]).or_insert_with(new);
        let life = allocation.life;
        allocation.life = Life { from: life.from.min(lives[id].from), to: life.to.max(lives[id].to) };
        allocation.slots.push(id);
    }
    found.into_values().collect()
}

/// The smallest of the plans tried, and its size.
fn place_all(mut allocations: Vec<Allocation>) -> (Vec<Allocation>, u64) {
    // Sorting is stable: of equals the first stays first.
    allocations.sort_by_key(|it| (it.life.from, Reverse(it.size)));
    let by_birth = allocations.clone();
    allocations.sort_by_key(|it| Reverse(it.size));
    [allocations, by_birth]
        .map(|mut order| {
            place(&mut order);
            let total = order.iter().map(|it| it.offset + it.size).max().unwrap_or(0);
            (order, total)
        })
        .into_iter()
        .min_by_key(|&(_, total)| total)
        .expect("two orders are tried")
}

/// Places allocations in their order, each in the smallest gap that holds it.
fn place(allocations: &mut [Allocation]) {
    for at in 0..allocations.len() {
        let (placed, rest) = allocations.split_at_mut(at);
        let new = &mut rest[0];
        let together = placed.iter().filter(|other| other.life.meets(new.life));
        let mut taken: Vec<(u64, u64)> = together.map(|other| (other.offset, other.offset + other.size)).collect();
        taken.sort_unstable();
        let mut end = 0_u64;
        // The smallest gap so far: its size and its start.
        let mut best: Option<(u64, u64)> = None;
        for (from, to) in taken {
            let start = end.next_multiple_of(LINE);
            if start + new.size <= from && best.is_none_or(|(gap, _)| from - start < gap) {
                best = Some((from - start, start));
            }
            end = end.max(to);
        }
        new.offset = best.map_or(end.next_multiple_of(LINE), |(_, start)| start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::program::{Activation, Pooling, Quantized, SlotId, Storage, TensorId, View, Weights};
    use proptest::prelude::*;

    fn slot(rows: Rows, width: u32) -> Slot {
        Slot { rows, storage: Storage::F32, width, offset: 0 }
    }

    fn whole(slots: &[Slot], steps: &[Step], output: SlotId) -> Program {
        Program { slots: slots.to_vec(), steps: steps.to_vec(), parts: vec![], output }
    }

    /// Gives each slot its offset.
    fn planned(slots: &mut Vec<Slot>, steps: &[Step], output: SlotId) -> MemoryPlan {
        let mut program = whole(slots, steps, output);
        let plan = plan(&mut program);
        *slots = program.slots;
        plan
    }

    /// Each step reads two slots made before it and makes one: `(a, b)` count back from the newest.
    fn program(reads: &[(usize, usize)]) -> Vec<Step> {
        let back = |at: usize, by: usize| SlotId((at - by.min(at)) as u32);
        std::iter::once(Step::Embed { lookups: [None; 3], out: SlotId(0) })
            .chain(reads.iter().enumerate().map(|(at, &(a, b))| Step::Add {
                a: back(at, a),
                b: back(at, b),
                out: SlotId(at as u32 + 1),
            }))
            .collect()
    }

    /// Whether the step at which slot `from` ends may write slot `to` over it, and they are of one kind.
    fn handed_over(slots: &[Slot], steps: &[Step], lives: &[Life], [from, to]: [usize; 2]) -> bool {
        let Some(step) = steps.get(lives[from].to) else { return false };
        let alike = Slot { offset: 0, ..slots[from] } == Slot { offset: 0, ..slots[to] };
        let id = |at: usize| SlotId(at as u32);
        alike && step.outputs().next() == Some(id(to)) && step.in_place().any(|it| it == id(from))
    }

    /// The most bytes that must be there at once, each slot filled up to whole lines.
    fn most_alive(slots: &[Slot], steps: &[Step], lives: &[Life], rows: Rows) -> u64 {
        let alive = |at: usize| -> u64 {
            let alive: Vec<usize> = (0..slots.len())
                .filter(|&id| slots[id].rows == rows && lives[id].from <= at && at <= lives[id].to)
                .collect();
            let made = |from: usize| alive.iter().any(|&to| handed_over(slots, steps, lives, [from, to]));
            // Of two inputs that end, one at most is written over.
            let saved = alive.iter().copied().find(|&from| lives[from].to == at && made(from));
            let counted = alive.iter().filter(|&&id| Some(id) != saved);
            counted.map(|&id| slots[id].row_bytes().next_multiple_of(LINE)).sum()
        };
        (0..=steps.len()).map(alive).max().unwrap_or(0)
    }

    #[test]
    fn a_chain_in_place_needs_one_place() {
        let last_of = |last: Step, width: u32| {
            let next = |at: u32| Step::Activate { x: SlotId(at), activation: Activation::Tanh, out: SlotId(at + 1) };
            let steps = [program(&[]), (0..4).map(next).collect(), vec![last]].concat();
            let mut slots = vec![slot(Rows::Tokens, 384); 6];
            slots[5].width = width;
            let plan = planned(&mut slots, &steps, SlotId(5));
            (plan.token_bytes, slots.iter().filter(|slot| slot.offset == 0).count())
        };
        let row = 4 * 384;
        let [x, out] = [4, 5].map(SlotId);
        assert_eq!(last_of(Step::Softmax { x, out }, 384), (row, 6));
        // An addition is written over either of its inputs.
        assert_eq!(last_of(Step::Add { a: x, b: SlotId(3), out }, 384), (2 * row, 4));
        assert_eq!(last_of(Step::Add { a: SlotId(3), b: x, out }, 384), (2 * row, 5));
        // What stands in other rows or columns is not written over.
        assert_eq!(last_of(Step::Pool { x, pooling: Pooling::Cls, out }, 384), (2 * row, 5));
        assert_eq!(last_of(Step::Softmax { x, out }, 16), (row + 64, 5));
    }

    /// The slots and steps of an encoder's layers, the output the last: 384 wide, 1536 within.
    fn encoder(layers: usize, int8: bool) -> (Vec<Slot>, Vec<Step>) {
        let (mut slots, mut steps) = (vec![], vec![]);
        let mut new = |storage, width| {
            slots.push(Slot { storage, ..slot(Rows::Tokens, width) });
            SlotId(slots.len() as u32 - 1)
        };
        let (tensor, rows) = (TensorId(0), if int8 { Storage::Q8 } else { Storage::F32 });
        let linear = |x, residual, out| {
            let (weights, activation) = (Weights::Float(tensor), Activation::Identity);
            Step::Linear { x, weights, bias: None, activation, residual, out }
        };
        let mut stream = new(Storage::F32, 384);
        steps.push(Step::Embed { lookups: [None; 3], out: stream });
        let norm = |x, new: &mut dyn FnMut(Storage, u32) -> SlotId, steps: &mut Vec<Step>| {
            let out = new(Storage::F32, 384);
            let quantized = int8.then(|| Quantized { gamma: tensor, beta: tensor, out: new(Storage::Q8, 384) });
            steps.push(Step::LayerNorm { x, gamma: tensor, beta: tensor, epsilon: 0.0, out, quantized });
            (out, quantized.map_or(out, |quantized| quantized.out))
        };
        for _ in 0..layers {
            let (x, read) = norm(stream, &mut new, &mut steps);
            let (qkv, mixed) = (new(Storage::F32, 3 * 384), new(Storage::F32, 384));
            let view = |at: u32| View { slot: qkv, column: 384 * at, width: 384 };
            let (q, k, v) = (view(0), view(1), view(2));
            steps.push(linear(read, None, qkv));
            steps.push(Step::Attention { q, k, v, heads: 12, scale: 1.0, bias: None, int8, causal: false, out: mixed });
            let read = if int8 { new(Storage::Q8, 384) } else { mixed };
            steps.extend(int8.then_some(Step::Quantize { x: mixed, out: read }));
            let attended = new(Storage::F32, 384);
            steps.push(linear(read, Some(x), attended));
            let (x, read) = norm(attended, &mut new, &mut steps);
            let (hidden, y) = (new(rows, 4 * 384), new(Storage::F32, 384));
            steps.push(linear(read, None, hidden));
            steps.push(linear(hidden, Some(x), y));
            stream = y;
        }
        (slots, steps)
    }

    #[test]
    fn the_rows_that_an_encoder_adds_to_have_one_place_throughout() {
        for int8 in [false, true] {
            let (mut slots, steps) = encoder(6, int8);
            let output = SlotId(slots.len() as u32 - 1);
            let bytes = planned(&mut slots, &steps, output).token_bytes;
            // Queries, keys and values, what attention makes of them, and those rows.
            assert_eq!(bytes, 4 * 384 * (3 + 1 + 1), "int8: {int8}");
            let adds = steps.iter().filter_map(|step| step.in_place().next().zip(step.outputs().next()));
            assert!(adds.clone().count() >= 6 * 4);
            for (x, out) in adds {
                assert_eq!(slots[x.0 as usize], slots[out.0 as usize], "int8: {int8}");
            }
        }
    }

    #[test]
    fn a_chain_of_doubled_rows_needs_two_places() {
        let steps = program(&[(0, 0); 9]);
        let mut slots = vec![slot(Rows::Tokens, 384); 10];
        let plan = planned(&mut slots, &steps, SlotId(9));
        assert_eq!(plan, MemoryPlan { token_bytes: 2 * 384 * 4, text_bytes: 0, candidate_bytes: 0 });
        assert!(slots.windows(2).all(|pair| !pair[0].overlaps(&pair[1])));
    }

    #[test]
    fn slots_of_texts_and_of_tokens_do_not_mix() {
        let steps = program(&[(0, 0), (0, 0)]);
        let mut slots = vec![slot(Rows::Tokens, 16), slot(Rows::Texts, 16), slot(Rows::Texts, 32)];
        let plan = planned(&mut slots, &steps, SlotId(2));
        assert_eq!(plan, MemoryPlan { token_bytes: 64, text_bytes: 192, candidate_bytes: 0 });
    }

    #[test]
    fn what_is_never_read_has_a_place_of_its_own_while_it_is_written() {
        let steps = program(&[(0, 0), (1, 1)]);
        let mut slots = vec![slot(Rows::Tokens, 16); 3];
        planned(&mut slots, &steps, SlotId(2));
        assert!(!slots[0].overlaps(&slots[1]));
    }

    proptest! {
        #[test]
        fn no_two_slots_that_are_alive_together_overlap_unless_one_is_handed_over(
            reads in prop::collection::vec((0_usize..6, 0_usize..6), 0..40),
            shape in prop::collection::vec((any::<bool>(), prop_oneof![1_u32..600, Just(48), Just(384)]), 41),
        ) {
            let steps = program(&reads);
            let mut slots: Vec<Slot> = shape[..=reads.len()].iter()
                .map(|&(tokens, width)| slot(if tokens { Rows::Tokens } else { Rows::Texts }, width)).collect();
            let output = SlotId(reads.len() as u32);
            let plan = planned(&mut slots, &steps, output);
            let lives = lives(&whole(&slots, &steps, output));
            for (i, a) in slots.iter().enumerate() {
                prop_assert!(a.offset.is_multiple_of(LINE));
                for (j, b) in slots.iter().enumerate().skip(i + 1).filter(|(j, b)| lives[*j].meets(lives[i]) && a.overlaps(b)) {
                    prop_assert!(a == b && handed_over(&slots, &steps, &lives, [i, j]), "{a:?} {b:?}");
                }
            }
            for (rows, bytes) in [(Rows::Tokens, plan.token_bytes), (Rows::Texts, plan.text_bytes)] {
                let of_kind = slots.iter().filter(|slot| slot.rows == rows);
                let sum: u64 = of_kind.clone().map(|slot| slot.row_bytes().next_multiple_of(LINE)).sum();
                prop_assert_eq!(bytes, of_kind.map(Slot::end).max().unwrap_or(0));
                let least = most_alive(&slots, &steps, &lives, rows);
                prop_assert!(bytes <= sum && bytes + LINE > least, "{} of {} to {}", bytes, least, sum);
                prop_assert!(bytes <= least + least / 2, "{} where {} are alive at once", bytes, least);
            }
        }
    }
}

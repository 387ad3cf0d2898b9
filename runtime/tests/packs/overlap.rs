//! A plan that saves memory: a slot lies over an input that ends where it begins, or at the lowest place where none is that lives
//! while it does.

use modeldeploy::format::program::{Program, SlotId};
use std::ops::RangeInclusive;

/// Moves the slots, which were made in the order in which they are written; over an input if `in_place`.
pub(super) fn plan(program: &mut Program, in_place: bool) {
    let lives: Vec<_> = (0..program.slots.len()).map(|id| life(program, SlotId(id as u32))).collect();
    for id in 0..program.slots.len() {
        if let Some(input) = ending(program, SlotId(id as u32), &lives).filter(|_| in_place) {
            program.slots[id].offset = program.slots[input].offset;
            continue;
        }
        let (placed, rest) = program.slots.split_at_mut(id);
        let together: Vec<_> =
            placed.iter().zip(&lives).filter(|(_, life)| meet(life, &lives[id])).map(|(slot, _)| *slot).collect();
        let mut places: Vec<u64> = std::iter::once(0).chain(together.iter().map(|slot| slot.end())).collect();
        places.sort_unstable();
        let slot = &mut rest[0];
        let free = places.into_iter().find(|&offset| {
            slot.offset = offset;
            !together.iter().any(|other| slot.overlaps(other))
        });
        slot.offset = free.expect("behind all of them there is room");
    }
}

/// The input that the step which writes the slot may lie over, of two the younger, if nothing reads it later.
fn ending(program: &Program, id: SlotId, lives: &[RangeInclusive<usize>]) -> Option<usize> {
    let at = *lives[id.0 as usize].start();
    let step = &program.steps[at];
    let ends = |input: &usize| *lives[*input].end() == at;
    let inputs = step.in_place().map(|input| input.0 as usize).filter(ends);
    inputs.max().filter(|_| step.outputs().next() == Some(id))
}

/// From the step that writes the slot to the last that reads it.
fn life(program: &Program, id: SlotId) -> RangeInclusive<usize> {
    let written = program.steps.iter().position(|step| step.outputs().any(|out| out == id));
    let read = program.steps.iter().rposition(|step| program.inputs(step).any(|input| input == id));
    let written = written.expect("each slot is written");
    let last = if id == program.output { program.steps.len() } else { read.unwrap_or(written) };
    written..=last
}

fn meet(a: &RangeInclusive<usize>, b: &RangeInclusive<usize>) -> bool {
    a.start() <= b.end() && b.start() <= a.end()
}

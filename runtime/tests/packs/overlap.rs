//! A plan that saves memory: a slot lies at the lowest place where none is that lives while it does.

use modeldeploy::format::program::{Program, SlotId};
use std::ops::RangeInclusive;

/// Moves the slots, which were made in the order in which they are written.
pub(super) fn plan(program: &mut Program) {
    let lives: Vec<_> = (0..program.slots.len()).map(|id| life(program, SlotId(id as u32))).collect();
    for id in 0..program.slots.len() {
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

/// From the step that writes the slot to the last that reads it.
fn life(program: &Program, id: SlotId) -> RangeInclusive<usize> {
    let written = program.steps.iter().position(|step| step.outputs().any(|out| out == id));
    let read = program.steps.iter().rposition(|step| step.inputs().any(|input| input == id));
    let written = written.expect("each slot is written");
    let last = if id == program.output { program.steps.len() } else { read.unwrap_or(written) };
    written..=last
}

fn meet(a: &RangeInclusive<usize>, b: &RangeInclusive<usize>) -> bool {
    a.start() <= b.end() && b.start() <= a.end()
}

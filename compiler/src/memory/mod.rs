//! Places in the arena: slots that are never alive together may share bytes.
//!
//! Each slot is written by one step and lives from there to the last step that reads it. Larger slots are placed first, each in
//! the smallest gap that it fits between those placed before whose lives touch its own (Pisarchyk and Lee 2020, greedy by
//! size); the order of creation is tried too, and the smaller plan wins.

use modeldeploy_format::program::{Rows, Slot, SlotId, Step};

/// Every slot begins at a multiple of this many bytes a row: a cache line, whatever the capacity.
const LINE: u64 = 64;

/// How much arena a program needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Bytes for each token of capacity.
    pub token_bytes: u64,
    /// Bytes for each text of capacity.
    pub text_bytes: u64,
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
pub fn lives(slots: usize, steps: &[Step], output: SlotId) -> Vec<Life> {
    let mut lives = vec![Life { from: usize::MAX, to: 0 }; slots];
    for (at, step) in steps.iter().enumerate() {
        for id in step.inputs().chain(step.outputs()) {
            let life = &mut lives[id.0 as usize];
            *life = Life { from: life.from.min(at), to: at };
        }
    }
    lives[output.0 as usize].to = steps.len();
    lives
}

/// Gives each slot its offset.
///
/// # Panics
///
/// If a step names a slot that does not exist.
pub fn plan(slots: &mut [Slot], steps: &[Step], output: SlotId) -> MemoryPlan {
    let lives = lives(slots.len(), steps, output);
    let [token_bytes, text_bytes] = [Rows::Tokens, Rows::Texts].map(|rows| {
        let members: Vec<usize> = (0..slots.len()).filter(|&id| slots[id].rows == rows).collect();
        let sizes: Vec<u64> = members.iter().map(|&id| slots[id].row_bytes()).collect();
        let lives: Vec<Life> = members.iter().map(|&id| lives[id]).collect();
        let (offsets, total) = place_all(&sizes, &lives);
        for (&id, offset) in members.iter().zip(offsets) {
            slots[id].offset = offset;
        }
        total
    });
    MemoryPlan { token_bytes, text_bytes }
}

/// The smallest of the plans tried, and its size.
fn place_all(sizes: &[u64], lives: &[Life]) -> (Vec<u64>, u64) {
    let mut by_size: Vec<usize> = (0..sizes.len()).collect();
    let mut by_birth = by_size.clone();
    by_size.sort_by_key(|&id| (std::cmp::Reverse(sizes[id]), lives[id].from, id));
    by_birth.sort_by_key(|&id| (lives[id].from, std::cmp::Reverse(sizes[id]), id));
    [by_size, by_birth]
        .iter()
        .map(|order| {
            let offsets = place(order, sizes, lives);
            let total = offsets.iter().zip(sizes).map(|(offset, size)| offset + size).max().unwrap_or(0);
            (offsets, total)
        })
        .min_by_key(|&(_, total)| total)
        .expect("two orders are tried")
}

/// Places slots in the given order, each in the smallest gap that holds it.
fn place(order: &[usize], sizes: &[u64], lives: &[Life]) -> Vec<u64> {
    let mut offsets = vec![0; sizes.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(sizes.len());
    for &id in order {
        let mut taken: Vec<(u64, u64)> = placed
            .iter()
            .filter(|&&other| lives[other].meets(lives[id]))
            .map(|&other| (offsets[other], offsets[other] + sizes[other]))
            .collect();
        taken.sort_unstable();
        let mut end = 0_u64;
        // The smallest gap so far: its size and its start.
        let mut best: Option<(u64, u64)> = None;
        for (from, to) in taken {
            let start = end.next_multiple_of(LINE);
            if start + sizes[id] <= from && best.is_none_or(|(gap, _)| from - start < gap) {
                best = Some((from - start, start));
            }
            end = end.max(to);
        }
        offsets[id] = best.map_or(end.next_multiple_of(LINE), |(_, start)| start);
        placed.push(id);
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::program::Storage;
    use proptest::prelude::*;

    fn slot(rows: Rows, width: u32) -> Slot {
        Slot { rows, storage: Storage::F32, width, offset: 0 }
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

    /// The most bytes that are alive at once, each slot filled up to whole lines.
    fn most_alive(slots: &[Slot], lives: &[Life], rows: Rows) -> u64 {
        let last = lives.iter().map(|life| life.to).max().unwrap_or(0);
        let alive = |step: usize| -> u64 {
            slots
                .iter()
                .zip(lives)
                .filter(|(slot, life)| slot.rows == rows && life.from <= step && step <= life.to)
                .map(|(slot, _)| slot.row_bytes().next_multiple_of(LINE))
                .sum()
        };
        (0..=last).map(alive).max().unwrap_or(0)
    }

    #[test]
    fn a_chain_needs_two_places() {
        let steps = program(&[(0, 0); 9]);
        let mut slots = vec![slot(Rows::Tokens, 384); 10];
        let plan = plan(&mut slots, &steps, SlotId(9));
        assert_eq!(plan, MemoryPlan { token_bytes: 2 * 384 * 4, text_bytes: 0 });
        assert!(slots.windows(2).all(|pair| !pair[0].overlaps(&pair[1])));
    }

    #[test]
    fn slots_of_texts_and_of_tokens_do_not_mix() {
        let steps = program(&[(0, 0), (0, 0)]);
        let mut slots = vec![slot(Rows::Tokens, 16), slot(Rows::Texts, 16), slot(Rows::Texts, 32)];
        let plan = plan(&mut slots, &steps, SlotId(2));
        assert_eq!(plan, MemoryPlan { token_bytes: 64, text_bytes: 192 });
    }

    #[test]
    fn what_is_never_read_has_a_place_of_its_own_while_it_is_written() {
        let steps = program(&[(0, 0), (1, 1)]);
        let mut slots = vec![slot(Rows::Tokens, 16); 3];
        plan(&mut slots, &steps, SlotId(2));
        assert!(!slots[0].overlaps(&slots[1]));
    }

    proptest! {
        #[test]
        fn no_two_slots_that_are_alive_together_overlap(
            reads in prop::collection::vec((0_usize..6, 0_usize..6), 0..40),
            shape in prop::collection::vec((any::<bool>(), 1_u32..600), 41),
        ) {
            let steps = program(&reads);
            let mut slots: Vec<Slot> = shape[..=reads.len()].iter()
                .map(|&(tokens, width)| slot(if tokens { Rows::Tokens } else { Rows::Texts }, width)).collect();
            let output = SlotId(reads.len() as u32);
            let plan = plan(&mut slots, &steps, output);
            let lives = lives(slots.len(), &steps, output);
            for (i, a) in slots.iter().enumerate() {
                prop_assert!(a.offset.is_multiple_of(LINE));
                for (b, life) in slots.iter().zip(&lives).skip(i + 1) {
                    prop_assert!(!(life.meets(lives[i]) && a.overlaps(b)), "{a:?} {b:?}");
                }
            }
            for (rows, bytes) in [(Rows::Tokens, plan.token_bytes), (Rows::Texts, plan.text_bytes)] {
                let of_kind = slots.iter().filter(|slot| slot.rows == rows);
                let sum: u64 = of_kind.clone().map(|slot| slot.row_bytes().next_multiple_of(LINE)).sum();
                prop_assert_eq!(bytes, of_kind.map(Slot::end).max().unwrap_or(0));
                let least = most_alive(&slots, &lives, rows);
                prop_assert!(bytes <= sum && bytes + LINE > least, "{} of {} to {}", bytes, least, sum);
                prop_assert!(bytes <= least + least / 2, "{} where {} are alive at once", bytes, least);
            }
        }
    }
}

//! What a run of a model may take: far over what an encoder or a recommender needs for short texts, and what ends one that would go on for hours.

use std::cell::Cell;

/// The most numbers that the nodes of a run may make together.
const NUMBERS: u64 = 1 << 28;

/// The most multiplications that products, windows and layers may take together.
const WORK: u64 = 1 << 38;

/// What a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most numbers that its nodes may make together, all of which it keeps.
    pub numbers: u64,
    /// The most multiplications that products, windows and layers may take together.
    pub multiplications: u64,
}

/// What is left of it.
pub(super) struct Budget {
    numbers: Cell<u64>,
    work: Cell<u64>,
}

impl Budget {
    /// That of a run.
    pub(super) fn whole() -> Budget {
        Budget::of(Bounds { numbers: NUMBERS, multiplications: WORK })
    }

    pub(super) fn of(Bounds { numbers, multiplications: work }: Bounds) -> Budget {
        Budget { numbers: Cell::new(numbers), work: Cell::new(work) }
    }

    /// So many numbers are made.
    pub(super) fn numbers(&self, many: usize) -> Result<(), String> {
        take(&self.numbers, many as u64).ok_or_else(|| "its nodes make more numbers than a run may keep".to_owned())
    }

    /// A multiplication for each of so many times so many, and so on.
    pub(super) fn work(&self, factors: &[usize]) -> Result<(), String> {
        let all = factors.iter().try_fold(1_u64, |all, &factor| all.checked_mul(factor as u64));
        let taken = all.and_then(|all| take(&self.work, all));
        taken.ok_or_else(|| "its nodes take more multiplications than a run may".to_owned())
    }
}

fn take(left: &Cell<u64>, many: u64) -> Option<()> {
    left.set(left.get().checked_sub(many)?);
    Some(())
}

//! How often batches of each size ran, and how long that took.

use super::BATCH_TEXTS;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The batches of a model, by their texts. Workers write it, without a lock.
#[derive(Debug)]
pub(crate) struct Executions(Box<[Counts]>);

/// Where the time of batches went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Their tokens were put together.
    pub(crate) input: Duration,
    /// The model ran.
    pub(crate) infer: Duration,
    /// Their rows were handed out.
    pub(crate) output: Duration,
}

/// The batches of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OfSize {
    pub(crate) texts: u64,
    pub(crate) batches: u64,
    pub(crate) spent: Spent,
}

#[derive(Debug, Default)]
struct Counts {
    batches: AtomicU64,
    /// In nanoseconds.
    input: AtomicU64,
    infer: AtomicU64,
    output: AtomicU64,
}

impl Executions {
    pub(crate) fn new() -> Executions {
        Executions((0..BATCH_TEXTS).map(|_| Counts::default()).collect())
    }

    /// Counts a batch that ran.
    pub(crate) fn count(&self, texts: usize, spent: Spent) {
        let counts = &self.0[texts - 1];
        counts.batches.fetch_add(1, Relaxed);
        counts.input.fetch_add(spent.input.as_nanos() as u64, Relaxed);
        counts.infer.fetch_add(spent.infer.as_nanos() as u64, Relaxed);
        counts.output.fetch_add(spent.output.as_nanos() as u64, Relaxed);
    }

    /// Each size of which batches ran, the smallest first.
    pub(crate) fn by_size(&self) -> impl Iterator<Item = OfSize> {
        let nanos = |count: &AtomicU64| Duration::from_nanos(count.load(Relaxed));
        let of_size = move |(texts, counts): (u64, &Counts)| OfSize {
            texts,
            batches: counts.batches.load(Relaxed),
            spent: Spent { input: nanos(&counts.input), infer: nanos(&counts.infer), output: nanos(&counts.output) },
        };
        (1..).zip(&self.0).map(of_size).filter(|of_size| of_size.batches > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_apart() {
        let executions = Executions::new();
        let spent = |nanos: u64| Spent {
            input: Duration::from_nanos(nanos),
            infer: Duration::from_nanos(10 * nanos),
            output: Duration::from_nanos(100 * nanos),
        };
        for (texts, nanos) in [(1, 1), (BATCH_TEXTS, 5), (1, 2)] {
            executions.count(texts, spent(nanos));
        }
        let expected = [
            OfSize { texts: 1, batches: 2, spent: spent(3) },
            OfSize { texts: BATCH_TEXTS as u64, batches: 1, spent: spent(5) },
        ];
        assert_eq!(executions.by_size().collect::<Vec<_>>(), expected);
    }
}

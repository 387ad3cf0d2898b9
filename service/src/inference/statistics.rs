//! How many requests a model answered or did not, and where their time went: what Triton's clients call its statistics.

use super::Times;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The requests of a model.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    /// When the last one came, in milliseconds since 1970.
    last: AtomicU64,
    success: Lapse,
    fail: Lapse,
    /// Of those that were answered, in nanoseconds.
    queue: AtomicU64,
    input: AtomicU64,
    infer: AtomicU64,
}

/// How many, and how long they took together.
#[derive(Debug, Default)]
struct Lapse {
    count: AtomicU64,
    nanos: AtomicU64,
}

/// What the statistics say at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) last_millis: u64,
    pub(crate) success: (u64, Duration),
    pub(crate) fail: (u64, Duration),
    /// The parts of the successes' time: in the queue, in the tokenizer, in batches, and until their rows were back.
    pub(crate) queue: Duration,
    pub(crate) input: Duration,
    pub(crate) infer: Duration,
    pub(crate) output: Duration,
}

impl Statistics {
    /// Counts a request, by where its time went, if it was answered, and how long it took.
    pub(super) fn count(&self, answered: Option<Times>, took: Duration) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last.fetch_max(now.as_millis() as u64, Relaxed);
        match answered {
            Some(times) => {
                self.success.add(took);
                self.queue.fetch_add(times.queue.as_nanos() as u64, Relaxed);
                self.input.fetch_add(times.tokenize.as_nanos() as u64, Relaxed);
                self.infer.fetch_add(times.infer.as_nanos() as u64, Relaxed);
            }
            None => self.fail.add(took),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let nanos = |count: &AtomicU64| Duration::from_nanos(count.load(Relaxed));
        let (queue, input, infer) = (nanos(&self.queue), nanos(&self.input), nanos(&self.infer));
        let success = self.success.get();
        Snapshot {
            last_millis: self.last.load(Relaxed),
            success,
            fail: self.fail.get(),
            queue,
            input,
            infer,
            // Another request may be half counted.
            output: success.1.saturating_sub(queue + input + infer),
        }
    }
}

impl Lapse {
    fn add(&self, took: Duration) {
        self.count.fetch_add(1, Relaxed);
        self.nanos.fetch_add(took.as_nanos() as u64, Relaxed);
    }

    fn get(&self) -> (u64, Duration) {
        (self.count.load(Relaxed), Duration::from_nanos(self.nanos.load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_answers_sum_up_to_their_time() {
        let statistics = Statistics::default();
        let (one, two, four) = (Duration::from_nanos(1), Duration::from_nanos(2), Duration::from_nanos(4));
        let times = Times { tokenize: one, queue: two, infer: four };
        for _ in 0..3 {
            statistics.count(Some(times), Duration::from_nanos(15));
        }
        statistics.count(None, Duration::from_nanos(100));
        let got = statistics.snapshot();
        assert!(got.last_millis > 1_700_000_000_000, "{got:?}");
        let expected = Snapshot {
            last_millis: got.last_millis,
            success: (3, Duration::from_nanos(45)),
            fail: (1, Duration::from_nanos(100)),
            queue: two * 3,
            input: one * 3,
            infer: four * 3,
            output: Duration::from_nanos(24),
        };
        assert_eq!(got, expected);
    }
}

//! What is counted of the requests to a route and a model.

use super::histogram::{Histogram, TIMES};
use crate::inference::Times;
use crate::observe::{Code, Status};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The parts of a request's time, in the order of [`Series::stages`].
pub(super) const STAGES: [&str; 4] = ["tokenize", "queue", "infer", "serialize"];

/// Requests to a route and a model.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) statuses: Statuses,
    /// By the canonical code's number.
    pub(super) codes: [AtomicU64; Code::COUNT],
    /// Of one text at most: all, and those that were answered.
    pub(super) single: [AtomicU64; 2],
    pub(super) whole: Histogram,
    /// How long those took together that were not answered.
    pub(super) failed_nanos: AtomicU64,
    /// When the last one ended, in milliseconds since 1970.
    pub(super) last_millis: AtomicU64,
    /// Where there was an answer of a model.
    stages: OnceLock<[Histogram; STAGES.len()]>,
}

impl Default for Series {
    fn default() -> Series {
        Series {
            statuses: Statuses::default(),
            codes: Default::default(),
            single: Default::default(),
            whole: Histogram::new(&TIMES),
            failed_nanos: AtomicU64::new(0),
            last_millis: AtomicU64::new(0),
            stages: OnceLock::new(),
        }
    }
}

impl Series {
    /// Counts a request.
    pub(super) fn count(&self, status: Status, code: Code, texts: usize, whole: Duration) {
        self.statuses.count(status);
        self.codes[code.index()].fetch_add(1, Relaxed);
        if texts <= 1 {
            self.single[0].fetch_add(1, Relaxed);
            self.single[1].fetch_add(u64::from(code == Code::OK), Relaxed);
        }
        self.whole.observe(nanos(whole));
        if code != Code::OK {
            self.failed_nanos.fetch_add(nanos(whole), Relaxed);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_millis.fetch_max(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Counts where the time of an answer went.
    pub(super) fn count_stages(&self, times: Times, serialize: Duration) {
        let stages = self.stages.get_or_init(|| std::array::from_fn(|_| Histogram::new(&TIMES)));
        let parts = [times.tokenize, times.queue, times.infer, serialize];
        stages.iter().zip(parts).for_each(|(stage, time)| stage.observe(nanos(time)));
    }

    pub(super) fn stages(&self) -> Option<&[Histogram; STAGES.len()]> {
        self.stages.get()
    }

    pub(super) fn code(&self, code: Code) -> u64 {
        self.codes[code.index()].load(Relaxed)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Requests by status: a few places that are taken once each.
#[derive(Debug, Default)]
pub(super) struct Statuses([(AtomicU16, AtomicU64); 16]);

/// The key of the last place, where statuses beyond the others are counted.
const REST: u16 = u16::MAX;

impl Statuses {
    fn count(&self, status: Status) {
        let key = status.key();
        for (place, count) in &self.0[..self.0.len() - 1] {
            let found = place.load(Relaxed);
            let is_here = found == key
                || found == 0 && place.compare_exchange(0, key, Relaxed, Relaxed).map_or_else(|it| it == key, |_| true);
            if is_here {
                count.fetch_add(1, Relaxed);
                return;
            }
        }
        let (place, count) = &self.0[self.0.len() - 1];
        place.store(REST, Relaxed);
        count.fetch_add(1, Relaxed);
    }

    /// The statuses that there were, as labels, and how often.
    pub(super) fn all(&self) -> Vec<(String, u64)> {
        let taken = self.0.iter().map(|(place, count)| (place.load(Relaxed), count.load(Relaxed)));
        let mut all: Vec<_> = taken.filter(|(key, count)| *key != 0 && *count > 0).collect();
        all.sort_unstable();
        let label = |key| if key == REST { "other".to_owned() } else { Status::from_key(key).to_string() };
        all.into_iter().map(|(key, count)| (label(key), count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_counted_each_and_those_beyond_the_places_together() {
        let statuses = Statuses::default();
        for status in [200, 200, 404, 200] {
            statuses.count(Status::Http(status));
        }
        statuses.count(Status::Grpc(Code::RESOURCE_EXHAUSTED));
        let expected = [("200", 3), ("404", 1), ("RESOURCE_EXHAUSTED", 1)];
        let expected: Vec<_> = expected.map(|(label, count)| (label.to_owned(), count)).into();
        assert_eq!(statuses.all(), expected);
        for status in 300..330 {
            statuses.count(Status::Http(status));
        }
        let all = statuses.all();
        assert_eq!(all.len(), 16);
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 35);
        assert_eq!(all.last(), Some(&("other".to_owned(), 18)));
    }
}

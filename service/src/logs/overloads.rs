//! Overloads: a line a second says how many requests were refused, however many there were.

use super::TARGET;
use crate::observe::{Code, Ended};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tracing::warn;

/// Requests that were refused and are not told yet.
#[derive(Debug, Default)]
pub(crate) struct Overloads {
    untold: AtomicU64,
    first: OnceLock<Instant>,
    /// The second, counted from 1 on the first overload, in which the last line was written.
    told: AtomicU64,
}

impl Overloads {
    /// Counts a request, if it was refused, and says how many there were, if that was not said within this second.
    pub(crate) fn watch(&self, ended: &Ended<'_>) {
        if let Some(refused) = self.due(ended.code == Code::RESOURCE_EXHAUSTED, ended.ended) {
            warn!(target: TARGET, refused, "overloaded: requests were refused that would have been late or over their rate");
        }
    }

    /// How many to tell of now. What the last second of an overload refused is told with the next request, of whatever kind.
    fn due(&self, is_refused: bool, now: Instant) -> Option<u64> {
        if is_refused {
            self.untold.fetch_add(1, Relaxed);
        } else if self.untold.load(Relaxed) == 0 {
            return None;
        }
        let first = *self.first.get_or_init(|| now);
        let second = now.saturating_duration_since(first).as_secs() + 1;
        let told = self.told.load(Relaxed);
        let is_mine = told < second && self.told.compare_exchange(told, second, Relaxed, Relaxed).is_ok();
        is_mine.then(|| self.untold.swap(0, Relaxed)).filter(|refused| *refused > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_second_has_one_line_and_no_refusal_is_lost() {
        let (overloads, start) = (Overloads::default(), Instant::now());
        let due = |refused, millis| overloads.due(refused, start + Duration::from_millis(millis));
        assert_eq!(due(false, 0), None);
        assert_eq!(due(true, 0), Some(1));
        for millis in [1, 500, 999] {
            assert_eq!(due(true, millis), None);
        }
        assert_eq!(due(false, 999), None);
        assert_eq!(due(true, 1000), Some(4));
        assert_eq!(due(true, 1001), None);
        assert_eq!(due(false, 60_000), Some(1));
        assert_eq!(due(false, 61_000), None);
    }
}

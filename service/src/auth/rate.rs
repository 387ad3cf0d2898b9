//! A rate that is kept: so many requests a second, with so many at once.
//!
//! The generic cell rate algorithm (ITU-T I.371): one number says when the next request would come if all came evenly, and a request
//! may come earlier than that by what a burst takes. It is taken without a lock.
//!
//! Equal rates of one name share that number, before and after its tokens change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A rate and how far it is used.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Between two requests that come evenly, in nanoseconds.
    interval: u64,
    /// How much earlier a request may come.
    burst: u64,
    /// When the next request would come, in nanoseconds since the begin of the clock.
    next: Arc<AtomicU64>,
}

impl Rate {
    /// So many requests a second, `burst` of them at once; none if that is no rate.
    pub(crate) fn new(a_second: f64, burst: u32) -> Option<Rate> {
        let interval = 1e9 / a_second;
        // From a request in a day to as many as a clock can tell apart.
        let possible = (1.0..=86_400e9).contains(&interval) && burst > 0;
        let interval = interval as u64;
        possible.then(|| Rate { interval, burst: interval.saturating_mul(u64::from(burst) - 1), next: Arc::default() })
    }

    /// The same rate, as far used as the first of these that is equal, and one with it from now on; else as far as the first.
    pub(crate) fn going_on_from(self, others: &[&Rate]) -> Rate {
        let is_equal = |other: &&&Rate| (self.interval, self.burst) == (other.interval, other.burst);
        let next = match (others.iter().find(is_equal), others.first()) {
            (Some(equal), _) => equal.next.clone(),
            (None, Some(other)) => Arc::new(other.next.load(Ordering::Relaxed).into()),
            (None, None) => return self,
        };
        Rate { next, ..self }
    }

    /// Takes a request at that time of a clock that never goes back.
    ///
    /// # Errors
    ///
    /// How long to wait for the next.
    pub(crate) fn take(&self, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let mut next = self.next.load(Ordering::Relaxed);
        loop {
            let early = next.saturating_sub(now);
            if early > self.burst {
                // Further off is only what a slower rate has left, which nobody waits for here.
                let most = self.burst.saturating_add(self.interval);
                self.next.fetch_min(now.saturating_add(most), Ordering::Relaxed);
                return Err(Duration::from_nanos(early.min(most) - self.burst));
            }
            let then = next.max(now).saturating_add(self.interval);
            match self.next.compare_exchange_weak(next, then, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => next = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_is_taken_at_once_and_then_the_rate() {
        let rate = Rate::new(100.0, 3).expect("a rate");
        let now = Duration::from_secs(5);
        for _ in 0..3 {
            assert_eq!(rate.take(now), Ok(()));
        }
        assert_eq!(rate.take(now), Err(10 * MILLI));
        assert_eq!(rate.take(now + 9 * MILLI), Err(MILLI));
        assert_eq!(rate.take(now + 10 * MILLI), Ok(()));
        assert_eq!(rate.take(now + 10 * MILLI), Err(10 * MILLI));
        // What is not used for a while is there again, and no more than a burst of it.
        let later = now + 1000 * MILLI;
        assert_eq!([(); 4].map(|()| rate.take(later).is_ok()), [true, true, true, false]);
    }

    #[test]
    fn a_rate_that_goes_on_from_another_has_no_new_burst() {
        let old = Rate::new(1.0, 100).expect("a rate");
        let now = Duration::from_secs(5);
        for _ in 0..100 {
            assert_eq!(old.take(now), Ok(()));
        }
        for (a_second, burst, wait) in [(1.0, 100, 1000 * MILLI), (100.0, 3, 10 * MILLI), (1.0, 1, 1000 * MILLI)] {
            let new = Rate::new(a_second, burst).expect("a rate").going_on_from(&[&old]);
            assert_eq!(new.take(now), Err(wait), "{a_second} {burst}");
            let later = now + wait;
            assert_eq!([new.take(later).is_ok(), new.take(later).is_ok()], [true, false], "{a_second} {burst}");
        }
        // What an equal one took the old one lacks.
        assert!(old.take(now + 1000 * MILLI).is_err());
    }

    #[test]
    fn many_threads_together_take_no_more_than_one() {
        let rate = Rate::new(1.0, 50).expect("a rate");
        let taken: usize = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(|| (0..100).filter(|_| rate.take(MILLI).is_ok()).count()));
            threads.map(|thread| thread.join().expect("no panic")).iter().sum()
        });
        assert_eq!(taken, 50);
    }

    #[test]
    fn what_is_no_rate_is_none() {
        for (a_second, burst) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1e-9, 1), (1.0, 0)] {
            assert!(Rate::new(a_second, burst).is_none(), "{a_second} {burst}");
        }
    }
}

//! The clock over all deadlines: one thread, for as long as the service lives, that tells who waits too long.
//!
//! It sleeps until the first deadline that it was told of, however many requests there are and are answered meanwhile, so that a request
//! which is in time starts no clock of its own.

use super::Shared;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// It looks no more often than this: deadlines are in whole milliseconds.
const STEP: Duration = Duration::from_millis(1);

/// Tells those that are late, until the workers are to end.
pub(super) fn keep(shared: &Shared) {
    let mut state = shared.lock();
    while !state.is_ending {
        let now = Instant::now();
        state = match state.alarm {
            None => shared.bell.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(alarm) if now < alarm => {
                let waited = shared.bell.wait_timeout(state, alarm - now);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            Some(_) => {
                let next = state.queue.tell_late(now);
                state.alarm = next.map(|next| next.max(now + STEP));
                shared.publish(&state, now);
                state
            }
        };
    }
}

//! Waiting for a time when no candidates are to be scored.

use super::{Shared, State};
use std::sync::{Arc, PoisonError};

/// Waits for the workers to be idle.
#[derive(Clone)]
pub(crate) struct Idle(pub(super) Arc<Shared>);

impl Idle {
    /// Returns once no request waits and a worker is free, or the workers are to end.
    pub(crate) fn wait(&self) {
        let shared = &self.0;
        let mut state = shared.lock();
        state.idlers += 1;
        while !state.is_idle(shared.workers) {
            state = shared.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idlers -= 1;
    }

    /// Whether [`wait`](Idle::wait) would return at once.
    pub(crate) fn is_now(&self) -> bool {
        self.0.lock().is_idle(self.0.workers)
    }
}

impl State {
    fn is_idle(&self, workers: u32) -> bool {
        self.is_ending || (self.waiting.is_empty() && (self.busy < workers || workers == 0))
    }
}

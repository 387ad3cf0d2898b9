//! Waiting for a time when nothing else is wanted of the workers.

use super::Shared;
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
        while !state.queue.is_idle() && !state.is_ending {
            state = shared.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idlers -= 1;
    }
}

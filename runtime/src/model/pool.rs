//! Workers at rest: one for each thread that is at work, and no more than there are processors.
//!
//! The lock is held for a push or a pop, never while a model runs. A worker whose user panics is dropped, not returned.

use super::Error;
use core::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Pool<T> {
    state: Mutex<State<T>>,
    returned: Condvar,
    most: usize,
}

struct State<T> {
    idle: Vec<T>,
    /// Workers at rest and at work.
    made: usize,
}

/// A worker at work; it goes back when this is dropped.
pub(super) struct Lent<'p, T> {
    pool: &'p Pool<T>,
    worker: Option<T>,
}

impl<T> Pool<T> {
    pub(super) fn new(most: usize) -> Pool<T> {
        let state = State { idle: Vec::with_capacity(most), made: 0 };
        Pool { state: Mutex::new(state), returned: Condvar::new(), most }
    }

    /// A worker: the one that was at work last, or a new one, or, where there are as many as may be, the next to return.
    pub(super) fn take(&self, make: impl FnOnce() -> Result<T, Error>) -> Result<Lent<'_, T>, Error> {
        let mut state = self.lock();
        loop {
            if let Some(worker) = state.idle.pop() {
                return Ok(Lent { pool: self, worker: Some(worker) });
            }
            if state.made < self.most {
                break;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.made += 1;
        drop(state);
        // Dropped without a worker, should `make` fail or panic, it gives its place back.
        let mut lent = Lent { pool: self, worker: None };
        lent.worker = Some(make()?);
        Ok(lent)
    }

    /// The state is sound between any two statements, so a panic elsewhere cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let worker = self.worker.take().filter(|_| !std::thread::panicking());
        let mut state = self.pool.lock();
        match worker {
            Some(worker) => state.idle.push(worker),
            None => state.made -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.worker.as_ref().expect("there until it is dropped")
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.worker.as_mut().expect("there until it is dropped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_are_made_than_may_be_and_all_are_served() {
        let pool = Pool::new(2);
        let made = AtomicUsize::new(0);
        let served = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let mut worker = pool.take(|| Ok(made.fetch_add(1, Ordering::Relaxed))).expect("a worker");
                        *worker += 1;
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), 1600);
        assert!((1..=2).contains(&made.into_inner()));
    }

    #[test]
    fn a_panic_or_a_failure_leaves_the_pool_as_good_as_before() {
        let pool = Pool::new(1);
        for _ in 0..3 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let _worker = pool.take(|| Ok(1)).expect("a worker");
                panic!("while at work");
            }));
            assert!(panicked.is_err());
            assert!(catch_unwind(AssertUnwindSafe(|| pool.take(|| panic!("while made")).is_ok())).is_err());
            assert!(pool.take(|| Err(Error::Damaged { cause: String::new() })).is_err());
        }
        assert_eq!(*pool.take(|| Ok(7)).expect("a worker"), 7);
        assert_eq!(*pool.take(|| Ok(8)).expect("the same worker"), 7);
    }
}

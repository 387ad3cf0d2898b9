//! Workers at rest: one for each thread that is at work, and no more than there are processors for.
//!
//! The lock is held for a push or a pop, never while a model runs. A worker whose user panics is dropped, not returned, and so is one
//! that was made by rules that are no longer the pool's.

use super::Error;
use core::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Pool<T, R> {
    state: Mutex<State<T, R>>,
    returned: Condvar,
}

struct State<T, R> {
    idle: Vec<T>,
    /// Workers at rest and at work.
    made: usize,
    /// The most of them.
    most: usize,
    /// How they are made.
    rules: R,
    /// How often the rules were changed.
    changes: usize,
}

/// A worker at work; it goes back when this is dropped.
pub(crate) struct Lent<'p, T, R> {
    pool: &'p Pool<T, R>,
    worker: Option<T>,
    /// How often the rules had been changed when it was taken.
    changes: usize,
}

impl<T, R: Copy> Pool<T, R> {
    pub(crate) fn new(most: usize, rules: R) -> Pool<T, R> {
        let state = State { idle: Vec::with_capacity(most), made: 0, most, rules, changes: 0 };
        Pool { state: Mutex::new(state), returned: Condvar::new() }
    }

    /// A worker: the one that was at work last, or a new one by the rules, or, where there are as many as may be, the next to return.
    pub(crate) fn take(&self, make: impl FnOnce(R) -> Result<T, Error>) -> Result<Lent<'_, T, R>, Error> {
        let mut state = self.lock();
        loop {
            if let Some(worker) = state.idle.pop() {
                return Ok(Lent { pool: self, worker: Some(worker), changes: state.changes });
            }
            if state.made < state.most {
                break;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.made += 1;
        let (rules, changes) = (state.rules, state.changes);
        drop(state);
        // Dropped without a worker, should `make` fail or panic, it gives its place back.
        let mut lent = Lent { pool: self, worker: None, changes };
        lent.worker = Some(make(rules)?);
        Ok(lent)
    }

    /// Makes workers by other rules from now on.
    pub(crate) fn change(&self, most: usize, rules: R) {
        let mut state = self.lock();
        let old = std::mem::replace(&mut state.idle, Vec::with_capacity(most));
        state.made -= old.len();
        (state.most, state.rules) = (most, rules);
        state.changes += 1;
        drop(state);
        self.returned.notify_all();
    }

    /// How workers are made.
    pub(crate) fn rules(&self) -> R {
        self.lock().rules
    }
}

impl<T, R> Pool<T, R> {
    /// The state is sound between any two statements, so a panic elsewhere cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, State<T, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, R> Drop for Lent<'_, T, R> {
    fn drop(&mut self) {
        let worker = self.worker.take().filter(|_| !std::thread::panicking());
        let mut state = self.pool.lock();
        let outlived = match worker {
            Some(worker) if state.changes == self.changes => {
                state.idle.push(worker);
                None
            }
            other => {
                state.made -= 1;
                other
            }
        };
        drop(state);
        self.pool.returned.notify_one();
        drop(outlived);
    }
}

impl<T, R> Deref for Lent<'_, T, R> {
    type Target = T;

    fn deref(&self) -> &T {
        self.worker.as_ref().expect("there until it is dropped")
    }
}

impl<T, R> DerefMut for Lent<'_, T, R> {
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
        let pool = Pool::new(2, ());
        let made = AtomicUsize::new(0);
        let served = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let mut worker = pool.take(|()| Ok(made.fetch_add(1, Ordering::Relaxed))).expect("a worker");
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
        let pool = Pool::new(1, ());
        for _ in 0..3 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                let _worker = pool.take(|()| Ok(1)).expect("a worker");
                panic!("while at work");
            }));
            assert!(panicked.is_err());
            assert!(catch_unwind(AssertUnwindSafe(|| pool.take(|()| panic!("while made")).is_ok())).is_err());
            assert!(pool.take(|()| Err(Error::Damaged { cause: String::new() })).is_err());
        }
        assert_eq!(*pool.take(|()| Ok(7)).expect("a worker"), 7);
        assert_eq!(*pool.take(|()| Ok(8)).expect("the same worker"), 7);
    }

    #[test]
    fn changed_rules_hold_for_all_workers_from_then_on() {
        let pool = Pool::new(2, 'a');
        let taken = || pool.take(Ok).expect("a worker");
        let at_work = taken();
        drop(taken());
        pool.change(1, 'b');
        assert_eq!((*at_work, pool.rules()), ('a', 'b'));
        // The one at work is counted until it is back, and is not kept then.
        drop(at_work);
        assert_eq!(*taken(), 'b');
        assert_eq!(*taken(), 'b');
        assert_eq!(pool.lock().made, 1);
    }
}

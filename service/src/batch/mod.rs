//! Batches without knobs: requests of all protocols queue in one owner, and whenever a worker is free it takes what waits.
//!
//! ```text
//! requests ─▶ admission ─▶ Queue ─▶ a worker on each core, each with its own sessions ─▶ rows
//!              (cost)       light, heavy
//! ```
//!
//! Nothing waits for a batch to fill: a request that finds a worker free is run at once, alone. Since a text's row does not depend on
//! the texts beside it, nobody can tell from an answer who else was there.

mod clock;
mod cost;
mod executions;
mod idle;
mod queue;
mod ragged;
mod request;
mod sessions;
mod worker;

pub(crate) use executions::{Executions, OfSize, Spent};
pub(crate) use idle::Idle;
pub(crate) use ragged::Ragged;
pub(crate) use request::Rows;

use crate::metrics::ModelMetrics;
use crate::models::Models;
use crate::priority;
use cost::Cost;
pub(crate) use queue::Tally;
use queue::{Batch, Queue, Size};
use request::Request;
use sessions::Sessions;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use worker::{Make, Run};

/// Texts are run together until they have this many tokens: larger batches take longer a text, for they leave the nearer caches
/// (`benches/`, as for the engine's own).
pub(crate) const BATCH_TOKENS: usize = 128;

/// The most texts in a batch.
const BATCH_TEXTS: usize = 128;

/// Why a request has no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It would be late, by the cost of what waits before it: it may be tried again after this time.
    Overloaded { after: Duration },
    /// Its deadline passed.
    Late,
    /// The model cannot run it.
    Model(String),
    /// The model panicked over it.
    Panicked,
}

/// The workers, and the queue before them. They end when it is dropped, after all that waits.
pub(crate) struct Batcher {
    shared: Arc<Shared>,
}

/// What requests and workers share.
struct Shared {
    state: Mutex<State>,
    /// Something waits, or the workers are to end. Who slept longest is woken: where one client asks alone, that measured an eighth less than
    /// to wake the last one, or one of another core (`benches/servers/`).
    news: Condvar,
    /// What is counted of each model.
    counts: Arc<[ModelMetrics]>,
    /// A worker has nothing to do, or the workers are to end.
    idle: Condvar,
    /// The clock has an earlier alarm, or is to end.
    bell: Condvar,
    /// [`Queue::soonest`] in nanoseconds, as of the last change.
    soonest: AtomicU64,
    /// The batches of each model that ran.
    executions: Vec<Executions>,
}

struct State {
    queue: Queue,
    is_ending: bool,
    /// Who waits for `idle`.
    idlers: usize,
    /// When the clock looks for those that are late: at the deadline of a request that was admitted, or earlier.
    alarm: Option<Instant>,
}

impl Batcher {
    /// Workers for these models, one on each core that the process may use; what their batches cost is measured first.
    ///
    /// # Errors
    ///
    /// If a session's memory cannot be had, or a thread.
    pub(crate) fn start(models: &Arc<Models>, counts: Arc<[ModelMetrics]>) -> Result<Batcher, String> {
        if models.all().is_empty() {
            return Batcher::with((vec![], counts), 0, Arc::new(|| Err("there is no model".to_owned())));
        }
        let mut sessions = Sessions::new(models)?;
        let costs = sessions.costs()?;
        // Rankers have workers of their own.
        let has_texts = models.all().iter().any(|model| model.texts().is_some());
        let workers = if has_texts { crate::processors::processors() } else { 0 };
        let models = models.clone();
        // What measured is what the first worker runs with: its memory is there already.
        let measured = Mutex::new(Some(sessions));
        let make = move || {
            let measured = measured.lock().unwrap_or_else(PoisonError::into_inner).take();
            let sessions = measured.map_or_else(|| Sessions::new(&models), Ok)?;
            Ok(Box::new(sessions) as Box<dyn Run>)
        };
        Batcher::with((costs, counts), workers, Arc::new(make))
    }

    /// Workers over what `make` makes, with the cost and the counts of each model.
    fn with(
        (costs, counts): (Vec<Cost>, Arc<[ModelMetrics]>),
        workers: usize,
        make: Arc<Make>,
    ) -> Result<Batcher, String> {
        let executions = costs.iter().map(|_| Executions::new()).collect();
        let state = State { queue: Queue::new(costs, workers), is_ending: false, idlers: 0, alarm: None };
        let [news, idle, bell] = [(); 3].map(|()| Condvar::new());
        let (state, soonest) = (Mutex::new(state), AtomicU64::new(u64::MAX));
        let shared = Shared { state, news, idle, bell, soonest, counts, executions };
        let batcher = Batcher { shared: Arc::new(shared) };
        for worker in 0..workers {
            let (shared, make) = (batcher.shared.clone(), make.clone());
            let work = move || {
                priority::on_core(worker);
                priority::behind_answers();
                worker::work(&shared, worker, &*make);
            };
            let thread = std::thread::Builder::new().name(format!("model-{worker}")).spawn(work);
            thread.map_err(|error| format!("a worker's thread cannot be had: {error}"))?;
        }
        if workers > 0 {
            let shared = batcher.shared.clone();
            let keep = move || clock::keep(&shared);
            let thread = std::thread::Builder::new().name("deadlines".to_owned()).spawn(keep);
            thread.map_err(|error| format!("the thread of deadlines cannot be had: {error}"))?;
        }
        Ok(batcher)
    }

    /// What waits for the workers to be idle.
    pub(crate) fn idle(&self) -> Idle {
        Idle(self.shared.clone())
    }

    /// The batches of the model in that place that ran.
    pub(crate) fn executions(&self, model: usize) -> &Executions {
        &self.shared.executions[model]
    }

    /// Whether so many texts can have their rows by the deadline, if each has no more than a token: what cannot is refused before more is
    /// done for it.
    ///
    /// # Errors
    ///
    /// [`Failure::Overloaded`].
    pub(crate) fn check(&self, model: usize, texts: usize, deadline: Instant) -> Result<(), Failure> {
        let now = Instant::now();
        // What workers wait for is left alone where there is time enough.
        let soonest = Duration::from_nanos(self.shared.soonest.load(Ordering::Relaxed));
        if texts == 1 && deadline.saturating_duration_since(now) > soonest {
            return Ok(());
        }
        let mut state = self.shared.lock();
        let checked = state.queue.check(model, Size { texts, tokens: texts }, now, (now, deadline));
        if checked.is_err() {
            self.shared.publish(&state, now);
        }
        checked
    }

    /// The rows of some texts by the model in that place, by the deadline. If the future is dropped, what has not begun is not run.
    ///
    /// # Errors
    ///
    /// Why there are none.
    pub(crate) async fn run(&self, model: usize, texts: Ragged, deadline: Instant) -> Result<Rows, Failure> {
        if texts.texts() == 0 {
            return Ok(Rows { values: vec![], queued: Duration::ZERO, ran: Duration::ZERO, batch: 0 });
        }
        let (reply, answer) = oneshot::channel();
        let (now, many) = (Instant::now(), texts.texts() > 1);
        let request = Arc::new(Request::new(model, texts, (now, deadline), reply));
        self.shared.admit(request, now)?;
        if many {
            self.shared.news.notify_all();
        } else {
            self.shared.news.notify_one();
        }
        answer.await.unwrap_or_else(|_dropped| Err(Failure::Model("the workers have ended".to_owned())))
    }
}

impl Shared {
    fn admit(&self, request: Arc<Request>, now: Instant) -> Result<(), Failure> {
        let mut state = self.lock();
        let deadline = request.deadline;
        let admitted = state.queue.admit(request, now);
        self.publish(&state, now);
        let is_next = admitted.is_ok() && state.alarm.is_none_or(|alarm| deadline < alarm);
        if is_next {
            state.alarm = Some(deadline);
        }
        drop(state);
        if is_next {
            self.bell.notify_one();
        }
        admitted
    }

    /// The next batch for a worker, once there is one; none if the workers are to end.
    fn next(&self, worker: usize) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let batch = state.queue.take(worker, now);
            self.publish(&state, now);
            if batch.is_some() {
                return batch;
            }
            if state.is_ending {
                return None;
            }
            if state.idlers > 0 {
                self.idle.notify_all();
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finish(&self, worker: usize, batch: &Batch, took: Duration) {
        self.counts[batch.model].batch(batch.texts, batch.tokens);
        self.lock().queue.finish(worker, batch, took);
    }

    /// Lets those who look see what waits and what was not run.
    fn publish(&self, state: &State, now: Instant) {
        self.counts.iter().zip(state.queue.tallies()).for_each(|(counts, tally)| counts.publish(tally));
        let soonest = state.queue.soonest(now).as_nanos();
        self.soonest.store(u64::try_from(soonest).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The queue is sound between any two statements, so a panic elsewhere cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        self.shared.lock().is_ending = true;
        for waits in [&self.shared.news, &self.shared.idle, &self.shared.bell] {
            waits.notify_all();
        }
    }
}

impl fmt::Debug for Batcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").finish_non_exhaustive()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Overloaded { .. } => {
                f.write_str("too much is waiting for this request to be answered in its time")
            }
            Failure::Late => f.write_str("the request's time is over"),
            Failure::Model(message) => f.write_str(message),
            Failure::Panicked => f.write_str("the model broke off over this request"),
        }
    }
}

#[cfg(test)]
mod tests;

//! The workers of rankers: threads of their own, behind those that answer sockets, each of which scores one request after the other.
//!
//! A request's candidates are scored together and by one worker: they take microseconds, so that nothing is won by dividing them, and the
//! queue of texts, which counts in tokens, has no place for them. Requests are taken in the order in which they came; one that by what
//! earlier ones took would be late is refused at once, unless nothing else runs; one whose client has gone is not run.

mod idle;

use super::Asked;
use crate::batch::{Executions, Spent, Tally};
use crate::inference::Fault;
use crate::metrics::ModelMetrics;
use crate::models::Models;
use crate::priority;
use crate::processors::processors;
use idle::Idle;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

/// How many times as long as expected a request may wait and still be in time, as for texts (`batch/queue.rs`).
const HELD_UP: u32 = 4;

/// How much of what a candidate is expected to take each request decides.
const NEWEST: f64 = 1.0 / 16.0;

/// A request that took longer than this many times what was expected was held up by something else, and counts as this many, as for texts
/// (`batch/cost.rs`).
const MOST: f64 = 4.0;

/// Requests of a model after which what they took is believed: the first of them read its tables.
const WARM: u32 = 2;

/// How long before requests whose clients have gone are looked for again.
const BETWEEN: Duration = Duration::from_millis(1);

/// The scores of a request, and how long they took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scored {
    /// The scores of the candidates, one's after the other's.
    pub(crate) values: Vec<f64>,
    pub(crate) queued: Duration,
    pub(crate) ran: Duration,
}

/// What scores a request by the model in that place.
type Score = dyn Fn(usize, &Asked) -> Result<Vec<f64>, Fault> + Send + Sync;

/// The workers, and the queue before them. They end when it is dropped, after all that waits.
pub(crate) struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something waits, or the workers are to end.
    news: Condvar,
    /// A worker has nothing to do, or the workers are to end.
    idle: Condvar,
    workers: u32,
    score: Box<Score>,
    counts: Arc<[ModelMetrics]>,
    executions: Vec<Executions>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// How many workers score a request.
    busy: u32,
    /// What these requests are expected to take together.
    running: Duration,
    /// Who waits for `idle`.
    idlers: usize,
    /// By model: what its candidates take.
    costs: Vec<Cost>,
    tallies: Vec<Tally>,
    /// When those whose clients have gone were last dropped.
    purged: Option<Instant>,
    is_ending: bool,
}

/// What a model's candidates take: nothing until it has scored some.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// The seconds and the candidates of a request, in the mean of the last ones: requests of many candidates weigh more than those of few,
    /// which take as long as what is done once for each.
    seconds: f64,
    candidates: f64,
    /// How many requests it knows.
    requests: u32,
}

/// A request that waits.
struct Job {
    model: usize,
    /// Whoever waits for the answer holds it: nothing is left of a request whose client has gone, however long the line is.
    asked: Weak<Asked>,
    candidates: usize,
    arrived: Instant,
    deadline: Instant,
    reply: oneshot::Sender<Result<Scored, Fault>>,
}

/// A request that is to be scored.
struct Next {
    job: Job,
    asked: Arc<Asked>,
    /// What it is expected to take.
    expected: Duration,
}

impl Job {
    fn new(
        model: usize,
        asked: &Arc<Asked>,
        (arrived, deadline): (Instant, Instant),
        reply: oneshot::Sender<Result<Scored, Fault>>,
    ) -> Job {
        let candidates = asked.candidates();
        Job { model, asked: Arc::downgrade(asked), candidates, arrived, deadline, reply }
    }

    /// What is asked, if somebody waits for it.
    fn asked(&self) -> Option<Arc<Asked>> {
        self.asked.upgrade()
    }
}

impl Workers {
    /// Workers for the rankers among these models, one on each core that the process may use; none where there is no ranker.
    ///
    /// # Errors
    ///
    /// If a thread cannot be had.
    pub(crate) fn start(models: &Arc<Models>, counts: Arc<[ModelMetrics]>) -> Result<Workers, String> {
        let workers = if models.all().iter().any(|model| model.ranker().is_some()) { processors() } else { 0 };
        let models = models.clone();
        let score = move |model: usize, asked: &Asked| match models.all()[model].ranker() {
            Some(engine) => asked.score(engine),
            None => Err(Fault::Internal("the model scores no candidates".to_owned())),
        };
        Workers::with(workers, counts, Box::new(score))
    }

    fn with(workers: usize, counts: Arc<[ModelMetrics]>, score: Box<Score>) -> Result<Workers, String> {
        let (costs, tallies) = (vec![Cost::default(); counts.len()], vec![Tally::default(); counts.len()]);
        let state = Mutex::new(State { costs, tallies, ..State::default() });
        let executions = counts.iter().map(|_| Executions::new()).collect();
        let [news, idle] = [(); 2].map(|()| Condvar::new());
        let shared = Shared { state, news, idle, workers: workers as u32, score, counts, executions };
        let started = Workers { shared: Arc::new(shared) };
        for worker in 0..workers {
            let shared = started.shared.clone();
            let thread = std::thread::Builder::new().name(format!("ranker-{worker}"));
            let thread = thread.spawn(move || {
                priority::on_core(worker);
                priority::behind_answers();
                shared.work();
            });
            thread.map_err(|error| format!("a worker's thread cannot be had: {error}"))?;
        }
        Ok(started)
    }

    /// What waits for the workers to be idle.
    pub(crate) fn idle(&self) -> Idle {
        Idle(self.shared.clone())
    }

    /// How often the model in that place ran: a request is one run, of one.
    pub(crate) fn executions(&self, model: usize) -> &Executions {
        &self.shared.executions[model]
    }

    /// The scores of the candidates by the model in that place, by the deadline. Once `asked` is dropped, what has not begun is not run.
    ///
    /// # Errors
    ///
    /// Why there are none.
    pub(crate) async fn run(&self, model: usize, asked: &Arc<Asked>, deadline: Instant) -> Result<Scored, Fault> {
        let (reply, answer) = oneshot::channel();
        self.shared.admit(Job::new(model, asked, (Instant::now(), deadline), reply))?;
        self.shared.news.notify_one();
        match timeout_at(deadline.into(), answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_dropped)) => Err(Fault::Internal("the workers have ended".to_owned())),
            Err(_elapsed) => Err(Fault::Late),
        }
    }
}

impl Shared {
    fn admit(&self, job: Job) -> Result<(), Fault> {
        let mut state = self.lock();
        let left = job.deadline.saturating_duration_since(job.arrived);
        let mut expected = state.until(&job, self.workers);
        if expected > left && state.purge(job.arrived) {
            expected = state.until(&job, self.workers);
        }
        // Where nothing runs, what it takes is learned by running it, whatever is expected.
        let is_idle = state.running.is_zero() && state.waiting.is_empty() && !left.is_zero();
        let (model, is_late) = (job.model, expected > left && !is_idle);
        if is_late {
            state.tallies[model].refused += 1;
        } else {
            state.wait(&job, true);
            state.waiting.push_back(job);
        }
        self.counts[model].publish_candidates(state.tallies[model]);
        if is_late { Err(Fault::Overloaded { after: expected - left }) } else { Ok(()) }
    }

    /// Scores what waits, until nothing does and nothing will.
    fn work(&self) {
        while let Some(Next { job, asked, expected }) = self.next() {
            let Job { model, arrived, reply, .. } = job;
            let begun = Instant::now();
            let scored = catch_unwind(AssertUnwindSafe(|| (self.score)(model, &asked)));
            let ran = begun.elapsed();
            let scored = scored.unwrap_or_else(|_panic| {
                self.counts[model].panicked();
                Err(Fault::Internal("the model broke off over this request".to_owned()))
            });
            if scored.is_ok() {
                self.counts[model].batch(asked.candidates(), 0);
                self.executions[model].count(1, Spent { infer: ran, ..Spent::default() });
            }
            self.lock().finish(model, asked.candidates(), expected, scored.is_ok().then_some(ran));
            // Its client may have gone just now.
            let _unheard = reply.send(scored.map(|values| Scored { values, queued: begun - arrived, ran }));
        }
    }

    /// The next request that somebody waits for; none if the workers are to end.
    fn next(&self) -> Option<Next> {
        let mut state = self.lock();
        loop {
            while let Some(job) = state.waiting.pop_front() {
                let expected = state.expected(&job);
                state.wait(&job, false);
                let (asked, is_late) = (job.asked(), Instant::now() >= job.deadline);
                let tally = &mut state.tallies[job.model];
                match (&asked, is_late) {
                    // Who is late has gone, too, by the clock.
                    (_, true) => tally.late += 1,
                    (None, false) => tally.gone += 1,
                    _ => {}
                }
                self.counts[job.model].publish_candidates(*tally);
                if let (Some(asked), false) = (asked, is_late) {
                    (state.busy, state.running) = (state.busy + 1, state.running + expected);
                    return Some(Next { job, asked, expected });
                }
                // Who has gone hears nothing; who is late has heard it from the clock.
                let _unheard = job.reply.send(Err(Fault::Late));
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

    /// The state is sound between any two statements, so a panic elsewhere cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What a request is expected to take; nothing until its model has scored one.
    fn expected(&self, job: &Job) -> Duration {
        self.costs[job.model].of(job.candidates)
    }

    /// How long a request is expected to wait for those before it and to be scored.
    fn until(&self, job: &Job, workers: u32) -> Duration {
        let waits: Duration = self.costs.iter().zip(&self.tallies).map(|(cost, tally)| cost.of(tally.texts)).sum();
        HELD_UP * (self.running + waits) / workers.max(1) + self.expected(job)
    }

    /// Drops what waits and nobody waits for; whether anything was. It is not looked for at each refusal.
    fn purge(&mut self, now: Instant) -> bool {
        if self.purged.is_some_and(|last| now.saturating_duration_since(last) < BETWEEN) {
            return false;
        }
        self.purged = Some(now);
        let before = self.waiting.len();
        let State { waiting, tallies, .. } = self;
        waiting.retain(|job| {
            let is_gone = job.asked().is_none();
            if is_gone {
                let (tally, candidates) = (&mut tallies[job.model], job.candidates);
                (tally.requests, tally.texts) = (tally.requests - 1, tally.texts - candidates);
                if now >= job.deadline { tally.late += 1 } else { tally.gone += 1 }
            }
            !is_gone
        });
        self.waiting.len() < before
    }

    /// Counts a request among those that wait, or no longer.
    fn wait(&mut self, job: &Job, waits: bool) {
        let (tally, candidates) = (&mut self.tallies[job.model], job.candidates);
        match waits {
            true => (tally.requests, tally.texts) = (tally.requests + 1, tally.texts + candidates),
            false => (tally.requests, tally.texts) = (tally.requests - 1, tally.texts - candidates),
        }
    }

    /// Learns what a request took, where it was scored.
    fn finish(&mut self, model: usize, candidates: usize, expected: Duration, took: Option<Duration>) {
        (self.busy, self.running) = (self.busy - 1, self.running.saturating_sub(expected));
        let Some(took) = took else { return };
        self.costs[model].observe(candidates, took);
    }
}

impl Cost {
    fn of(self, candidates: usize) -> Duration {
        let each = if self.candidates > 0.0 { self.seconds / self.candidates } else { 0.0 };
        Duration::from_secs_f64(each * candidates as f64)
    }

    fn observe(&mut self, candidates: usize, took: Duration) {
        self.requests = self.requests.saturating_add(1);
        if self.requests <= WARM {
            (self.seconds, self.candidates) = (took.as_secs_f64(), candidates as f64);
            return;
        }
        let seen = took.as_secs_f64().min(MOST * self.of(candidates).as_secs_f64());
        self.seconds += NEWEST * (seen - self.seconds);
        self.candidates += NEWEST * (candidates as f64 - self.candidates);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().is_ending = true;
        self.shared.news.notify_all();
        self.shared.idle.notify_all();
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

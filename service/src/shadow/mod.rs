//! Shadows: versions that score what others have answered, are compared with them, and answer nobody.
//!
//! ```text
//! an answer, once it is written ─▶ Line (bounded) ─▶ one thread, behind all others ─▶ compare ─▶ /metrics, /models/{m}/shadow
//! ```
//!
//! An answer never waits for a shadow and has nothing of it: a request is handed on when its answer is done, where there is no room it is
//! dropped, and what a shadow needs (its session, its thread, its panics) is its own. The thread begins a text, or a ranker's request, only
//! while no request waits and a worker is free, and the system lets every other thread go before it (`SCHED_IDLE` on Linux), so that a
//! request that comes in the middle of it need not wait for its end.

mod compare;
mod line;
mod meters;
mod route;
mod tally;
mod worker;

pub(crate) use line::{Answered, Candidates, Exchange, Texts};
pub(crate) use route::router;

use crate::metrics::exposition::Exposition;
use crate::models::{ModelCard, Models, Served};
use compare::compare;
use line::Line;
use meters::Outcome;
use modeldeploy::model::Facts;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tally::{Report, Tally};
use worker::{Make, Sessions};

/// Upper bounds of distances: int8 against f32 is some 10⁻³ in cosine, and a model trained further some 10⁻¹.
const LIMITS: [f64; 10] = [1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0];

/// Upper bounds of correlations of ranks.
const RANKS: [f64; 9] = [-1.0, -0.5, 0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0];

/// The shadows of a service, at work. Cloning shares them; their thread ends with the last one.
#[derive(Clone, Debug)]
pub(crate) struct Shadows {
    shared: Arc<Shared>,
    _end: Arc<End>,
}

/// Closes the line when it is dropped.
#[derive(Debug)]
struct End(Arc<Shared>);

/// A request that is handed to the shadows when this is dropped: when its answer is written, or is no longer wanted.
#[derive(Debug)]
pub(crate) struct Afterwards {
    shared: Arc<Shared>,
    answered: Option<Answered>,
}

/// A version that answers nobody.
#[derive(Debug)]
struct Shadow {
    card: ModelCard,
    label: Option<&'static str>,
    facts: Facts,
}

#[derive(Debug)]
struct Shared {
    shadows: Vec<Shadow>,
    /// The versions that answer, by their places.
    versions: Vec<ModelCard>,
    line: Line,
    /// By shadow: what became of requests, in the order of [`Outcome::ALL`].
    outcomes: Vec<[AtomicU64; 3]>,
    /// By shadow and the version that it was compared with.
    tallies: Mutex<Vec<BTreeMap<&'static str, Tally>>>,
}

impl Shadows {
    /// Starts their thread; none where there is no shadow. `idle` waits until no request does and a worker is free.
    ///
    /// # Errors
    ///
    /// If the thread cannot be had.
    pub(crate) fn start(models: &Arc<Models>, idle: impl Fn() + Send + 'static) -> Result<Option<Shadows>, String> {
        if models.shadows().is_empty() {
            return Ok(None);
        }
        let shadow = |served: &Served| Shadow { card: served.card, label: served.label, facts: served.facts };
        let shadows = models.shadows().iter().map(shadow).collect();
        let versions = models.all().iter().map(|served| served.card).collect();
        let models = models.clone();
        let make = Box::new(move || Box::new(Sessions::new(models.clone())) as Box<_>);
        Shadows::with(shadows, versions, make, idle).map(Some)
    }

    fn with(
        shadows: Vec<Shadow>,
        versions: Vec<ModelCard>,
        make: Box<Make>,
        idle: impl Fn() + Send + 'static,
    ) -> Result<Shadows, String> {
        let outcomes = shadows.iter().map(|_| Default::default()).collect();
        let tallies = Mutex::new(shadows.iter().map(|_| BTreeMap::new()).collect());
        let shared = Arc::new(Shared { shadows, versions, line: Line::default(), outcomes, tallies });
        let theirs = shared.clone();
        let thread = std::thread::Builder::new().name("shadow".to_owned());
        let started = thread.spawn(move || worker::work(&theirs, &*make, &idle));
        started.map_err(|error| format!("the shadows' thread cannot be had: {error}"))?;
        Ok(Shadows { _end: Arc::new(End(shared.clone())), shared })
    }

    /// Whether what the version in that place answers is scored afterwards.
    pub(crate) fn follow(&self, model: usize) -> bool {
        self.shared.of(model).next().is_some()
    }

    /// What hands an answered request on when it is dropped.
    pub(crate) fn afterwards(&self, answered: Answered) -> Afterwards {
        Afterwards { shared: self.shared.clone(), answered: Some(answered) }
    }

    /// Writes what was found as metrics.
    pub(crate) fn write(&self, out: &mut Exposition) {
        meters::write(&self.shared, out);
    }

    /// What was found of the shadows of a model.
    fn reports(&self, name: &str) -> Vec<Report> {
        let shared = &self.shared;
        let tallies = shared.tallies();
        let own = shared.shadows.iter().enumerate().filter(|(_, shadow)| shadow.card.name == name);
        let report = |(at, shadow): (usize, &Shadow)| {
            let outcomes = [0, 1, 2].map(|outcome| shared.outcomes[at][outcome].load(Relaxed));
            Report::of(shadow, outcomes, &tallies[at])
        };
        own.map(report).collect()
    }
}

impl Shared {
    /// The places of the shadows of the version in that place.
    fn of(&self, model: usize) -> impl Iterator<Item = usize> {
        let name = self.versions[model].name;
        (0..self.shadows.len()).filter(move |&at| self.shadows[at].card.name == name)
    }

    fn count(&self, shadow: usize, outcome: Outcome) {
        self.outcomes[shadow][outcome as usize].fetch_add(1, Relaxed);
    }

    /// Notes what a shadow made of a request that the version in that place answered.
    fn compare<T: Copy + Into<f64>>(&self, shadow: usize, model: usize, answered: &[T], rows: Result<Vec<T>, String>) {
        let whole = |rows: &Vec<T>| rows.len() == answered.len() && rows.iter().all(|&value| value.into().is_finite());
        let Some(rows) = rows.ok().filter(whole) else {
            return self.count(shadow, Outcome::Failed);
        };
        let (of, against) = (&self.shadows[shadow], self.versions[model].version);
        let comparison = compare(&of.facts, answered, &rows);
        self.tallies()[shadow].entry(against).or_default().add(&comparison);
        // Last, so that who sees it counted sees its figures.
        self.count(shadow, Outcome::Compared);
    }

    /// Tallies are sound between any two statements, so a panic elsewhere cannot have spoiled them.
    fn tallies(&self) -> MutexGuard<'_, Vec<BTreeMap<&'static str, Tally>>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Afterwards {
    fn drop(&mut self) {
        if let Some(answered) = self.answered.take() {
            let model = answered.model;
            if !self.shared.line.push(answered) {
                self.shared.of(model).for_each(|shadow| self.shared.count(shadow, Outcome::Dropped));
            }
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.0.line.close();
    }
}

#[cfg(test)]
mod tests;

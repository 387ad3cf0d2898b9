//! Counts and times of requests, batches and models, for Prometheus, for other servers' dashboards and for a page of our own.
//!
//! What is written while requests run are atomics that have their place: a [`routes`] table of routes, in each of them a [`series`] a
//! model, and a [`model`] for what no route has part in. Everything else happens when somebody looks: [`own`] and [`compat`] put names to
//! it, [`exposition`] writes it, [`snapshot`] holds it for pages.

mod compat;
pub(crate) mod exposition;
mod histogram;
mod model;
mod of_model;
mod own;
mod process;
mod routes;
mod series;
mod show;
pub(crate) mod snapshot;
mod window;

pub(crate) use model::ModelMetrics;
pub(crate) use of_model::Asked;
pub(crate) use show::{compat_names, router};

use crate::ModelCard;
use crate::observe::Ended;
use crate::shadow::Shadows;
use of_model::OfModel;
use routes::Routes;
use snapshot::Snapshot;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use window::Window;

/// The metrics of a service. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: &'static str,
    version: &'static str,
    start: Instant,
    /// Unix time.
    start_seconds: f64,
    routes: Routes,
    models: Arc<[ModelMetrics]>,
    in_flight: AtomicU64,
    connections: AtomicU64,
    /// What earlier snapshots saw.
    window: Mutex<Window>,
    /// Where some versions answer nobody.
    shadows: OnceLock<Shadows>,
}

/// A connection that is open; dropping it closes it.
#[derive(Debug)]
pub(crate) struct Connection(Metrics);

impl Metrics {
    /// The metrics of a service with these models, in their order.
    pub(crate) fn new(service: &'static str, version: &'static str, models: &[ModelCard]) -> Metrics {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Metrics(Arc::new(Inner {
            service,
            version,
            start: Instant::now(),
            start_seconds: since.as_secs_f64(),
            routes: Routes::new(models.len()),
            models: models.iter().copied().map(ModelMetrics::new).collect(),
            in_flight: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            window: Mutex::default(),
            shadows: OnceLock::new(),
        }))
    }

    /// The models' own, in their order.
    pub(crate) fn models(&self) -> Arc<[ModelMetrics]> {
        self.0.models.clone()
    }

    /// The name and version of a model.
    pub(crate) fn card(&self, model: usize) -> &ModelCard {
        &self.0.models[model].card
    }

    /// Shows what these shadows find, too. Those of the first call stay.
    pub(crate) fn follow(&self, shadows: Shadows) {
        let _first = self.0.shadows.set(shadows);
    }

    /// Counts a connection until what it returns is dropped.
    pub(crate) fn connection(&self) -> Connection {
        self.0.connections.fetch_add(1, Relaxed);
        Connection(self.clone())
    }

    /// Counts a request that is in flight from now on, until it is [counted](Metrics::count) at its end.
    pub(crate) fn begun(&self) {
        self.0.in_flight.fetch_add(1, Relaxed);
    }

    /// Counts a request that has ended.
    pub(crate) fn count(&self, ended: &Ended<'_>) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.tally(ended);
    }

    /// Counts a part of a request that is a request to a model by itself: a message of a stream.
    pub(crate) fn tally(&self, ended: &Ended<'_>) {
        let record = &ended.record;
        let series = self.0.routes.get(ended.route).series(record.model);
        series.count(ended.status, ended.code, record.texts, ended.whole());
        if let Some(serialize) = ended.serialize() {
            series.count_stages(record.times, serialize);
        }
    }

    /// What was asked of the model in that place.
    pub(crate) fn asked(&self, model: usize) -> Asked {
        OfModel::of(&self.0, model, |_| true).into()
    }

    /// What a page shows. Its rates are between this call and one of about ten seconds before.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut window = self.0.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.look(&self.0, Instant::now())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.0.connections.fetch_sub(1, Relaxed);
    }
}

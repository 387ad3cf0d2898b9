//! What the service has done lately and all together, in numbers that a page can show.
//!
//! `total` counts since the start; `per_second` and all quantiles are of the last seconds, as many as [`Snapshot::window_seconds`] says.

use serde::Serialize;

/// The service at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) service: &'static str,
    pub(crate) version: &'static str,
    pub(crate) uptime_seconds: f64,
    /// What `per_second` and the quantiles are of: since the snapshot of about ten seconds ago, or since the start where there is none.
    pub(crate) window_seconds: f64,
    /// Requests to all routes.
    pub(crate) requests: Rate,
    pub(crate) in_flight: u64,
    pub(crate) connections: u64,
    /// Requests that failed, by canonical reason; those alone that there were.
    pub(crate) failures: Vec<Counted>,
    pub(crate) process: Process,
    /// In the order of the service's models: by name, and of a name the newest first.
    pub(crate) models: Vec<ModelSnapshot>,
    /// The routes that were asked, by name.
    pub(crate) routes: Vec<RouteSnapshot>,
}

/// A counter: all of it, and lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Rate {
    pub(crate) total: u64,
    pub(crate) per_second: f64,
}

/// A counter with its reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Counted {
    pub(crate) reason: &'static str,
    #[serde(flatten)]
    pub(crate) rate: Rate,
}

/// How values of a histogram lie, lately. All zero where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// Where the time of requests goes, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Stages {
    /// From a request's head to its answer; the others are parts of it.
    pub(crate) whole: Quantiles,
    pub(crate) tokenize: Quantiles,
    pub(crate) queue: Quantiles,
    pub(crate) infer: Quantiles,
    pub(crate) serialize: Quantiles,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ModelSnapshot {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) digest: &'static str,
    pub(crate) space: &'static str,
    pub(crate) requests: Rate,
    /// Texts and tokens that were run.
    pub(crate) texts: Rate,
    pub(crate) tokens: Rate,
    pub(crate) stages: Stages,
    pub(crate) batches: Rate,
    pub(crate) batch_texts: Quantiles,
    pub(crate) batch_tokens: Quantiles,
    pub(crate) waiting: Waiting,
    /// Requests that were not run: `overload`, `late`, `gone`.
    pub(crate) sheds: Vec<Counted>,
    /// Requests that failed, by canonical reason; those alone that there were.
    pub(crate) failures: Vec<Counted>,
    pub(crate) panics: u64,
}

/// What waits for a model now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Waiting {
    pub(crate) requests: u64,
    pub(crate) texts: u64,
    pub(crate) tokens: u64,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RouteSnapshot {
    /// As it is written in the router: `/v2/models/{name}/infer`.
    pub(crate) route: String,
    pub(crate) requests: Rate,
    /// Milliseconds.
    pub(crate) whole: Quantiles,
}

/// What the process takes, as far as the system tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) virtual_bytes: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) open_fds: Option<u64>,
    pub(crate) max_fds: Option<u64>,
    /// Unix time.
    pub(crate) start_seconds: f64,
}

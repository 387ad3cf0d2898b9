//! What becomes known of every request: counted in metrics, said in logs, sent as a trace.
//!
//! ```text
//! a request ─▶ layer ─▶ routes ─▶ handlers ─▶ inference (notes in the task's Record) ─▶ an answer ─▶ layer ─▶ Observer::ended
//! ```
//!
//! Neither protocols nor handlers take part in it. It costs no lock and no allocation unless a request is traced, has a line in the log,
//! or is one of gRPC whose code comes in trailers: that ends with them.

mod code;
mod layer;
mod record;
#[cfg(test)]
mod tests;
mod trailed;

pub(crate) use code::Code;
pub(crate) use layer::ObserveLayer;
pub(crate) use record::Record;

use crate::logs;
use crate::metrics::Metrics;
use crate::traces::Tracer;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who is told of every request. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Observer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    metrics: Metrics,
    overloads: logs::Overloads,
    /// None where nothing is traced.
    tracer: Option<Tracer>,
}

/// What is told of requests beside their numbers.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Whether the texts of requests are said in the log, redacted.
    pub(crate) says_texts: bool,
    pub(crate) tracer: Option<Tracer>,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    /// As it is written in the router; none if it matched no route.
    pub(crate) route: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) status: Status,
    pub(crate) code: Code,
    pub(crate) record: Record,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

/// A status as its protocol has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Http(u16),
    Grpc(Code),
}

/// These routes under the layer and nothing else, for the benchmark of what it costs.
pub fn observed(routes: axum::Router) -> axum::Router {
    routes.layer(ObserveLayer(Observer::new(Metrics::new("observed", "0.0.0", &[]), None)))
}

impl Observer {
    pub(crate) fn new(metrics: Metrics, tracer: Option<Tracer>) -> Observer {
        Observer(Arc::new(Inner { metrics, overloads: logs::Overloads::default(), tracer }))
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    fn tracer(&self) -> Option<&Tracer> {
        self.0.tracer.as_ref()
    }

    /// Sends what is not sent yet.
    pub(crate) async fn stop(self) {
        let stop = move || self.tracer().map(Tracer::stop);
        // A collector that does not answer is waited for elsewhere than among those who answer requests.
        let _stopped = tokio::task::spawn_blocking(stop).await;
    }

    /// Tells of a request. Whoever answers requests that no [`ObserveLayer`] sees calls it.
    pub(crate) fn ended(&self, ended: &Ended<'_>) {
        self.0.metrics.count(ended);
        logs::request(self.metrics(), ended);
        self.0.overloads.watch(ended);
    }
}

/// Runs a part of a request that is a request to a model by itself, a message of a stream, and counts it so.
pub(crate) async fn part<T, E>(
    metrics: &Metrics,
    route: &str,
    run: impl Future<Output = Result<T, E>>,
    code: impl FnOnce(&E) -> Code,
) -> Result<T, E> {
    let begun = Instant::now();
    let (outcome, record) = record::of(run).await;
    let code = outcome.as_ref().map_or_else(code, |_| Code::OK);
    let (method, status, code) = ("POST", Status::Grpc(code), record.failure.unwrap_or(code));
    metrics.tally(&Ended { route: Some(route), method, status, code, record, begun, ended: Instant::now() });
    outcome
}

impl Ended<'_> {
    pub(crate) fn whole(&self) -> Duration {
        self.ended.duration_since(self.begun)
    }

    /// From a model's answer to the end.
    pub(crate) fn serialize(&self) -> Option<Duration> {
        self.record.answered.map(|answered| self.ended.saturating_duration_since(answered))
    }
}

impl Status {
    /// The canonical code that it says.
    pub(crate) fn code(self) -> Code {
        match self {
            Status::Http(status) => Code::from_http(status),
            Status::Grpc(code) => code,
        }
    }

    /// A number of its own, never 0.
    pub(crate) fn key(self) -> u16 {
        match self {
            Status::Http(status) => status.max(1),
            Status::Grpc(code) => 1000 + code.index() as u16,
        }
    }

    pub(crate) fn from_key(key: u16) -> Status {
        match key {
            0..1000 => Status::Http(key),
            1000.. => Status::Grpc(Code::from_number(u8::try_from(key - 1000).unwrap_or(u8::MAX))),
        }
    }
}

/// As a label: `404`, `NOT_FOUND`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Http(status) => status.fmt(f),
            Status::Grpc(code) => f.write_str(code.upper()),
        }
    }
}

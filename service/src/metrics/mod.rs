//! Counts and latencies of requests, and which models are inside, as Prometheus reads them.

use crate::ModelCard;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Upper bounds of the latency histogram, in seconds: a short query takes about a tenth of a millisecond.
const BUCKETS: [f64; 14] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// The service's metrics. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: Family<Answered, Counter>,
    latency: Family<Route, Histogram, fn() -> Histogram>,
}

impl Metrics {
    pub(crate) fn new(service: &str, version: &str, models: &[ModelCard]) -> Metrics {
        let mut registry = Registry::with_prefix("modeldeploy");
        let requests = Family::default();
        registry.register("requests", "Requests answered, by route and status", requests.clone());
        let latency: Family<Route, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "request_duration",
            "Time from a request to its answer, by route",
            Unit::Seconds,
            latency.clone(),
        );
        let build = [("service", service), ("version", version)].map(|(key, value)| (key.to_owned(), value.to_owned()));
        registry.register("build", "The service inside this process", Info::new(build.to_vec()));
        for model in models {
            let facts =
                [("model", model.name), ("version", model.version), ("digest", model.digest), ("space", model.space)];
            let labels = facts.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
            registry.register("model_build", "A model compiled into this process", Info::new(labels));
        }
        Metrics { registry: Arc::new(Mutex::new(registry)), requests, latency }
    }

    /// Adds a metric of the service's own; its name gets the prefix `modeldeploy_`.
    pub fn register(&self, name: &str, help: &str, metric: impl prometheus_client::registry::Metric) {
        self.registry.lock().expect("no one panics while registering").register(name, help, metric);
    }
}

/// Counts and times every request by the route that it matched.
pub(crate) async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let start = Instant::now();
    let response = next.run(request).await;
    metrics.latency.get_or_create(&Route { route: route.clone() }).observe(start.elapsed().as_secs_f64());
    metrics.requests.get_or_create(&Answered { route, status: response.status().as_u16() }).inc();
    response
}

/// `GET /metrics`.
pub(crate) async fn show(State(metrics): State<Metrics>) -> Response {
    let mut body = String::new();
    let registry = metrics.registry.lock().expect("no one panics while registering");
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], body)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

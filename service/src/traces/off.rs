//! No traces: types of which there is no value, so that what asks for them compiles to nothing.

use crate::metrics::Metrics;
use crate::observe::Ended;
use axum::extract::Request;
use axum::http::HeaderMap;

/// Makes spans.
#[derive(Debug)]
pub(crate) enum Tracer {}

/// The span of a request.
#[derive(Debug)]
pub(crate) enum Span {}

impl Tracer {
    /// Always none; says so if the environment asks for traces.
    ///
    /// # Errors
    ///
    /// None.
    pub(crate) fn from_env(
        _service: &'static str,
        _version: &'static str,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Tracer>, String> {
        let names = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
        if let Some(name) = names.iter().find(|name| env(name).is_some_and(|value| !value.is_empty())) {
            tracing::warn!(
                target: crate::logs::TARGET,
                "{name} is set, but this service is built without traces: build it with the feature `otlp` of modeldeploy-service"
            );
        }
        Ok(None)
    }

    pub(crate) fn begin(&self, _request: &Request) -> Option<Span> {
        match *self {}
    }

    pub(crate) fn stop(&self) {
        match *self {}
    }
}

impl Span {
    pub(crate) fn announce(&self, _headers: &mut HeaderMap) {
        match *self {}
    }

    pub(crate) fn end(self, _metrics: &Metrics, _ended: &Ended<'_>) {
        match self {}
    }
}

//! Spans of requests and of their parts, in the traces that their clients began: W3C's trace context.
//!
//! Specifications: <https://www.w3.org/TR/trace-context/>, <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>.

use super::{export, settings};
use crate::metrics::Metrics;
use crate::observe::{Ended, Status};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{self, Span as _, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};
use std::fmt;
use std::time::{Duration, SystemTime};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Makes spans, and sends them.
#[derive(Debug)]
pub(crate) struct Tracer {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

/// The span of a request.
pub(crate) struct Span {
    span: SdkSpan,
    tracer: SdkTracer,
    begun: SystemTime,
}

impl Tracer {
    /// A tracer, if the environment asks for traces.
    ///
    /// # Errors
    ///
    /// A variable that asks for what is not here.
    pub(crate) fn from_env(
        service: &'static str,
        version: &'static str,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Tracer>, String> {
        if !settings::are_wanted(&env)? {
            return Ok(None);
        }
        let resource = Resource::builder_empty()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", version))
            .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())]);
        let name = env("OTEL_SERVICE_NAME").filter(|name| !name.is_empty());
        let resource = name.into_iter().fold(resource, |resource, name| resource.with_service_name(name)).build();
        let provider =
            SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(export::exporter()?).build();
        let tracer = provider.tracer("modeldeploy-service");
        Ok(Some(Tracer { provider, tracer, propagator: TraceContextPropagator::new() }))
    }

    /// The span of a request that begins, a child of its client's where it says so.
    pub(crate) fn begin(&self, request: &Request) -> Option<Span> {
        let parent = self.propagator.extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
        let method = request.method().as_str();
        let name = match request.extensions().get::<MatchedPath>() {
            Some(route) => format!("{method} {}", route.as_str()),
            None => method.to_owned(),
        };
        let begun = SystemTime::now();
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_start_time(begun);
        let span = builder.start_with_context(&self.tracer, &parent);
        Some(Span { span, tracer: self.tracer.clone(), begun })
    }

    /// Sends what is not sent yet, and nothing more after.
    pub(crate) fn stop(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(target: crate::logs::TARGET, %error, "the last spans are lost");
        }
    }
}

impl Span {
    /// Says in an answer which span it is of.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        let context = self.span.span_context();
        let flags = context.trace_flags().to_u8();
        let value = format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id());
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(TRACEPARENT, value);
        }
    }

    /// Ends it, with what became known of the request, and makes spans of its parts.
    pub(crate) fn end(mut self, metrics: &Metrics, ended: &Ended<'_>) {
        if !self.span.is_recording() {
            return;
        }
        let ended_at = self.begun + ended.whole();
        self.describe(metrics, ended);
        if let Some(serialize) = ended.serialize() {
            let times = ended.record.times;
            let answered = ended_at - serialize;
            let taken = answered - times.infer;
            let tokenized = taken - times.queue;
            self.part("tokenize", tokenized - times.tokenize, times.tokenize);
            self.part("queue", tokenized, times.queue);
            self.part("infer", taken, times.infer);
            self.part("serialize", answered, serialize);
        }
        self.span.end_with_timestamp(ended_at);
    }

    fn describe(&mut self, metrics: &Metrics, ended: &Ended<'_>) {
        let span = &mut self.span;
        let mut set = |key: &'static str, value: opentelemetry::Value| span.set_attribute(KeyValue::new(key, value));
        set("http.request.method", ended.method.to_owned().into());
        if let Some(route) = ended.route {
            set("http.route", route.to_owned().into());
        }
        match ended.status {
            Status::Http(status) => set("http.response.status_code", i64::from(status).into()),
            Status::Grpc(code) => {
                set("rpc.system.name", "grpc".into());
                set("rpc.response.status_code", code.upper().into());
            }
        }
        let record = &ended.record;
        if let Some(card) = record.model.map(|model| metrics.card(model)) {
            set("modeldeploy.model.name", card.name.into());
            set("modeldeploy.model.version", card.version.into());
            set("modeldeploy.texts", (record.texts as i64).into());
            set("modeldeploy.tokens", (record.tokens as i64).into());
            set("modeldeploy.batch.texts", (record.batch as i64).into());
        }
        if ended.code != crate::observe::Code::OK {
            set("error.type", ended.code.name().into());
        }
        // Of a server's span, what the client did wrong is no error.
        if ended.code.is_server_error() {
            span.set_status(trace::Status::error(ended.code.name()));
        }
        if let (Status::Grpc(_), Some(route)) = (ended.status, ended.route) {
            span.update_name(route.trim_start_matches('/').to_owned());
        }
    }

    fn part(&self, name: &'static str, begun: SystemTime, took: Duration) {
        let parent = Context::new().with_remote_span_context(self.span.span_context().clone());
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Internal).with_start_time(begun);
        builder.start_with_context(&self.tracer, &parent).end_with_timestamp(begun + took);
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span").field(self.span.span_context()).finish()
    }
}

//! How spans get to a collector: OTLP in protobuf over HTTP, by a blocking client on the thread that gathers them.

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use std::pin::Pin;
use std::time::Duration;

/// An answer of a collector is read to this length.
const LONGEST: u64 = 1 << 20;

/// Sends what the exporter has written.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let response = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(LONGEST).read_to_vec()?;
        Ok(Response::from_parts(parts, Bytes::from(body)))
    }
}

impl HttpClient for Client {
    // As `async_trait` writes it.
    fn send_bytes<'client, 'answer>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'answer>>
    where
        'client: 'answer,
        Self: 'answer,
    {
        // Nobody else is on that thread: it may wait.
        Box::pin(async { self.send(request) })
    }
}

/// The exporter; endpoint, headers and time-out are those of the environment.
pub(super) fn exporter() -> Result<SpanExporter, String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(10)))
        // What a collector refuses is for the exporter to judge.
        .http_status_as_error(false)
        // A service's own collector is not behind a proxy for the web.
        .proxy(None)
        .build();
    let exporter = SpanExporter::builder().with_http().with_http_client(Client(config.into()));
    exporter.build().map_err(|error| format!("traces cannot be sent: {error}"))
}

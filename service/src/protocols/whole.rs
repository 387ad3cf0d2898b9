//! A request that is refused as a whole, before a protocol has seen it: without a token, too often, too long, too slow. By its path it
//! gets the form that its protocol's clients read.

use super::{mlflow, oip, openai, tei, tfserving, torchserve};
use crate::{Refusal, grpc};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;
use tonic::{Code, Status};

/// Whose form an error has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The service's own.
    Own,
    /// The protocol's that has the path.
    OfPath,
}

/// How a refusal of one request is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire {
    Own,
    Json(Write),
    Grpc,
}

/// A request that is refused as a whole.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) status: StatusCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    closes: bool,
}

/// A protocol's error with this status and message.
pub(crate) type Write = fn(StatusCode, &str) -> Value;

/// Paths, and whose they are, with the schema of these errors; the first that fits.
const FORMS: [(&[&str], Write, &str); 6] = [
    (&["/v2"], oip::whole, oip::openapi::ERRORS.schema),
    (&["/v1/embeddings", "/embeddings"], openai::whole, openai::openapi::ERRORS.schema),
    (&["/v1/models"], tfserving::whole, tfserving::openapi::ERRORS.schema),
    (&["/predictions", "/ping"], torchserve::whole, torchserve::openapi::ERRORS.schema),
    (&["/invocations", "/version"], mlflow::whole, mlflow::openapi::ERRORS.schema),
    (
        &["/embed", "/embed_all", "/rerank", "/predict", "/similarity", "/tokenize", "/decode", "/info", "/health"],
        tei::whole,
        tei::openapi::ERRORS.schema,
    ),
];

/// The name of the schema of what refuses requests with this path as a whole.
pub(crate) fn schema_of(path: &str) -> &'static str {
    form_of(path).map_or("Error", |(_, _, schema)| schema)
}

fn form_of(path: &str) -> Option<&'static (&'static [&'static str], Write, &'static str)> {
    FORMS.iter().find(|(paths, ..)| paths.iter().any(|own| is_under(path, own)))
}

impl Whose {
    /// How a request with this path and these headers would be refused.
    pub(crate) fn of(self, path: &str, headers: &HeaderMap) -> Wire {
        let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        if kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
            return Wire::Grpc;
        }
        match self {
            Whose::Own => Wire::Own,
            Whose::OfPath => form_of(path).map_or(Wire::Own, |(_, write, _)| Wire::Json(*write)),
        }
    }
}

impl Whole {
    pub(crate) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Whole {
        Whole { status, message: message.into(), retry_after: None, closes: false }
    }

    /// One after which the connection is closed: what else comes on it is not read.
    pub(crate) fn closing(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Whole {
        Whole { closes: true, ..Whole::new(status, message) }
    }

    pub(crate) fn unauthorized(message: &'static str) -> Whole {
        Whole::new(StatusCode::UNAUTHORIZED, message)
    }

    /// It may be tried again after this time.
    pub(crate) fn too_often(message: String, wait: Duration) -> Whole {
        Whole { retry_after: Some(wait), ..Whole::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// One that is not read to its end for the others that are; it may be tried again after this time.
    pub(crate) fn full(message: String, wait: Duration) -> Whole {
        Whole { closes: true, ..Whole::too_often(message, wait) }
    }

    /// The answer.
    pub(crate) fn answer(self, wire: Wire) -> Response {
        let mut response = match wire {
            Wire::Grpc => return self.into_grpc(),
            Wire::Json(write) => (self.status, Json(write(self.status, &self.message))).into_response(),
            Wire::Own => Refusal::new(self.status, &*self.message).into_response(),
        };
        let answered = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            answered.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            answered.insert(header::RETRY_AFTER, HeaderValue::from((wait.as_secs_f64().ceil() as u64).max(1)));
        }
        if self.closes {
            answered.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Trailers alone, in the place of headers (gRPC over HTTP/2, "Responses").
    fn into_grpc(self) -> Response {
        let code = match self.status {
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Code::ResourceExhausted,
            StatusCode::REQUEST_TIMEOUT => Code::DeadlineExceeded,
            StatusCode::METHOD_NOT_ALLOWED => Code::Unimplemented,
            status if status.is_server_error() => Code::Internal,
            _ => Code::Unknown,
        };
        let status = match self.retry_after {
            Some(wait) => grpc::overloaded(self.message.into_owned(), wait),
            None => Status::new(code, self.message),
        };
        status.into_http()
    }
}

/// Whether a path is `own`, or below it.
fn is_under(path: &str, own: &str) -> bool {
    path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_a_protocols_is_that_protocols() {
        for (path, own, is) in [
            ("/v2", "/v2", true),
            ("/v2/models/a/infer", "/v2", true),
            ("/v2x", "/v2", false),
            ("/embed_all", "/embed", false),
            ("/v1/models/a:predict", "/v1/models", true),
        ] {
            assert_eq!(is_under(path, own), is, "{path} {own}");
        }
    }
}

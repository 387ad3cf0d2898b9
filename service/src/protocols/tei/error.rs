//! Errors of the protocol: `{"error", "error_type"}`.

use super::BACKEND;
use crate::inference::Fault;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request that is refused as a whole.
pub(in crate::protocols) fn whole(status: StatusCode, message: &str) -> Value {
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => Kind::Overloaded,
        status if status.is_server_error() => Kind::Backend,
        _ => Kind::Validation,
    };
    json!({ "error": message, "error_type": kind.name() })
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) message: String,
    pub(super) kind: Kind,
    retry_after: Option<HeaderValue>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unhealthy,
    Backend,
    Overloaded,
    Validation,
    Empty,
}

impl Kind {
    fn status(self) -> StatusCode {
        match self {
            Kind::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Backend => BACKEND,
            Kind::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Kind::Validation => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Empty => StatusCode::BAD_REQUEST,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Unhealthy => "Unhealthy",
            Kind::Backend => "Backend",
            Kind::Overloaded => "Overloaded",
            Kind::Validation => "Validation",
            Kind::Empty => "Empty",
        }
    }
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { message: message.into(), kind, retry_after: None }
    }

    pub(super) fn unhealthy(message: &str) -> Error {
        Error::new(Kind::Unhealthy, message)
    }

    pub(super) fn backend(message: impl Into<String>) -> Error {
        Error::new(Kind::Backend, message)
    }

    pub(super) fn validation(message: impl Into<String>) -> Error {
        Error::new(Kind::Validation, message)
    }

    pub(super) fn empty(field: &str) -> Error {
        Error::new(Kind::Empty, format!("`{field}` cannot be empty"))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let kind = match fault {
            Fault::Input { .. } | Fault::Unknown(_) | Fault::Absent(_) => Kind::Validation,
            Fault::Stopping => Kind::Unhealthy,
            Fault::Overloaded { .. } | Fault::Late => Kind::Overloaded,
            Fault::Unsupported(_) | Fault::Internal(_) => Kind::Backend,
        };
        let message = match &fault {
            Fault::Input { text: Some(at), message } => format!("`inputs[{at}]`: {message}"),
            other => other.to_string(),
        };
        Error { retry_after: fault.retry_after(), ..Error::new(kind, message) }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.message, "error_type": self.kind.name() }));
        let mut response = (self.kind.status(), body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

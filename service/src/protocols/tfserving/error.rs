//! Errors of the protocol: `{"error": "…"}`.

use crate::inference::Fault;
use crate::models::Unknown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request that is refused as a whole.
pub(in crate::protocols) fn whole(_: StatusCode, message: &str) -> Value {
    json!({ "error": message })
}

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct Error {
    status: StatusCode,
    message: String,
    retry_after: Option<HeaderValue>,
}

impl Error {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Error {
        Error { status, message: message.into(), retry_after: None }
    }

    /// INVALID_ARGUMENT.
    pub(super) fn invalid(message: impl Into<String>) -> Error {
        Error::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let message = match &fault {
            Fault::Input { text: Some(at), message } => format!("input `text`: element {at}: {message}"),
            other => other.to_string(),
        };
        Error { status: fault.status(), message, retry_after: fault.retry_after() }
    }
}

impl From<Unknown> for Error {
    fn from(unknown: Unknown) -> Error {
        Fault::from(unknown).into()
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Error {
        Error::invalid(rejection.body_text())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.message }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

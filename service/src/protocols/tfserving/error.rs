//! Errors of the protocol: `{"error": "…"}`.

use crate::inference::Fault;
use crate::models::Unknown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that is an error.
#[derive(Debug)]
pub(in crate::protocols) struct Error {
    status: StatusCode,
    message: String,
    retry_after: Option<HeaderValue>,
    /// The methods that the path answers, where it was asked by another.
    allow: Option<HeaderValue>,
}

impl Error {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Error {
        Error { status, message: message.into(), retry_after: None, allow: None }
    }

    /// A path with a verb is posted to, and one without is read.
    pub(in crate::protocols) fn not_allowed(allow: &'static str) -> Error {
        let message = "a model's path is posted to where it ends in `:predict`, `:classify` or `:regress`, and read where it does not";
        let allow = Some(HeaderValue::from_static(allow));
        Error { allow, ..Error::new(StatusCode::METHOD_NOT_ALLOWED, message) }
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
        Error { retry_after: fault.retry_after(), ..Error::new(fault.status(), message) }
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
        if let Some(methods) = self.allow {
            response.headers_mut().insert(header::ALLOW, methods);
        }
        response
    }
}

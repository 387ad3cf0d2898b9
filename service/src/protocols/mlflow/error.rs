//! Errors of the protocol: `{"error_code", "message"}`.

use crate::inference::Fault;
use crate::models::Unknown;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct Error {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<HeaderValue>,
}

impl Error {
    pub(super) fn invalid(message: impl Into<String>) -> Error {
        Fault::input(None, message).into()
    }
}

impl From<Unknown> for Error {
    fn from(unknown: Unknown) -> Error {
        Fault::from(unknown).into()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let code = match &fault {
            Fault::Input { .. } => "BAD_REQUEST",
            Fault::Unknown(_) => "RESOURCE_DOES_NOT_EXIST",
            Fault::Overloaded { .. } => "REQUEST_LIMIT_EXCEEDED",
            Fault::Late => "TEMPORARILY_UNAVAILABLE",
            Fault::Internal(_) => "INTERNAL_ERROR",
        };
        Error { status: fault.status(), code, message: fault.to_string(), retry_after: fault.retry_after() }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error_code": self.code, "message": self.message }));
        let mut response = (self.status, body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

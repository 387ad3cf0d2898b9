//! Errors of the protocol: `{"code", "type", "message"}`.

use crate::inference::Fault;
use crate::models::Unknown;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request that is refused as a whole.
pub(in crate::protocols) fn whole(status: StatusCode, message: &str) -> Value {
    let kind = match status {
        StatusCode::UNAUTHORIZED => "InvalidTokenException",
        StatusCode::TOO_MANY_REQUESTS => "ServiceUnavailableException",
        status if status.is_server_error() => "InternalServerException",
        _ => "BadRequestException",
    };
    json!({ "code": status.as_u16(), "type": kind, "message": message })
}

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct Error {
    status: StatusCode,
    kind: &'static str,
    message: String,
    retry_after: Option<HeaderValue>,
}

impl Error {
    pub(super) fn invalid(message: impl Into<String>) -> Error {
        Fault::input(None, message).into()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let kind = match &fault {
            Fault::Input { .. } => "BadRequestException",
            Fault::Unknown(Unknown { version: None, .. }) => "ModelNotFoundException",
            Fault::Unknown(_) => "ModelVersionNotFoundException",
            Fault::Overloaded { .. } | Fault::Late => "ServiceUnavailableException",
            Fault::Internal(_) => "InternalServerException",
        };
        let retry_after = fault.retry_after();
        Error { status: fault.status(), kind, message: fault.to_string(), retry_after }
    }
}

impl From<Unknown> for Error {
    fn from(unknown: Unknown) -> Error {
        Fault::from(unknown).into()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = json!({ "code": self.status.as_u16(), "type": self.kind, "message": self.message });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

//! Errors of the protocol: `{"error_code", "message"}`.

use crate::inference::Fault;
use crate::protocols::error;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A request that is refused as a whole.
pub(in crate::protocols) fn whole(status: StatusCode, message: &str) -> Value {
    let code = match status {
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::TOO_MANY_REQUESTS => "REQUEST_LIMIT_EXCEEDED",
        status if status.is_server_error() => "INTERNAL_ERROR",
        _ => "BAD_REQUEST",
    };
    json!({ "error_code": code, "message": message })
}

/// The protocol's form.
#[derive(Debug)]
pub(super) struct Form;

/// An answer that is an error.
pub(super) type Error = error::Error<Form>;

impl error::Form for Form {
    fn body(fault: &Fault, _: StatusCode, message: &str) -> Value {
        let code = match fault {
            Fault::Input { .. } => "BAD_REQUEST",
            Fault::Unknown(_) | Fault::Absent(_) => "RESOURCE_DOES_NOT_EXIST",
            Fault::Unsupported(_) => "NOT_IMPLEMENTED",
            Fault::Overloaded { .. } => "REQUEST_LIMIT_EXCEEDED",
            Fault::Late | Fault::Stopping => "TEMPORARILY_UNAVAILABLE",
            Fault::Internal(_) => "INTERNAL_ERROR",
        };
        json!({ "error_code": code, "message": message })
    }
}

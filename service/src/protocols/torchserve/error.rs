//! Errors of the protocol: `{"code", "type", "message"}`.

use crate::inference::Fault;
use crate::models::Unknown;
use crate::protocols::error;
use axum::http::StatusCode;
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

/// The protocol's form.
#[derive(Debug)]
pub(super) struct Form;

/// An answer that is an error.
pub(super) type Error = error::Error<Form>;

impl error::Form for Form {
    fn body(fault: &Fault, status: StatusCode, message: &str) -> Value {
        let kind = match fault {
            Fault::Input { .. } | Fault::Unsupported(_) => "BadRequestException",
            Fault::Unknown(Unknown { version: None, .. }) => "ModelNotFoundException",
            Fault::Unknown(_) => "ModelVersionNotFoundException",
            Fault::Absent(_) => "ResourceNotFoundException",
            Fault::Overloaded { .. } | Fault::Late | Fault::Stopping => "ServiceUnavailableException",
            Fault::Internal(_) => "InternalServerException",
        };
        json!({ "code": status.as_u16(), "type": kind, "message": message })
    }
}

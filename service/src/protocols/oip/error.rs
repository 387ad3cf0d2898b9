//! Errors of the protocol: `{"error": "…"}`.

use crate::inference::{Code, Fault};
use crate::protocols::error;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A request that is refused as a whole.
pub(in crate::protocols) fn whole(_: StatusCode, message: &str) -> Value {
    json!({ "error": message })
}

/// The protocol's form.
#[derive(Debug)]
pub(in crate::protocols) struct Form;

/// An answer that is an error.
pub(super) type Error = error::Error<Form>;

impl error::Form for Form {
    fn status(code: Code) -> StatusCode {
        match code {
            // What its specification has no word for, and is not of the request's making.
            Code::ResourceExhausted | Code::DeadlineExceeded => error::status(code),
            _ => match error::status(code) {
                status if status.is_client_error() && status != StatusCode::NOT_FOUND => StatusCode::BAD_REQUEST,
                status => status,
            },
        }
    }

    fn message(fault: &Fault) -> String {
        match fault {
            Fault::Input { text: Some(at), message } => format!("input `text`: element {at}: {message}"),
            other => other.to_string(),
        }
    }
}

//! What a server says when it refuses, and which objects labels select.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A `Status` of failure.
#[derive(Debug)]
pub(super) struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(code: u16, reason: &'static str, message: &str) -> Refusal {
        Refusal { code, reason, message: message.to_owned() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal { code, reason, message } = self;
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        (StatusCode::from_u16(code).expect("a status"), axum::Json(status)).into_response()
    }
}

/// Whether an object has all labels of `a=b,c=d`.
pub(super) fn has_labels(object: &Value, selector: &str) -> bool {
    selector.split(',').filter(|part| !part.is_empty()).all(|part| {
        let (key, value) = part.split_once('=').expect("equality alone is asked for here");
        object["metadata"]["labels"].get(key).and_then(Value::as_str) == Some(value)
    })
}

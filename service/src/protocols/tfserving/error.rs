//! Errors of the protocol: `{"error": "…"}`.

use crate::inference::Fault;
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
pub(in crate::protocols) type Error = error::Error<Form>;

impl Error {
    /// A path with a verb is posted to, and one without is read.
    pub(in crate::protocols) fn not_allowed(allow: &'static str) -> Error {
        let message = "a model's path is posted to where it ends in `:predict`, `:classify` or `:regress`, and read where it does not";
        Error::of_method(allow, message)
    }
}

impl error::Form for Form {
    fn message(fault: &Fault) -> String {
        match fault {
            Fault::Input { text: Some(at), message } => format!("input `text`: element {at}: {message}"),
            other => other.to_string(),
        }
    }
}

//! Errors of the protocol: `{"error": "…"}`.

use crate::inference::Fault;
use crate::protocols::error;

/// The protocol's form.
#[derive(Debug)]
pub(in crate::protocols) struct Form;

/// An answer that is an error.
pub(super) type Error = error::Error<Form>;

impl error::Form for Form {
    fn message(fault: &Fault) -> String {
        match fault {
            Fault::Input { text: Some(at), message } => format!("input `text`: element {at}: {message}"),
            other => other.to_string(),
        }
    }
}

//! Errors of the protocol: `{"error": {"message", "type", "param", "code"}}`.

use crate::inference::Fault;
use crate::models::Unknown;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request that is refused as a whole.
pub(in crate::protocols) fn whole(status: StatusCode, message: &str) -> Value {
    let code = match status {
        StatusCode::UNAUTHORIZED => Some("invalid_api_key"),
        StatusCode::TOO_MANY_REQUESTS => Some("rate_limit_exceeded"),
        _ => None,
    };
    json!({ "error": { "message": format!("{message}."), "type": kind(status), "param": null, "code": code } })
}

/// The type of an error.
fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "requests",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::protocols) struct Error {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The field that is wrong.
    pub(super) param: Option<String>,
    pub(super) code: Option<&'static str>,
    retry_after: Option<HeaderValue>,
}

impl Error {
    /// A request that is wrong in this field.
    pub(super) fn invalid(param: Option<&str>, message: impl Into<String>) -> Error {
        let param = param.map(str::to_owned);
        Error { status: StatusCode::BAD_REQUEST, message: message.into(), param, code: None, retry_after: None }
    }

    /// There is no such model; in OpenAI's words, which clients look for.
    pub(in crate::protocols) fn no_model(name: &str) -> Error {
        Error {
            status: StatusCode::NOT_FOUND,
            code: Some("model_not_found"),
            ..Error::invalid(None, format!("The model `{name}` does not exist or you do not have access to it."))
        }
    }

    /// There is no such model, or no such version of it.
    pub(super) fn unknown(unknown: &Unknown) -> Error {
        match unknown.version {
            None => Error::no_model(&unknown.name),
            Some(_) => Error { message: format!("{unknown}."), ..Error::no_model(&unknown.name) },
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let (status, retry_after) = (fault.status(), fault.retry_after());
        let code = match fault {
            Fault::Overloaded { .. } => Some("rate_limit_exceeded"),
            Fault::Late => Some("timeout"),
            _ => None,
        };
        let (param, message) = match fault {
            Fault::Input { text: Some(at), message } => (Some("input"), format!("Invalid `input[{at}]`: {message}.")),
            other => (None, format!("{other}.")),
        };
        Error { status, code, retry_after, ..Error::invalid(param, message) }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let error =
            json!({ "message": self.message, "type": kind(self.status), "param": self.param, "code": self.code });
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

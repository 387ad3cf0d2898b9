//! Answers that are errors: what went wrong has one canonical code, and each protocol says what that is in its own form.

pub(super) use crate::inference::status;
use crate::inference::{Code, Fault};
use crate::models::Unknown;
use crate::observe;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::marker::PhantomData;

/// How a protocol says what went wrong.
pub(super) trait Form {
    /// The status of HTTP for a code. Its own where its contract differs from [`status`].
    fn status(code: Code) -> StatusCode {
        status(code)
    }

    /// The message, with the place of a text that is wrong.
    fn message(fault: &Fault) -> String {
        fault.to_string()
    }

    /// The body of the answer.
    fn body(_: &Fault, _: StatusCode, message: &str) -> Value {
        json!({ "error": message })
    }
}

/// An answer that is an error, in a protocol's form.
#[derive(Debug)]
pub(super) struct Error<F> {
    fault: Fault,
    /// The methods that the path answers, where it was asked by another.
    allow: Option<&'static str>,
    form: PhantomData<fn() -> F>,
}

impl<F> Error<F> {
    /// The code that says it.
    pub(super) fn code(&self) -> observe::Code {
        self.fault.code().into()
    }

    pub(super) fn invalid(message: impl Into<String>) -> Error<F> {
        Fault::input(None, message).into()
    }

    pub(super) fn absent(message: impl Into<String>) -> Error<F> {
        Fault::Absent(message.into()).into()
    }

    /// The path answers these methods alone.
    pub(super) fn of_method(allow: &'static str, message: impl Into<String>) -> Error<F> {
        Error { allow: Some(allow), ..Error::invalid(message) }
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Error<F> {
        Fault::Unsupported(message.into()).into()
    }
}

impl<F> From<Fault> for Error<F> {
    fn from(fault: Fault) -> Error<F> {
        Error { fault, allow: None, form: PhantomData }
    }
}

impl<F> From<Unknown> for Error<F> {
    fn from(unknown: Unknown) -> Error<F> {
        Fault::from(unknown).into()
    }
}

impl<F> From<PathRejection> for Error<F> {
    fn from(rejection: PathRejection) -> Error<F> {
        Error::invalid(rejection.body_text())
    }
}

impl<F: Form> IntoResponse for Error<F> {
    fn into_response(self) -> Response {
        let status = self.allow.map_or_else(|| F::status(self.fault.code()), |_| StatusCode::METHOD_NOT_ALLOWED);
        let body = F::body(&self.fault, status, &F::message(&self.fault));
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = self.fault.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if let Some(methods) = self.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        response
    }
}

/// In gRPC, too, it has the protocol's own message.
impl<F: Form> From<Error<F>> for tonic::Status {
    fn from(error: Error<F>) -> tonic::Status {
        crate::grpc::status(&error.fault, F::message(&error.fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::{oip, tfserving};

    /// The statuses of codes 0 to 16: TensorFlow Serving's (`api_rest.md`) and the Open Inference Protocol's, which has four of its own
    /// and 400 for the rest. A request that is refused for now or late is 429 and 504 in all, so that clients know to try again.
    #[test]
    fn each_contract_has_its_statuses() {
        let serving = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
        let inference = [200, 400, 500, 400, 504, 404, 400, 400, 429, 400, 400, 400, 501, 500, 503, 500, 400];
        for (number, (serving, inference)) in (0..).zip(serving.into_iter().zip(inference)) {
            let code = Code::from_i32(number);
            assert_eq!(tfserving::Form::status(code), serving, "{code:?}");
            assert_eq!(oip::Form::status(code), inference, "{code:?}");
        }
    }
}

//! Answers that are errors: what went wrong has one canonical code, and each protocol says what that is in its own form.

use crate::inference::{Code, Fault};
use crate::models::Unknown;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::http::{StatusCode, header};
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
    form: PhantomData<fn() -> F>,
}

impl<F> Error<F> {
    pub(super) fn invalid(message: impl Into<String>) -> Error<F> {
        Fault::input(None, message).into()
    }

    pub(super) fn absent(message: impl Into<String>) -> Error<F> {
        Fault::Absent(message.into()).into()
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Error<F> {
        Fault::Unsupported(message.into()).into()
    }
}

impl<F> From<Fault> for Error<F> {
    fn from(fault: Fault) -> Error<F> {
        Error { fault, form: PhantomData }
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
        let status = F::status(self.fault.code());
        let body = F::body(&self.fault, status, &F::message(&self.fault));
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = self.fault.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
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

/// The status of HTTP for a code, as TensorFlow Serving and Google's own services map them.
pub(super) fn status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        // A client that closed its request, as nginx has it.
        Code::Cancelled => StatusCode::from_u16(499).expect("three digits"),
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
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

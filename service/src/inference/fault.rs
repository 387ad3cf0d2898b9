//! Why a model does not answer, before a protocol gives it its own form.

use crate::batch::Failure;
use crate::models::Unknown;
use crate::observe::Code;
use axum::http::{HeaderValue, StatusCode};
use std::fmt;
use std::time::Duration;

/// Why a model does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request is wrong: which of its texts, and how.
    Input { text: Option<usize>, message: String },
    /// There is no such model.
    Unknown(Unknown),
    /// Too much is waiting; it may be tried again after this time.
    Overloaded { after: Duration },
    /// The request's time is over.
    Late,
    /// The service's own fault.
    Internal(String),
}

impl Fault {
    pub(crate) fn input(text: Option<usize>, message: impl Into<String>) -> Fault {
        Fault::Input { text, message: message.into() }
    }

    /// The status of HTTP that says it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Fault::Input { .. } => StatusCode::BAD_REQUEST,
            Fault::Unknown(_) => StatusCode::NOT_FOUND,
            Fault::Overloaded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Fault::Late => StatusCode::GATEWAY_TIMEOUT,
            Fault::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The canonical code that says it.
    pub(crate) fn code(&self) -> Code {
        match self {
            Fault::Input { .. } => Code::INVALID_ARGUMENT,
            Fault::Unknown(_) => Code::NOT_FOUND,
            Fault::Overloaded { .. } => Code::RESOURCE_EXHAUSTED,
            Fault::Late => Code::DEADLINE_EXCEEDED,
            Fault::Internal(_) => Code::INTERNAL,
        }
    }

    /// The header `Retry-After`, in whole seconds, where trying again helps.
    pub(crate) fn retry_after(&self) -> Option<HeaderValue> {
        let Fault::Overloaded { after } = self else { return None };
        Some(HeaderValue::from((after.as_secs_f64().ceil() as u64).max(1)))
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        match failure {
            Failure::Overloaded { after } => Fault::Overloaded { after },
            Failure::Late => Fault::Late,
            Failure::Model(_) | Failure::Panicked => Fault::Internal(failure.to_string()),
        }
    }
}

impl From<Unknown> for Fault {
    fn from(unknown: Unknown) -> Fault {
        Fault::Unknown(unknown)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Input { text: Some(text), message } => write!(f, "text {text}: {message}"),
            Fault::Input { text: None, message } | Fault::Internal(message) => f.write_str(message),
            Fault::Unknown(unknown) => unknown.fmt(f),
            Fault::Overloaded { .. } => f.write_str("too much is waiting for this request to be answered in its time"),
            Fault::Late => f.write_str("the request's time is over"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_overload_says_when_to_try_again_and_in_whole_seconds() {
        for (millis, seconds) in [(0, "1"), (1000, "1"), (1001, "2"), (59_999, "60")] {
            let after = Fault::Overloaded { after: Duration::from_millis(millis) }.retry_after();
            assert_eq!(after.expect("a header"), seconds, "{millis}");
        }
        assert_eq!(Fault::Late.retry_after(), None);
    }
}

//! Why a model does not answer, before a protocol gives it its own form.

use super::code::{self, Code};
use crate::batch::Failure;
use crate::models::Unknown;
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
    /// There is nothing else of that name.
    Absent(String),
    /// The protocol has it, and no model here does.
    Unsupported(String),
    /// The service is about to end.
    Stopping,
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

    /// The code that says it.
    pub(crate) fn code(&self) -> Code {
        match self {
            Fault::Input { .. } => Code::InvalidArgument,
            Fault::Unknown(_) | Fault::Absent(_) => Code::NotFound,
            Fault::Unsupported(_) => Code::Unimplemented,
            Fault::Stopping => Code::Unavailable,
            Fault::Overloaded { .. } => Code::ResourceExhausted,
            Fault::Late => Code::DeadlineExceeded,
            Fault::Internal(_) => Code::Internal,
        }
    }

    /// The status of HTTP that says it, where no protocol has one of its own.
    pub(crate) fn status(&self) -> StatusCode {
        code::status(self.code())
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
            Fault::Input { text: None, message }
            | Fault::Absent(message)
            | Fault::Unsupported(message)
            | Fault::Internal(message) => f.write_str(message),
            Fault::Unknown(unknown) => unknown.fmt(f),
            Fault::Stopping => f.write_str("the service is stopping"),
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

//! From what went wrong to a status, with the time after which it may be tried again.

use crate::inference::Fault;
use std::time::Duration;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How a server tells a client's library when to try again (gRPC's proposal A6, "Pushback").
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The status of a fault, in a protocol's words.
pub(crate) fn status(fault: &Fault, message: String) -> Status {
    match fault {
        Fault::Overloaded { after } => overloaded(message, *after),
        fault => Status::new(fault.code(), message),
    }
}

/// RESOURCE_EXHAUSTED, with the time for libraries that try again by themselves, and as `google.rpc.RetryInfo` for callers.
pub(crate) fn overloaded(message: String, after: Duration) -> Status {
    let mut metadata = MetadataMap::new();
    let millis = u64::try_from(after.as_micros().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
    metadata.insert(PUSHBACK, MetadataValue::from(millis));
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(millis)));
    Status::with_error_details_and_metadata(Code::ResourceExhausted, message, details, metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_overload_says_when_to_try_again() {
        for (micros, millis) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (5_000_000, 5000)] {
            let fault = Fault::Overloaded { after: Duration::from_micros(micros) };
            let status = status(&fault, fault.to_string());
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert_eq!(status.metadata().get(PUSHBACK).expect("a time").to_str().expect("ASCII"), millis.to_string());
            let retry = status.get_details_retry_info().expect("a time").retry_delay;
            assert_eq!(retry, Some(Duration::from_millis(millis)));
        }
        let late = status(&Fault::Late, Fault::Late.to_string());
        assert_eq!((late.code(), late.message()), (Code::DeadlineExceeded, "the request's time is over"));
        assert!(late.details().is_empty() && late.metadata().is_empty());
    }
}

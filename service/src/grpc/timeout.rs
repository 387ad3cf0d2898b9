//! The header `grpc-timeout`: how long a client waits, as gRPC over HTTP/2 specifies it: at most eight digits, and a unit.

use axum::http::HeaderMap;
use std::time::Duration;
use tonic::Status;

const TIMEOUT: &str = "grpc-timeout";

/// How long a request's client waits, where it says so.
///
/// # Errors
///
/// If the header is no such time.
pub(crate) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get(TIMEOUT) else { return Ok(None) };
    parse(value.as_bytes()).map(Some).ok_or_else(|| {
        let message =
            format!("the header `{TIMEOUT}` is {value:?}, which is not at most 8 digits and one of H, M, S, m, u, n");
        Status::invalid_argument(message)
    })
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| 10 * number + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(3600 * number),
        b'M' => Duration::from_secs(60 * number),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_nothing_else() {
        for (value, nanos) in [
            ("1n", Some(1)),
            ("20u", Some(20_000)),
            ("300m", Some(300_000_000)),
            ("0S", Some(0)),
            ("2M", Some(120_000_000_000)),
            ("99999999H", Some(359_999_996_400_000_000_000)),
            ("", None),
            ("S", None),
            ("1", None),
            ("1s", None),
            ("-1S", None),
            ("+1S", None),
            ("1.5S", None),
            ("1 S", None),
            ("123456789n", None),
        ] {
            assert_eq!(parse(value.as_bytes()).map(|time| time.as_nanos()), nanos, "{value:?}");
        }
    }
}

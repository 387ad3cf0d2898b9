//! Values of options: from a text, or what is expected instead; and back, as a file has them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use toml::Value;

/// What bytes are counted in, largest first.
const UNITS: [(&str, usize); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// hyper reads heads in a buffer that is no smaller.
const LEAST_HEAD_BYTES: usize = 8 << 10;

/// Puts what was read in its place, or hands on what was expected.
pub(crate) fn put<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

/// An address and a port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let numbers = text.replacen("localhost:", "127.0.0.1:", 1);
    numbers.parse().map_err(|_| "expected an address and a port, such as 127.0.0.1:8080".to_owned())
}

/// A whole number of at least 1.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a whole number of at least 1".to_owned())
}

/// A number of bytes of at least 1.
pub(crate) fn bytes(text: &str) -> Result<usize, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim_start() {
        "" => Some(1),
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
    };
    let number = digits.parse::<usize>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| "expected a number of bytes, such as 65536, 64KiB or 1MiB".to_owned())
}

/// Bytes of a request's head.
pub(crate) fn head_bytes(text: &str) -> Result<usize, String> {
    let number = bytes(text)?;
    if number < LEAST_HEAD_BYTES { Err("expected 8KiB or more".to_owned()) } else { Ok(number) }
}

/// A time that is not zero.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match pause(text)? {
        Duration::ZERO => Err("expected a time that is longer than none".to_owned()),
        time => Ok(time),
    }
}

/// A time, zero too.
pub(crate) fn pause(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a time with its unit, such as 30s, 500ms or 10m".to_owned())
}

/// What one of these names stands for.
pub(crate) fn one_of<T, const N: usize>(text: &str, all: [(&str, T); N]) -> Result<T, String> {
    let names = all.each_ref().map(|(name, _)| *name).join(", ");
    let named = all.into_iter().find(|(name, _)| *name == text);
    named.map(|(_, value)| value).ok_or_else(|| format!("expected one of {names}"))
}

/// A switch, where it is not named on the command line.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    one_of(text, [("true", true), ("false", false), ("1", true), ("0", false)])
}

pub(crate) fn show_path(path: Option<&Path>) -> Option<Value> {
    // It came as a text.
    path.map(|path| Value::String(path.to_string_lossy().into_owned()))
}

pub(crate) fn show_count(number: usize) -> Option<Value> {
    // What is past TOML's integers is past all that a limit could hold.
    Some(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// In the largest unit of which it is a whole number.
pub(crate) fn show_bytes(number: usize) -> Option<Value> {
    let (unit, factor) = UNITS.into_iter().find(|(_, factor)| number.is_multiple_of(*factor))?;
    Some(Value::String(format!("{}{unit}", number / factor)))
}

pub(crate) fn show_duration(time: Duration) -> Option<Value> {
    Some(Value::String(humantime::format_duration(time).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_times_are_read_with_their_units_and_written_so() {
        for (text, number, shown) in
            [("1", 1, "1B"), ("1048576", 1 << 20, "1MiB"), ("64KiB", 65536, "64KiB"), ("3 GiB", 3 << 30, "3GiB")]
        {
            assert_eq!(bytes(text), Ok(number), "{text}");
            assert_eq!(show_bytes(number), Some(Value::String(shown.to_owned())), "{text}");
        }
        for wrong in ["", "0", "-1", "1.5MiB", "1MB", "MiB", "99999999999999999999", "18446744073709551615KiB"] {
            assert!(bytes(wrong).expect_err(wrong).contains("64KiB"), "{wrong}");
        }
        for (text, millis) in [("30s", 30_000), ("500ms", 500), ("10m", 600_000), ("1h 30m", 5_400_000)] {
            let time = Duration::from_millis(millis);
            assert_eq!(duration(text), Ok(time), "{text}");
            let shown = show_duration(time).and_then(|value| value.as_str().map(str::to_owned)).expect("a text");
            assert_eq!(duration(&shown), Ok(time), "{shown}");
        }
        for wrong in ["30", "", "s", "-1s", "30 parsecs"] {
            assert!(duration(wrong).expect_err(wrong).contains("with its unit"), "{wrong}");
        }
        assert!(duration("0s").is_err() && pause("0s") == Ok(Duration::ZERO));
    }
}

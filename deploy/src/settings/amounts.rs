//! Bytes and times, as the service's own options have them.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// What bytes are counted in, largest first.
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A number of bytes, `512MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// A time, `30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

impl Bytes {
    /// Reads them, with a unit or without.
    pub fn parse(text: &str) -> Option<Bytes> {
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        let unit = if unit.is_empty() { "B" } else { unit };
        let factor = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        digits.parse::<u64>().ok()?.checked_mul(factor).filter(|bytes| *bytes > 0).map(Bytes)
    }
}

impl Time {
    /// Reads it.
    pub fn parse(text: &str) -> Option<Time> {
        humantime::parse_duration(text).ok().map(Time)
    }

    /// Whole seconds, none of it left out.
    pub fn seconds(self) -> u64 {
        self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)
    }

    /// As the service reads it.
    pub fn text(self) -> String {
        humantime::format_duration(self.0).to_string()
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        Bytes::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no number of bytes, such as \"512MiB\"")))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        let text = String::deserialize(from)?;
        Time::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no time with its unit, such as \"30s\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_the_service_reads_them() {
        for (text, bytes) in [("1", 1), ("64KiB", 1 << 16), ("512MiB", 512 << 20), ("3GiB", 3 << 30)] {
            assert_eq!(Bytes::parse(text), Some(Bytes(bytes)), "{text}");
        }
        for wrong in ["", "0", "MiB", "1.5MiB", "1MB", "-1", "99999999999999999999", "99999999999GiB", "1 MiB"] {
            assert_eq!(Bytes::parse(wrong), None, "{wrong}");
        }
        for (text, seconds) in [("30s", 30), ("500ms", 1), ("2m", 120), ("0s", 0)] {
            let time = Time::parse(text).expect(text);
            assert_eq!(time.seconds(), seconds, "{text}");
            assert_eq!(Time::parse(&time.text()), Some(time), "{text}");
        }
        assert_eq!((Time::parse("30"), Time::parse("soon")), (None, None));
    }
}

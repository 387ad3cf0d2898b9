//! A day of the Gregorian calendar, in UTC.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(i64);

impl Date {
    /// The day of the system's clock.
    pub fn today() -> Date {
        Date::of(SystemTime::now())
    }

    /// The day of a time; of one before 1970, its first.
    pub fn of(time: SystemTime) -> Date {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Date(i64::try_from(seconds / 86_400).unwrap_or(i64::MAX))
    }

    /// How many days this is after `other`; negative where it is before.
    pub fn days_since(self, other: Date) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

/// A time as [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339) has it, to the second.
pub fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{}T{hours:02}:{minutes:02}:{:02}Z", Date::of(time), seconds % 60)
}

/// Days before the year, counted from 0000-03-01, when leap days come last.
fn days_before(year: i64) -> i64 {
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)
}

/// From 0000-03-01 to 1970-01-01.
const TO_1970: i64 = 719_468;

/// Days from the first of March to the first of a month, which are counted from March.
fn days_to(month: i64) -> i64 {
    (153 * month + 2) / 5
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Date, String> {
        let wrong = || format!("`{}` is no date as 2026-05-31", text.escape_debug());
        let numbers = text.split('-').collect::<Vec<_>>();
        let [year, month, day] = numbers[..] else { return Err(wrong()) };
        if [year.len(), month.len(), day.len()] != [4, 2, 2] || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(wrong());
        }
        let [year, month, day] = [year, month, day].map(|number| number.parse::<i64>().expect("digits alone"));
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(wrong());
        }
        let from_march = (month + 9) % 12;
        let date = Date(days_before(year - i64::from(month < 3)) + days_to(from_march) + day - 1 - TO_1970);
        // A day that its month does not have comes back as one of the next.
        if date.to_string() == text { Ok(date) } else { Err(wrong()) }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 + TO_1970;
        let mut year = (days * 400).div_euclid(146_097) + 1;
        while days_before(year) > days {
            year -= 1;
        }
        let of_year = days - days_before(year);
        let from_march = (5 * of_year + 2) / 153;
        let month = (from_march + 2) % 12 + 1;
        write!(f, "{:04}-{month:02}-{:02}", year + i64::from(month < 3), of_year - days_to(from_march) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_are_counted_as_unix_counts_them() {
        // `date -u -d @SECONDS +%F` says these.
        for (seconds, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_709_251_199, "2024-02-29"),
            (1_767_225_599, "2025-12-31"),
            (1_767_225_600, "2026-01-01"),
            (4_107_542_400, "2100-03-01"),
            (253_402_300_799, "9999-12-31"),
        ] {
            let date = Date::of(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!((date.to_string().as_str(), text.parse()), (text, Ok(date)));
        }
        assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(1_709_251_199)), "2024-02-29T23:59:59Z");
        let date = |text: &str| text.parse::<Date>().expect(text);
        assert_eq!(date("2026-03-01").days_since(date("2025-02-28")), 366);
        assert_eq!(date("1969-12-31").days_since(date("1970-01-01")), -1);
    }

    #[test]
    fn every_day_of_five_centuries_comes_back() {
        for day in -50_000..150_000 {
            assert_eq!(Date(day).to_string().parse(), Ok(Date(day)));
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "2026-02-29",
            "2100-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-1-1",
            "26-01-01",
            "2026-01-01T00:00:00Z",
            "2026/01/01",
            "+026-01-01",
            "",
            "-----",
            "２０２６-01-01",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}

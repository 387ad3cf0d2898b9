//! A part of a model's requests, in millionths, so that shares add up exactly.

use serde::{Serialize, Serializer};
use std::fmt;

/// A part of a model's requests: what a [`Version`](crate::Version) answers of those that ask for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

/// All, in millionths.
const WHOLE: u32 = 1_000_000;

impl Share {
    /// No request.
    pub const NONE: Share = Share(0);
    /// Every request.
    pub const ALL: Share = Share(WHOLE);

    /// So many of a hundred requests, to four decimals.
    ///
    /// # Panics
    ///
    /// If there are fewer than none or more than all.
    pub const fn percent(percent: f64) -> Share {
        assert!(0.0 <= percent && percent <= 100.0, "a share is 0 to 100 percent");
        Share((percent * 10_000.0).round() as u32)
    }

    /// As it is written: `5%`, `0.25%`.
    ///
    /// # Errors
    ///
    /// What is expected instead.
    pub(crate) fn parse(text: &str) -> Result<Share, String> {
        let number = text.strip_suffix('%').map(str::trim_end).filter(|text| !text.starts_with(['+', '-']));
        let percent =
            number.and_then(|number| number.parse::<f64>().ok()).filter(|number| (0.0..=100.0).contains(number));
        let share = percent.map(|percent| (percent, Share::percent(percent)));
        // What is more than nothing, and too little to be counted, is a mistake.
        let share = share.filter(|(percent, share)| *share != Share::NONE || *percent == 0.0);
        share
            .map(|(_, share)| share)
            .ok_or_else(|| format!("expected a share, such as 5% or 0.25%, in place of `{text}`"))
    }

    pub(crate) const fn millionths(self) -> u32 {
        self.0
    }

    /// The sum; none if it is more than all.
    pub(crate) fn plus(self, other: Share) -> Option<Share> {
        let sum = self.0 + other.0;
        (sum <= WHOLE).then_some(Share(sum))
    }

    /// What is left of all.
    pub(crate) const fn rest(self) -> Share {
        Share(WHOLE - self.0)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_written_in_percent() {
        for (text, millionths) in [("0%", 0), ("5%", 50_000), ("0.25%", 2_500), ("33.3333%", 333_333), ("100%", WHOLE)]
        {
            let share = Share::parse(text).expect(text);
            assert_eq!((share.millionths(), share.to_string().as_str()), (millionths, text));
        }
        assert_eq!(Share::parse("5 %"), Ok(Share::percent(5.0)));
        for wrong in ["", "5", "%", "-1%", "+1%", "101%", "NaN%", "inf%", "5%%", "five%", "0.00001%"] {
            assert!(Share::parse(wrong).is_err_and(|error| error.contains("such as 5%")), "{wrong}");
        }
    }

    #[test]
    fn shares_add_up_to_no_more_than_all() {
        let (third, two) = (Share::percent(33.3333), Share::percent(66.6667));
        assert_eq!(third.plus(two), Some(Share::ALL));
        assert_eq!(third.rest(), two);
        assert_eq!(two.plus(Share::percent(33.3334)), None);
    }
}

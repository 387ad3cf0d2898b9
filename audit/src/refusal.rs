//! Why a program is not believed.

use core::fmt;

/// Why a program is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is none, or one that cannot be read: what it is instead.
    Unreadable(String),
    /// What it says does not match what it holds.
    Altered(String),
}

impl Refusal {
    pub(crate) fn unreadable(what: impl Into<String>) -> Refusal {
        Refusal::Unreadable(what.into())
    }

    pub(crate) fn altered(what: impl Into<String>) -> Refusal {
        Refusal::Altered(what.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Refusal::Unreadable(what) | Refusal::Altered(what)) = self;
        f.write_str(what)
    }
}

impl std::error::Error for Refusal {}

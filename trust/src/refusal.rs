//! Why a key, an envelope or a signature is not believed.

use std::fmt;

/// Why a key, an envelope or a signature is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be read: damaged, hostile, or in a form that is not known here.
    Form(String),
    /// A signature does not hold: what it stands under was changed, or it is another key's.
    Wrong(String),
    /// It holds, or may hold, but not by enough of the keys that are trusted.
    Untrusted(String),
    /// It holds, and was given for something else.
    Other(String),
    /// It held once: its time is over.
    Expired(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Refusal::Form(why)
        | Refusal::Wrong(why)
        | Refusal::Untrusted(why)
        | Refusal::Other(why)
        | Refusal::Expired(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Refusal {}

/// A refusal of a form, for what is read in steps.
pub(crate) fn form(why: impl Into<String>) -> Refusal {
    Refusal::Form(why.into())
}

//! What is wrong, where, and what to do next; whoever reports it gives each kind its number.

use std::fmt;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A setting: an unknown key, a value that cannot be, settings that do not go together.
    Settings,
    /// A name that Kubernetes or DNS does not take.
    Name,
    /// An image that is not pinned by a digest.
    Image,
    /// A layout of an image that cannot be read, or is not what it says.
    Layout,
    /// A template: unknown, malformed, or what it gives is no manifest.
    Template,
    /// Less memory than the plan needs.
    Memory,
    /// Something that a target needs and was not given.
    Absent,
    /// A file or folder that cannot be read or written.
    File,
    /// A cluster that cannot be found or does not answer.
    Unreachable,
    /// A cluster that does not let one do it: 401 and 403.
    Forbidden,
    /// Somebody else's field: 409.
    Conflict,
    /// An object that the cluster does not take: 400, 404 of its kind, 422.
    Invalid,
    /// A rollout that did not come to its end.
    Rollout,
    /// What runs is not what is stated here.
    Drift,
}

/// One thing that is wrong: lower case, no full stop; `help` is a line that one can follow or paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    /// What is wrong.
    pub message: String,
    /// Where: a file and a key in it, or an object of a cluster.
    pub place: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl Problem {
    /// A problem that says only what is wrong; [`at`](Self::at) and [`help`](Self::help) add the rest.
    pub fn new(kind: Kind, message: impl Into<String>) -> Problem {
        Problem { kind, message: message.into(), place: None, help: None }
    }

    /// Says where, unless that is said already.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Problem {
        self.place.get_or_insert(place.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let place = self.place.as_ref().map(|place| format!("\n  --> {place}"));
        let help = self.help.as_ref().map(|help| format!("\n  help: {help}"));
        write!(f, "{}{}", place.unwrap_or_default(), help.unwrap_or_default())
    }
}

impl std::error::Error for Problem {}

//! What goes wrong between a model and its registry: which kind, what, where, and what to do.

use std::fmt;

/// What kind of error it is; the command gives each its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A reference that cannot be read.
    Reference,
    /// No version is in the range.
    NoVersion,
    /// Only yanked versions are in the range.
    Yanked,
    /// The registry cannot be reached, broke off, or is too slow.
    Unreachable,
    /// The registry wants other credentials.
    Credentials,
    /// What the registry sent is not what it must be: digests, sizes, types, addresses.
    Lie,
    /// There is no such model, version or registry.
    Absent,
    /// The version cannot be published: it is there, or its number promises what it is not.
    Unpublishable,
    /// A file of this machine cannot be read or written.
    Io,
}

/// An error: what, where, what next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Its kind.
    pub kind: Kind,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// Where: an address, a file, a reference.
    pub place: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl Error {
    /// An error that says only what is wrong.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), place: None, help: None }
    }

    /// Says where, unless that is said already.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Error {
        self.place.get_or_insert_with(|| place.to_string());
        self
    }

    /// Says what to do next, unless that is said already.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.help.get_or_insert_with(|| help.into());
        self
    }

    /// A file that cannot be read or written.
    pub(crate) fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Error {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        let help = match error.kind() {
            StorageFull => "free some space and run it again: what was fetched so far is kept",
            PermissionDenied | ReadOnlyFilesystem => "make the folder readable and writable",
            _ => "check the file and its file system",
        };
        Error::new(Kind::Io, format!("{what}: {error}")).at(path.display()).help(help)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

//! Why an image is not written or not believed.

use std::fmt;
use std::io;
use std::path::Path;

/// Why an image is not written or not believed.
#[derive(Debug)]
pub enum Error {
    /// The program does not run in an empty root.
    Program(String),
    /// What is to be written into the image, or where, cannot be.
    Input(String),
    /// No image, or one of a kind that is not read.
    Unreadable(String),
    /// What the image says does not match what it holds, or it is made to mislead whoever unpacks it.
    Altered(String),
    /// A file: which, and the system's word.
    Io(String, io::Error),
}

impl Error {
    pub(crate) fn program(what: impl Into<String>) -> Error {
        Error::Program(what.into())
    }

    pub(crate) fn input(what: impl Into<String>) -> Error {
        Error::Input(what.into())
    }

    pub(crate) fn unreadable(what: impl Into<String>) -> Error {
        Error::Unreadable(what.into())
    }

    pub(crate) fn altered(what: impl Into<String>) -> Error {
        Error::Altered(what.into())
    }

    /// What the system says of the file at `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.display().to_string();
        move |error| Error::Io(path, error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Program(what) | Error::Input(what) | Error::Unreadable(what) | Error::Altered(what) => {
                f.write_str(what)
            }
            Error::Io(path, error) => write!(f, "{path}: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(_, error) => Some(error),
            _ => None,
        }
    }
}

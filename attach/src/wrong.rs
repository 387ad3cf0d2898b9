//! Why nothing was attached.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why nothing was attached.
#[derive(Debug)]
pub struct Wrong {
    /// The file that it is about.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Wrong {
    pub(crate) fn file(path: &Path, error: io::Error) -> Wrong {
        Wrong { path: path.to_owned(), why: format!("it cannot be read or written: {error}") }
    }

    pub(crate) fn program(path: &Path, why: impl Into<String>) -> Wrong {
        Wrong { path: path.to_owned(), why: why.into() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Wrong {}

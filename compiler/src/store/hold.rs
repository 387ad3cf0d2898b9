//! One writer at a time: a lock on a file of the store, which the system drops with the process.

use super::IO;
use crate::diagnostic::Diagnostic;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

/// The store, held by this process until this is dropped.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "holding the file is what it is for")] File);

impl Hold {
    pub(super) fn take(root: &Path, waiting: impl FnOnce()) -> Result<Hold, Diagnostic> {
        let path = root.join("hold");
        let take = || -> io::Result<File> {
            fs::create_dir_all(root)?;
            let file = File::options().create(true).append(true).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    waiting();
                    file.lock()?;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            Ok(file)
        };
        take().map(Hold).map_err(|error| {
            Diagnostic::new(IO, format!("the store cannot be held: {error}"))
                .at(path.display().to_string())
                .help("make the folder writable, or move the store with MODELDEPLOY_STORE")
        })
    }
}

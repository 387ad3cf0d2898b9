//! Files that are read again when they change: tokens, certificates.
//!
//! Whoever makes them may write them anew, rename another over them, or (as Kubernetes) turn a link to another folder. What cannot be
//! used then is told and not used: what was read before still holds.

use crate::notice;
use std::fmt;
use std::fs::{self, Metadata};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

/// Reads the files, in their order; what was read before goes on in it as far as it can.
type Load<T> = dyn Fn(&[PathBuf], Option<&T>) -> Result<T, String> + Send + Sync;

/// What was made of some files.
pub(crate) struct Watched<T> {
    /// In words, for who is told of it.
    what: &'static str,
    files: Vec<PathBuf>,
    load: Box<Load<T>>,
    current: RwLock<Arc<T>>,
    stamps: Mutex<Vec<Stamp>>,
}

/// What tells a file from what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

/// What can be read again.
pub(crate) trait Renew: Send + Sync {
    /// Reads the files again if one of them is another than before, or whatever they are if `always`.
    fn renew(&self, always: bool);
}

impl<T> Watched<T> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    ///
    /// What `load` says.
    pub(crate) fn new(
        what: &'static str,
        files: Vec<PathBuf>,
        load: impl Fn(&[PathBuf], Option<&T>) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Watched<T>, String> {
        // Before they are read: what changes meanwhile is read again.
        let stamps = Mutex::new(stamps(&files));
        let current = RwLock::new(Arc::new(load(&files, None)?));
        Ok(Watched { what, files, load: Box::new(load), current, stamps })
    }

    /// What holds now.
    pub(crate) fn current(&self) -> Arc<T> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: Send + Sync> Renew for Watched<T> {
    fn renew(&self, always: bool) {
        let mut old = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let new = stamps(&self.files);
        if *old == new && !always {
            return;
        }
        *old = new;
        match (self.load)(&self.files, Some(&self.current())) {
            Ok(loaded) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
                notice::info(format_args!("the {} are read again", self.what));
            }
            Err(message) => {
                notice::warn(format_args!("the {} cannot be used, and those before still hold: {message}", self.what));
            }
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let none = Stamp { modified: None, length: 0, inode: 0 };
    let stamp = |of: Metadata| Stamp { modified: of.modified().ok(), length: of.len(), inode: inode(&of) };
    files.iter().map(|file| fs::metadata(file).map_or(none, stamp)).collect()
}

#[cfg(unix)]
fn inode(of: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(of)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("what", &self.what).field("files", &self.files).finish_non_exhaustive()
    }
}

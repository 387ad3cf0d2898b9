//! Sources that are no folders: whoever fetches them puts their files into the store and says here what they were resolved to.
//!
//! The compiler reads no network. It takes the pins of the lock, and the folders that the store has of them.

use super::{Manifest, ModelEntry};
use crate::diagnostic::{Code, Diagnostic};
use crate::store::Store;
use modeldeploy_format::lock::{LockedModel, LockedOrigin};
use std::path::PathBuf;

/// A remote source whose files are not in the store.
pub const ABSENT_SOURCE: Code = Code("MD1510");

/// The beginnings of sources that are no folders.
const SCHEMES: [&str; 4] = ["oci:", "registry:", "file:", "hf:"];

/// Whether a source is fetched, and no folder.
pub fn is_remote(source: &str) -> bool {
    SCHEMES.iter().any(|scheme| source.starts_with(scheme))
}

/// Whether a remote source has versions of its own.
pub(super) fn has_versions(source: &str) -> bool {
    is_remote(source) && !source.starts_with("hf:")
}

/// What a remote source was resolved to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// As the lock has it.
    pub locked: LockedOrigin,
    /// The folder of the store that has its files, if they were fetched.
    pub folder: PathBuf,
}

impl ModelEntry {
    /// Takes what its remote source was resolved to.
    pub fn pin(&mut self, locked: LockedOrigin, license: Option<String>, store: &Store) {
        if let Some(version) = &locked.version {
            self.version.clone_from(version);
        }
        if self.license.is_none() {
            self.license = license;
        }
        self.origin = Some(Origin { folder: store.source_path(&locked.tree), locked });
    }

    /// Takes the pin that the lock has, if it is remote.
    pub(crate) fn pin_as(&mut self, model: &LockedModel, store: &Store) {
        if is_remote(&self.source)
            && let Some(origin) = &model.origin
        {
            self.pin(origin.clone(), model.license.clone(), store);
        }
    }
}

impl Manifest {
    /// The folder of a model's files.
    ///
    /// # Errors
    ///
    /// `MD1510` if they have to be fetched first.
    pub fn folder(&self, entry: &ModelEntry) -> Result<PathBuf, Diagnostic> {
        if !is_remote(&entry.source) {
            return Ok(self.resolve(&entry.source));
        }
        let absent = |what: String| {
            Diagnostic::new(ABSENT_SOURCE, what).at(&entry.place).help(format!(
                "`cargo modeldeploy fetch {}` fetches them; nothing else does while a build runs",
                entry.name
            ))
        };
        match &entry.origin {
            None => Err(Diagnostic::new(
                ABSENT_SOURCE,
                format!("`{}` is not locked, so its source has no version yet", entry.name),
            )
            .at(&entry.place)
            .help(format!("`cargo modeldeploy lock {}` resolves, fetches and locks it", entry.name))),
            Some(origin) if Store::is_folder(&origin.folder) => Ok(origin.folder.clone()),
            Some(_) => Err(absent(format!("the files of `{}` are not in the store", entry.name))),
        }
    }
}

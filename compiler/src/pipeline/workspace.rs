//! The manifests of a workspace with its lock and store.

use super::{BAD_LOCK, Event, NO_LOCK, Progress, UNKNOWN};
use crate::diagnostic::Diagnostic;
use crate::manifest::{self, IndexEntry, Manifest, ModelEntry};
use crate::section::{list, nearest};
use crate::store::{Hold, Store, write_atomically};
use modeldeploy_format::lock::{FILE_NAME, Lock};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A workspace: where its lock lies and what its manifests say.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder of `Model.lock`.
    pub root: PathBuf,
    /// Its packages' manifests.
    pub manifests: Vec<Manifest>,
    /// Its store.
    pub store: Store,
}

impl Workspace {
    /// Reads the manifests at `paths`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of them.
    pub fn read(root: &Path, paths: &[PathBuf]) -> Result<Workspace, Vec<Diagnostic>> {
        let (mut manifests, mut errors) = (vec![], vec![]);
        for path in paths {
            let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
            match Manifest::read(path, &shown) {
                Ok(manifest) => manifests.push(manifest),
                Err(more) => errors.extend(more),
            }
        }
        errors.extend(manifest::duplicates(&manifests));
        if errors.is_empty() {
            let mut workspace = Workspace { root: root.to_owned(), manifests, store: Store::beside(root) };
            // What is wrong with a lock is told by whoever needs it.
            if let Ok(Some(lock)) = workspace.old_lock() {
                workspace.pin_as(&lock);
            }
            Ok(workspace)
        } else {
            Err(errors)
        }
    }

    /// Takes the pins that a lock has of remote sources.
    pub fn pin_as(&mut self, lock: &Lock) {
        for entry in self.manifests.iter_mut().flat_map(|manifest| &mut manifest.models) {
            if let Some(model) = lock.model(&entry.name) {
                entry.pin_as(model, &self.store);
            }
        }
    }

    /// The entry of that name, to be pinned.
    pub fn entry_mut(&mut self, name: &str) -> Option<&mut ModelEntry> {
        self.manifests.iter_mut().flat_map(|manifest| &mut manifest.models).find(|entry| entry.name == name)
    }

    /// Its models, sorted by name, each with its manifest.
    pub fn models(&self) -> Vec<(&Manifest, &ModelEntry)> {
        let mut all: Vec<_> =
            self.manifests.iter().flat_map(|it| it.models.iter().map(move |entry| (it, entry))).collect();
        all.sort_by(|a, b| a.1.name.cmp(&b.1.name));
        all
    }

    /// Its indexes, sorted by name, each with its manifest.
    pub fn indexes(&self) -> Vec<(&Manifest, &IndexEntry)> {
        let mut all: Vec<_> =
            self.manifests.iter().flat_map(|it| it.indexes.iter().map(move |entry| (it, entry))).collect();
        all.sort_by(|a, b| a.1.name.cmp(&b.1.name));
        all
    }

    /// Whether there is nothing to do here: no manifest names a model or an index, and there is no lock.
    pub fn is_bare(&self) -> bool {
        self.models().is_empty() && self.indexes().is_empty() && !self.lock_path().exists()
    }

    /// The models of these names; all of them where there are no names.
    ///
    /// # Errors
    ///
    /// Names that no manifest has.
    pub fn select(&self, names: &[String]) -> Result<Vec<(&Manifest, &ModelEntry)>, Vec<Diagnostic>> {
        let models = self.models();
        let known: Vec<&str> = models.iter().map(|(_, entry)| entry.name.as_str()).collect();
        let unknown = names.iter().filter(|name| !known.contains(&name.as_str()));
        let errors: Vec<Diagnostic> = unknown
            .map(|name| {
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => {
                        "`cargo modeldeploy add <folder> --name <name> --task embed` adds one".into()
                    }
                    None => format!("there are {}", list(&known)),
                };
                Diagnostic::new(UNKNOWN, format!("no manifest of this workspace has a model `{name}`"))
                    .at(self.root.display().to_string())
                    .help(help)
            })
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(models.into_iter().filter(|(_, entry)| names.is_empty() || names.contains(&entry.name)).collect())
    }

    /// Where `Model.lock` is or would be.
    pub fn lock_path(&self) -> PathBuf {
        self.root.join(FILE_NAME)
    }

    /// The lock, if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be read or contradicts itself.
    pub fn old_lock(&self) -> Result<Option<Lock>, Diagnostic> {
        read_lock(&self.root)
    }

    /// Takes the store for this process until the hold is dropped, and says so if another has it.
    ///
    /// # Errors
    ///
    /// If the store's folder cannot be written.
    pub fn hold(&self, progress: Progress<'_>) -> Result<Hold, Diagnostic> {
        self.store.hold(&self.root, || progress(Event::Waiting))
    }

    /// The lock.
    ///
    /// # Errors
    ///
    /// As [`old_lock`](Workspace::old_lock), or that there is none.
    pub fn lock(&self) -> Result<Lock, Diagnostic> {
        self.old_lock()?.ok_or_else(|| {
            Diagnostic::new(NO_LOCK, "there is no Model.lock")
                .at(self.root.display().to_string())
                .help("`cargo modeldeploy lock` makes it")
        })
    }

    /// Writes the lock if it differs from what is there, and says whether it did.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was there before still is.
    pub fn write_lock(&self, lock: &Lock) -> Result<bool, Diagnostic> {
        let (path, text) = (self.lock_path(), lock.to_text());
        if std::fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(false);
        }
        write_atomically(&path, text.as_bytes()).map(|()| true)
    }
}

/// The lock in `folder`, if there is one.
pub(super) fn read_lock(folder: &Path) -> Result<Option<Lock>, Diagnostic> {
    let path = folder.join(FILE_NAME);
    let bad = |why: String, help| Diagnostic::new(BAD_LOCK, why).at(path.display().to_string()).help(help);
    match std::fs::read_to_string(&path) {
        Ok(text) => Lock::parse(&text).map(Some).map_err(|error| bad(error.to_string(), error.help())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let help =
                "restore it (`git checkout Model.lock`), or make all of it anew (`cargo modeldeploy lock --fresh`)";
            Err(bad(format!("the lock cannot be read: {error}"), help))
        }
    }
}

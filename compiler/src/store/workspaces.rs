//! Which workspaces use a store: several may share one through `MODELDEPLOY_STORE`, and none may lose what its lock names.
//!
//! `workspaces.json` is a list of their folders. Only who holds the store writes it.

use super::{IO, Store, write_atomically};
use crate::diagnostic::Diagnostic;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const FILE: &str = "workspaces.json";

impl Store {
    /// Puts the workspace in `folder` on the list.
    ///
    /// # Errors
    ///
    /// If the list cannot be read or written.
    pub(super) fn enlist(&self, folder: &Path) -> Result<(), Diagnostic> {
        let mut all = self.workspaces()?;
        if all.insert(canonical(folder)) { self.set_workspaces(&all) } else { Ok(()) }
    }

    /// The folders of the workspaces that have held this store, but for the one in `folder`.
    ///
    /// # Errors
    ///
    /// If the list cannot be read.
    pub fn sharers(&self, folder: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
        let own = canonical(folder);
        Ok(self.workspaces()?.into_iter().filter(|it| *it != own).collect())
    }

    /// Takes workspaces off the list.
    ///
    /// # Errors
    ///
    /// If the list cannot be read or written.
    pub fn forget(&self, gone: &[PathBuf]) -> Result<(), Diagnostic> {
        let mut all = self.workspaces()?;
        let before = all.len();
        all.retain(|folder| !gone.contains(folder));
        if all.len() == before { Ok(()) } else { self.set_workspaces(&all) }
    }

    fn workspaces(&self) -> Result<BTreeSet<PathBuf>, Diagnostic> {
        let path = self.root.join(FILE);
        let bad = |why: String| {
            Diagnostic::new(IO, format!("the list of the store's workspaces cannot be read: {why}"))
                .at(path.display().to_string())
                .help("remove it and run `cargo modeldeploy build` in each workspace that shares the store, which puts it on the list")
        };
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(bad(error.to_string())),
        }
    }

    fn set_workspaces(&self, all: &BTreeSet<PathBuf>) -> Result<(), Diagnostic> {
        let text = serde_json::to_vec_pretty(all).expect("cargo's workspaces have paths in UTF-8");
        write_atomically(&self.root.join(FILE), &text)
    }
}

fn canonical(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

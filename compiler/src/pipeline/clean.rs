//! `clean`: drops from the store what no lock names, neither this workspace's nor that of another that shares the store.

use super::derived;
use super::workspace::read_lock;
use super::{Event, Progress, Workspace};
use crate::diagnostic::Diagnostic;
use crate::store::{Kind, Store};
use modeldeploy_format::lock::Lock;
use std::path::PathBuf;

/// What `clean` removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// How many files.
    pub files: usize,
    /// Their bytes together.
    pub bytes: u64,
}

/// Removes the store's files that no lock names; with `all` also those that only this workspace's lock names.
///
/// # Errors
///
/// If a lock cannot be read, and nothing is removed then; or if a file cannot be removed.
pub fn clean(workspace: &Workspace, all: bool, progress: Progress<'_>) -> Result<Cleaned, Vec<Diagnostic>> {
    let one = |error: Diagnostic| vec![error];
    let _hold = workspace.hold(progress).map_err(one)?;
    let store = &workspace.store;
    // Read once the store is held: a `lock` that this waited for has written another.
    let own = if all { None } else { workspace.old_lock().map_err(one)? };
    let mut keep = own.as_ref().map_or(vec![], |lock| named(store, lock));
    let mut sources = own.as_ref().map_or(vec![], |lock| sources_of(store, lock));
    let mut gone = vec![];
    for folder in store.sharers(&workspace.root).map_err(one)? {
        match read_lock(&folder).map_err(one)? {
            Some(lock) => {
                keep.extend(named(store, &lock));
                sources.extend(sources_of(store, &lock));
            }
            None => {
                let said = format!(
                    "`{}`, which shared the store, has no Model.lock any more: its files are not kept",
                    folder.display()
                );
                progress(Event::Note(&said));
                gone.push(folder);
            }
        }
    }
    let removed = store.remove_others(&keep)?;
    store.remove_other_sources(&sources).map_err(one)?;
    store.forget(&gone).map_err(one)?;
    Ok(Cleaned { files: removed.len(), bytes: removed.into_iter().map(|(_, bytes)| bytes).sum() })
}

/// Every file that a lock names.
fn named(store: &Store, lock: &Lock) -> Vec<PathBuf> {
    let of_model = lock.models.iter().flat_map(|model| {
        let packs = model.packs.iter().map(|pack| store.path(&pack.digest, Kind::Pack));
        let divisions = model.packs.iter().map(|pack| store.division_path(&pack.digest));
        packs
            .chain(divisions)
            .chain([store.path(&model.compressed, Kind::Compressed), store.path(&model.golden, Kind::Golden)])
    });
    let fetched = lock.models.iter().filter(|model| model.origin.is_some()).flat_map(|model| &model.files);
    let of_model = of_model.chain(fetched.map(|file| store.path(&file.digest, Kind::File)));
    let indexes = lock.indexes.iter().map(|index| store.path(&index.digest, Kind::Index));
    of_model.chain(indexes).chain(derived::files(store, lock)).collect()
}

/// The folders of fetched models that a lock names.
fn sources_of(store: &Store, lock: &Lock) -> Vec<PathBuf> {
    lock.models.iter().filter_map(|model| Some(store.source_path(&model.origin.as_ref()?.tree))).collect()
}

//! Notes in the store of what has come out as it is locked: made once, an entry of the lock need not be made again to know that it is
//! right, for as long as all that it is made of has the same bytes.
//!
//! A note's name is the digest of the whole entry and of the version that made it, so that an entry of another field has none.

use super::derive::REVISION;
use crate::store::{Kind, Store};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{Lock, LockedIndex, LockedModel, VERSION};
use std::path::PathBuf;

/// Notes that this very entry of a model came out. A store that is not there, or cannot be written, forgets it.
pub(crate) fn note_model(store: &Store, model: &LockedModel) {
    write(store, &of_model(model));
}

/// Whether this very entry has come out.
pub(crate) fn is_noted_model(store: &Store, model: &LockedModel) -> bool {
    store.get(&Digest::of(&of_model(model)), Kind::Derived).is_ok()
}

/// The same of an index.
pub(crate) fn note_index(store: &Store, index: &LockedIndex) {
    write(store, &of_index(index));
}

/// The same of an index.
pub(crate) fn is_noted_index(store: &Store, index: &LockedIndex) -> bool {
    store.get(&Digest::of(&of_index(index)), Kind::Derived).is_ok()
}

/// The files of the notes that a lock's entries have, where they have come out.
pub(super) fn files(store: &Store, lock: &Lock) -> Vec<PathBuf> {
    let notes = lock.models.iter().map(of_model).chain(lock.indexes.iter().map(of_index));
    notes.map(|note| store.path(&Digest::of(&note), Kind::Derived)).collect()
}

fn write(store: &Store, note: &[u8]) {
    if store.root().is_dir() {
        let _forgotten = store.put(note, Kind::Derived);
    }
}

fn of_model(model: &LockedModel) -> Vec<u8> {
    note(Lock { version: VERSION, models: vec![model.clone()], indexes: vec![] })
}

fn of_index(index: &LockedIndex) -> Vec<u8> {
    note(Lock { version: VERSION, models: vec![], indexes: vec![index.clone()] })
}

fn note(entry: Lock) -> Vec<u8> {
    format!("made by modeldeploy {}, revision {REVISION}\n{}", env!("CARGO_PKG_VERSION"), entry.to_text()).into_bytes()
}

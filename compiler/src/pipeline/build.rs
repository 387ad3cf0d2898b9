//! `build`: the packs and indexes that the lock pins, in the store.
//!
//! A pure function of the locked bytes: a pack comes from the compressed file and the golden vectors alone. Where the store lacks
//! those, as in a fresh clone, they are made again from the model's folder and must come out as they are locked.

use super::check::strangers;
use super::derive::{REVISION, REVISION_KEY};
use super::divide::divide;
use super::{Event, OTHER_BYTES, Progress, STALE, Workspace, made, reuse};
use crate::diagnostic::Diagnostic;
use crate::index;
use crate::manifest::{ABSENT_SOURCE, Manifest, ModelEntry, is_remote};
use crate::store::{Kind, Store};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{Lock, LockedModel};
use modeldeploy_format::pack::{Aligned, LAYOUT_FINGERPRINT};

/// What `build` did.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The lock that was built.
    pub lock: Lock,
    /// The models whose packs had to be made, and the indexes; the others were there.
    pub made: Vec<String>,
}

/// Makes every pack and index of the lock that the store does not have.
///
/// # Errors
///
/// If the lock is absent or stale, or something comes out other than the lock pins it.
pub fn build(workspace: &Workspace, progress: Progress<'_>) -> Result<Built, Vec<Diagnostic>> {
    let lock = current(workspace)?;
    let hold = match workspace.hold(progress) {
        Ok(hold) => Some(hold),
        // Nothing is written to a store that has all, as on a read-only disk.
        Err(_) if has_all(workspace, &lock) => None,
        Err(error) => return Err(vec![error]),
    };
    // Read once the store is held: a `lock` that this waited for has written another.
    let lock = current(workspace)?;
    let (mut made, mut errors) = (vec![], vec![]);
    for (manifest, entry) in workspace.models() {
        let model = lock.model(&entry.name).expect("the lock is not stale");
        if model.packs.iter().all(|pack| workspace.store.mapped(&pack.digest, Kind::Pack).is_ok()) {
            continue;
        }
        progress(Event::Begin(&entry.name));
        match one(manifest, entry, model, &lock.models, &workspace.store, progress) {
            Ok(()) => made.push(entry.name.clone()),
            Err(more) => errors.extend(more),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // A store that cannot be written has its packs linked whole, or as they were divided before.
    if hold.is_some() {
        divide(&workspace.store, &lock).map_err(|error| vec![error])?;
    }
    made.extend(index::build(workspace, &lock, progress)?);
    Ok(Built { lock, made })
}

/// Whether the store has every pack and index of the lock.
fn has_all(workspace: &Workspace, lock: &Lock) -> bool {
    let mut packs = lock.models.iter().flat_map(|model| &model.packs);
    let packs = packs.all(|pack| workspace.store.mapped(&pack.digest, Kind::Pack).is_ok());
    packs && lock.indexes.iter().all(|index| workspace.store.mapped(&index.digest, Kind::Index).is_ok())
}

/// The lock, if it is what the manifests say.
fn current(workspace: &Workspace) -> Result<Lock, Vec<Diagnostic>> {
    let lock = workspace.lock().map_err(|error| vec![error])?;
    let stale = stale(workspace, &lock);
    if stale.is_empty() { Ok(lock) } else { Err(stale) }
}

/// What the manifests say that the lock does not: found without reading a weight.
fn stale(workspace: &Workspace, lock: &Lock) -> Vec<Diagnostic> {
    let layout = format!("{LAYOUT_FINGERPRINT:016x}");
    let models = workspace.models().into_iter().filter_map(|(manifest, entry)| {
        let said = match lock.model(&entry.name) {
            None => "is not locked",
            Some(model) if model.manifest != entry.digest || model.package != manifest.package => {
                "is locked with other settings than its manifest has"
            }
            Some(model) if model.recipe.get(REVISION_KEY).is_none_or(|revision| revision != REVISION) => {
                "is locked by another version of modeldeploy"
            }
            Some(model) if !model.packs.iter().any(|pack| pack.layout == layout) => {
                "is packed for other kernels than these"
            }
            Some(_) => return None,
        };
        Some((entry.place.clone(), format!("model `{}` {said}", entry.name)))
    });
    let indexes = workspace.indexes().into_iter().filter_map(|(manifest, entry)| {
        let said = match lock.index(&entry.name) {
            None => "is not locked",
            Some(index) if index.manifest != entry.digest || index.package != manifest.package => {
                "is locked with other settings than its manifest has"
            }
            Some(_) => return None,
        };
        Some((entry.place.clone(), format!("index `{}` {said}", entry.name)))
    });
    let said = models.chain(indexes).map(|(place, said)| {
        Diagnostic::new(STALE, said).at(place).help("`cargo modeldeploy lock` brings Model.lock up to date")
    });
    strangers(workspace, lock).into_iter().chain(said).collect()
}

fn one(
    manifest: &Manifest,
    entry: &ModelEntry,
    model: &LockedModel,
    others: &[LockedModel],
    store: &Store,
    progress: Progress<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let stored = store.get(&model.compressed, Kind::Compressed).and_then(|compressed| {
        let golden = store.get(&model.golden, Kind::Golden)?;
        Ok((compressed, golden))
    });
    let bytes = match stored {
        Ok((compressed, golden)) => made::again(model, compressed, &golden, progress)?,
        Err(_) if reuse::has_its_files(manifest, entry, model) => {
            let made = made::make(manifest, entry, others, &|_, _, _| Ok(()), false, progress)?;
            made.put_sources(store)?;
            made.pack
        }
        Err(mut error) => {
            error.message = format!(
                "the pack of `{}` cannot be made: {}, and the model's folder `{}` does not have the locked files",
                model.name, error.message, model.source
            );
            if is_remote(&entry.source) {
                error.code = ABSENT_SOURCE;
                error.message = format!(
                    "the pack of `{}` cannot be made: its files from `{}` are not in the store",
                    model.name, model.source
                );
                error.help = Some(format!("`cargo modeldeploy fetch {}` fetches what Model.lock pins", model.name));
                return Err(vec![error]);
            }
            error.help =
                Some("put the model's files back, or `cargo modeldeploy lock` to lock those that are there".into());
            return Err(vec![error]);
        }
    };
    keep(entry, model, store, &bytes)
}

/// Puts a pack into the store that has come out as it is locked.
fn keep(entry: &ModelEntry, model: &LockedModel, store: &Store, bytes: &Aligned) -> Result<(), Vec<Diagnostic>> {
    let digest = Digest::of(bytes);
    if !model.packs.iter().any(|pack| pack.digest == digest) {
        return Err(vec![
            Diagnostic::new(OTHER_BYTES, format!("the pack of `{}` comes out as {digest}, which is not the locked one", model.name))
                .at(entry.place.clone())
                .help("another version of modeldeploy made the lock, or it was edited: `cargo modeldeploy lock` makes it anew"),
        ]);
    }
    store.put(bytes, Kind::Pack).map(drop).map_err(|error| vec![error])
}

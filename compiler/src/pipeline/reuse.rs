//! Whether a locked model can stay as it is: nothing that it was made of has changed, and the store has what was made.

use super::derive::{facts, is_there};
use super::{made, rank};
use crate::manifest::{Manifest, ModelEntry};
use crate::store::{Kind, Store};
use crate::suite::Suite;
use modeldeploy_format::lock::LockedModel;
use modeldeploy_format::pack::LAYOUT_FINGERPRINT;

/// Whether `locked` is what `lock` would make of `entry` again, beside the other models that are locked.
pub(super) fn is_current(
    manifest: &Manifest,
    entry: &ModelEntry,
    locked: &LockedModel,
    others: &[LockedModel],
    store: &Store,
) -> bool {
    let layout = format!("{LAYOUT_FINGERPRINT:016x}");
    let says_so = locked.manifest == entry.digest && locked.package == manifest.package;
    let says_so = says_so && locked.origin.as_ref() == entry.origin.as_ref().map(|origin| &origin.locked);
    says_so
        && rank::are_as_locked(&locked.signature, others)
        && made::has_recipe(manifest, entry, &locked.recipe)
        && store.get(&locked.compressed, Kind::Compressed).is_ok()
        && store.get(&locked.golden, Kind::Golden).is_ok()
        && locked.packs.iter().all(|pack| pack.layout == layout && store.mapped(&pack.digest, Kind::Pack).is_ok())
        && has_its_suite(manifest, entry, locked)
        && has_its_files(manifest, entry, locked)
}

fn has_its_suite(manifest: &Manifest, entry: &ModelEntry, locked: &LockedModel) -> bool {
    match (&entry.gate, &locked.gate) {
        (None, None) => true,
        (Some(gate), Some(locked)) => {
            Suite::read(&manifest.resolve(&gate.suite)).is_ok_and(|suite| suite.digest == locked.suite)
        }
        _ => false,
    }
}

/// Whether the folder would be read as it was: every file that was read still has the same bytes, and none has come that was looked
/// for in vain.
pub(super) fn has_its_files(manifest: &Manifest, entry: &ModelEntry, locked: &LockedModel) -> bool {
    let Ok(folder) = manifest.folder(entry) else { return false };
    locked.absent.iter().all(|path| !is_there(&folder.join(path)))
        && locked.files.iter().all(|file| facts(&folder.join(&file.path)) == Some((file.size, file.digest)))
}

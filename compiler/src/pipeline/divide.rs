//! What the packs of a lock have in common is linked once: how each is divided for that is found here and stored beside it.

use super::OTHER_BYTES;
use crate::diagnostic::Diagnostic;
use crate::store::{Kind, Mapping, Store};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack;

/// Divides the packs, which are all in the store, unless that is done.
///
/// # Errors
///
/// If a pack cannot be read, or what was found cannot be written.
pub(super) fn divide(store: &Store, lock: &Lock) -> Result<(), Diagnostic> {
    let mut digests: Vec<Digest> = lock.models.iter().flat_map(|model| &model.packs).map(|pack| pack.digest).collect();
    digests.sort_unstable();
    digests.dedup();
    let among = pack::among(&digests);
    if digests.iter().all(|digest| store.division(digest).is_some_and(|division| division.among() == among)) {
        return Ok(());
    }
    let packs = digests.iter().map(|digest| store.mapped(digest, Kind::Pack)).collect::<Result<Vec<Mapping>, _>>()?;
    let bytes: Vec<&[u8]> = packs.iter().map(Mapping::bytes).collect();
    let divisions = pack::divide(&bytes).map_err(|error| Diagnostic::new(OTHER_BYTES, error.to_string()))?;
    digests.iter().zip(&divisions).try_for_each(|(digest, division)| store.put_division(digest, division))
}

//! A block of the lock with the digest of its canonical text, so that what a hand or a merge changed in it is noticed.

use super::{LockError, manifest_digest};
use crate::Digest;
use serde::{Deserialize, Serialize};
use toml::Table;

/// A block as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed<T> {
    /// The digest of the other keys, as [`digest`] takes it.
    block: Digest,
    #[serde(flatten)]
    entry: T,
}

impl<T: Serialize> Sealed<T> {
    /// The block with its digest.
    pub(super) fn new(entry: T) -> Sealed<T> {
        Sealed { block: digest(&entry), entry }
    }

    /// What is in the block, if it has its digest.
    pub(super) fn open(self, kind: &'static str, name: fn(&T) -> &String) -> Result<T, LockError> {
        let digest = digest(&self.entry);
        if digest == self.block {
            return Ok(self.entry);
        }
        Err(LockError::Edited { kind, name: name(&self.entry).clone(), digest })
    }
}

/// The sha256 of an entry's canonical text, which leaves nothing out. The file's layout and comments, and how a version of the TOML
/// writer puts them, do not matter.
fn digest(entry: &impl Serialize) -> Digest {
    manifest_digest(&Table::try_from(entry).expect("an entry has string keys and plain values"))
}

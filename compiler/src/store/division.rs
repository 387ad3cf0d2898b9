//! How packs are divided: beside a pack lies the file that says it, which the macro reads when it links.

use super::{Kind, Store, write_atomically};
use crate::diagnostic::Diagnostic;
use modeldeploy_format::Digest;
use modeldeploy_format::pack::Division;
use std::fs;
use std::path::PathBuf;

impl Store {
    /// Where the division of the pack of that digest lies or would lie.
    pub fn division_path(&self, pack: &Digest) -> PathBuf {
        self.path(pack, Kind::Pack).with_extension("parts")
    }

    /// How the pack of that digest is divided, if something sound says it.
    pub fn division(&self, pack: &Digest) -> Option<Division> {
        fs::read_to_string(self.division_path(pack)).ok()?.parse().ok()
    }

    /// Stores how a pack is divided, in the place of what was said before.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn put_division(&self, pack: &Digest, division: &Division) -> Result<(), Diagnostic> {
        write_atomically(&self.division_path(pack), division.to_string().as_bytes())
    }
}

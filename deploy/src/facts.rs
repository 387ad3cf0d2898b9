//! What is deployed, as the lock, the packs and the program say it.

use modeldeploy_format::Digest;
use serde::Serialize;

/// The tokens of a batch that a worker of a service makes room for, or its model's longest text if that is longer.
pub const BATCH_TOKENS: usize = 128;
/// The texts of a batch that it makes room for.
pub const BATCH_TEXTS: usize = 128;

/// What is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its models, sorted by name.
    pub models: Vec<Model>,
    /// Bytes of its indexes.
    pub indexes: u64,
    /// The program itself, where it is at hand.
    pub program: Option<Program>,
}

/// A model inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its pack's digest.
    pub digest: Digest,
    /// Bytes of its pack.
    #[serde(skip)]
    pub size: u64,
    /// Bytes of the arena of a session for [`BATCH_TOKENS`] and [`BATCH_TEXTS`], as its memory plan has it.
    #[serde(skip)]
    pub arena: u64,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The digest of its file.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_batch_is_as_large_as_the_service_makes_it() {
        let text = include_str!("../../service/src/batch/mod.rs");
        for line in ["pub(crate) const BATCH_TOKENS: usize = 128;", "const BATCH_TEXTS: usize = 128;"] {
            assert!(text.lines().any(|other| other == line), "{line}");
        }
        assert_eq!((super::BATCH_TOKENS, super::BATCH_TEXTS), (128, 128));
        let sessions = include_str!("../../service/src/batch/sessions.rs");
        assert!(sessions.contains("Capacity::new(BATCH_TOKENS.max(served.facts.max_tokens), BATCH_TEXTS)"));
        // A worker a core, by what the control group allows.
        assert!(include_str!("../../service/src/processors.rs").contains("available_parallelism()"));
    }
}

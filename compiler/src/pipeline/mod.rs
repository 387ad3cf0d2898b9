//! From manifests to `Model.lock`, packs and indexes: the stages in their order, with the store between them.
//!
//! - [`lock`]: load, passes, compress, pack, golden vectors, evaluation, gate, `Model.lock`. What has not changed is not made again.
//! - [`check`]: makes everything again and compares with the lock, but for what has come out so before.
//! - [`build`]: packs and indexes as the lock pins them; from the compressed bytes alone where the store has them.
//! - [`clean`]: the store without what no lock names.

mod build;
mod check;
mod clean;
mod derive;
pub(crate) mod derived;
mod divide;
mod engines;
mod evaluate;
mod golden;
mod lock;
mod made;
mod rank;
mod reuse;
mod texts;
mod workspace;

pub use build::{Built, build};
pub use check::check;
pub use clean::{Cleaned, clean};
pub use derive::{Derived, derive};
pub use engines::{PackEngine, ReferenceEngine};
pub use evaluate::{Evaluated, evaluate};
pub use lock::{LockReport, ModelReport, lock};
pub use workspace::Workspace;

use crate::diagnostic::{Code, Diagnostic};
use crate::manifest::{Manifest, ModelEntry};
use modeldeploy_format::lock::LockedFile;

/// A lock that cannot be read: edited by hand, merged badly, or of another version.
pub const BAD_LOCK: Code = Code("MD0703");
/// A lock that is not what the manifests and the model files say.
pub const STALE: Code = Code("MD0704");
/// There is no lock.
pub const NO_LOCK: Code = Code("MD0705");
/// A model or index that no manifest names.
pub const UNKNOWN: Code = Code("MD0706");
/// A pack that comes out other than the lock pins it.
pub const OTHER_BYTES: Code = Code("MD0805");

/// What is going on, for whoever wants to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Work on a model (or index) begins.
    Begin(&'a str),
    /// A stage of it: how many of how many steps are done; no total where that is unknown.
    Stage(&'static str, usize, usize),
    /// Something worth knowing.
    Note(&'a str),
    /// Another process has the store, and this one is about to wait.
    Waiting,
}

/// Judges a model by the files that were read of it, before anything is made of them: what it refuses is not locked.
pub type Judge<'j> = &'j dyn Fn(&Manifest, &ModelEntry, &[LockedFile]) -> Result<(), Vec<Diagnostic>>;

/// Hears what is going on, from any thread.
pub type Progress<'p> = &'p (dyn Fn(Event<'_>) + Sync);

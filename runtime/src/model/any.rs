//! A model of any task, without its type: what a service lists, makes ready and proves, whatever is asked of it then.

use super::{Engine, Error, Facts, Handle, Model, SelfTest};
use crate::link::Warm;
use crate::rank::{self, RankModel};

/// A locked model of any task, of texts or a ranker. `#[model("name")]` implements it; nothing else should.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "a model is a unit struct with `#[modeldeploy::model(\"name\")]`, the name being one in `Model.lock`"
)]
pub trait AnyModel: Sized + Send + Sync + 'static {
    /// What it is, and how it is had.
    #[doc(hidden)]
    const COMPILED: Compiled;
}

/// What a locked model is, and how it is had.
#[derive(Clone, Copy, Debug)]
pub struct Compiled {
    /// The name in the manifest and the lock.
    pub name: &'static str,
    /// Its own version.
    pub version: &'static str,
    /// The sha256 of its pack, `sha256:…`.
    pub digest: &'static str,
    /// The sha256 of all that decides what its outputs mean; empty of a ranker.
    pub space: &'static str,
    /// What it takes and gives.
    pub facts: Facts,
    /// The model itself.
    pub made: Made,
    warm: fn(Option<Warm>) -> Result<(), Error>,
    self_test: fn() -> Result<Proved, Error>,
}

/// What makes a model on the first call, and keeps it.
#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// One of texts.
    Texts(fn() -> Result<&'static Engine<'static>, Error>),
    /// A ranker.
    Ranker(fn() -> Result<&'static rank::Engine<'static>, Error>),
}

/// What a passed self test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proved {
    /// The golden vectors of a model of texts came back.
    Vectors(SelfTest),
    /// So many golden rows or requests of a ranker came back to the bit.
    Requests(usize),
}

impl Compiled {
    /// A model of texts.
    pub const fn texts<M: Model>() -> Compiled {
        Compiled {
            name: M::NAME,
            version: M::VERSION,
            digest: M::DIGEST,
            space: M::SPACE,
            facts: M::FACTS,
            made: Made::Texts(M::engine),
            warm: |how| {
                let handle = Handle::<M>::new();
                how.map_or_else(|| handle.warm(), |how| handle.warm_with(how))
            },
            self_test: || Handle::<M>::new().self_test().map(Proved::Vectors),
        }
    }

    /// A ranker.
    pub const fn ranker<M: RankModel>() -> Compiled {
        Compiled {
            name: M::NAME,
            version: M::VERSION,
            digest: M::DIGEST,
            space: "",
            facts: M::FACTS,
            made: Made::Ranker(M::engine),
            warm: |how| {
                let handle = rank::Handle::<M>::new();
                how.map_or_else(|| handle.warm(), |how| handle.warm_with(how))
            },
            self_test: || rank::Handle::<M>::new().self_test().map(Proved::Requests),
        }
    }

    /// Makes the model ready, and where `how` says it, holds its bytes in memory.
    ///
    /// # Errors
    ///
    /// If the model cannot be had, or the system refuses the memory.
    pub fn warm(&self, how: Option<Warm>) -> Result<(), Error> {
        (self.warm)(how)
    }

    /// Proves the pack's digest and runs what is golden in it: all must come back to the bit.
    ///
    /// # Errors
    ///
    /// If the pack is not the locked one, a value does not come back, or the model cannot be had.
    pub fn self_test(&self) -> Result<Proved, Error> {
        (self.self_test)()
    }
}

//! The models that are compiled into the service: what it tells of them, how they are found, which version answers, and their self-test.

mod choose;
mod lookup;
mod served;
mod share;
mod split;
mod version;
mod weights;

pub(crate) use choose::{KEY, LABEL, Named, VERSION, Wanted};
pub(crate) use lookup::{Models, Unknown};
pub(crate) use served::{Served, likeliest};
pub use share::Share;
pub use version::Version;
pub(crate) use weights::Weight;

use modeldeploy::Warm;
use modeldeploy::model::{Engine, Facts, Handle, Model};
use serde::Serialize;

/// What a service tells of a model inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ModelCard {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The digest of its pack.
    pub digest: &'static str,
    /// The digest of what decides what its outputs mean.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub space: &'static str,
}

/// A model of a service: its card and what is done with it. No type remembers which model it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inside {
    pub(crate) card: ModelCard,
    pub(crate) facts: Facts,
    /// The model itself, made on the first call.
    pub(crate) engine: fn() -> Result<&'static Engine<'static>, modeldeploy::Error>,
    /// Makes it ready to run.
    pub(crate) load: fn(Option<Warm>) -> Result<(), String>,
    /// Replays its golden vectors; says how they compare.
    pub(crate) self_test: fn() -> Result<String, String>,
    /// Its name in the lock, whatever it is served as.
    pub(crate) entry: &'static str,
    pub(crate) label: Option<&'static str>,
    /// Of the requests for its name that ask for no version.
    pub(crate) share: Share,
    /// Whether it answers nobody.
    pub(crate) is_shadow: bool,
}

/// A model as `/models` lists it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    card: ModelCard,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'static str>,
    #[serde(skip_serializing_if = "is_none")]
    share: Share,
}

fn is_none(share: &Share) -> bool {
    *share == Share::NONE
}

impl Inside {
    pub(crate) fn of<M: Model>() -> Inside {
        Inside {
            card: ModelCard::of::<M>(),
            facts: M::FACTS,
            engine: M::engine,
            load: load::<M>,
            self_test: self_test::<M>,
            entry: M::NAME,
            label: None,
            share: Share::NONE,
            is_shadow: false,
        }
    }

    /// The same under another name.
    pub(crate) fn named(mut self, name: &'static str) -> Inside {
        self.card.name = name;
        self
    }

    pub(crate) fn listed(&self) -> Listed {
        Listed { card: self.card, label: self.label, share: self.share }
    }
}

fn load<M: Model>(warm: Option<Warm>) -> Result<(), String> {
    let handle = Handle::<M>::new();
    warm.map_or_else(|| handle.warm(), |how| handle.warm_with(how)).map_err(|error| error.to_string())
}

fn self_test<M: Model>() -> Result<String, String> {
    let found = Handle::<M>::new().self_test().map_err(|error| error.to_string())?;
    // Single numbers have no direction.
    let near = match M::FACTS.outputs {
        1 => format!("at most {:.6} from the f32 reference", found.distance),
        _ => format!("cosine to the f32 reference at least {:.6}", found.cosine),
    };
    Ok(format!("{} {}: {} golden vectors came back to the bit; {near}", M::NAME, M::VERSION, found.vectors))
}

impl ModelCard {
    /// The card of a model.
    pub const fn of<M: Model>() -> ModelCard {
        ModelCard { name: M::NAME, version: M::VERSION, digest: M::DIGEST, space: M::SPACE }
    }
}

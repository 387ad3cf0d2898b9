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
pub(crate) use served::{Engines, Served, likeliest};
pub use share::Share;
pub use version::Version;
pub(crate) use weights::Weight;

use modeldeploy::Warm;
use modeldeploy::model::{AnyModel, Compiled, Proved};
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
    /// The digest of what decides what its outputs mean; empty of a ranker.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub space: &'static str,
}

/// A model of a service: its card and what is done with it. No type remembers which model it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inside {
    /// Under the name that it is served as.
    pub(crate) card: ModelCard,
    /// As the lock has it.
    pub(crate) compiled: Compiled,
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
    task: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Passed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'static str>,
    #[serde(skip_serializing_if = "is_none")]
    share: Share,
}

/// What its gate measured, as the lock has it.
#[derive(Clone, Copy, Debug, Serialize)]
struct Passed {
    metric: &'static str,
    base: &'static str,
    got: &'static str,
}

fn is_none(share: &Share) -> bool {
    *share == Share::NONE
}

impl Inside {
    pub(crate) fn of<M: AnyModel>() -> Inside {
        let (card, compiled) = (ModelCard::of::<M>(), M::COMPILED);
        Inside { card, compiled, label: None, share: Share::NONE, is_shadow: false }
    }

    /// The same under another name.
    pub(crate) fn named(mut self, name: &'static str) -> Inside {
        self.card.name = name;
        self
    }

    pub(crate) fn listed(&self) -> Listed {
        let facts = self.compiled.facts;
        let gate = facts.gate.map(|gate| Passed { metric: gate.metric, base: gate.base, got: gate.got });
        Listed { card: self.card, task: facts.task.name(), gate, label: self.label, share: self.share }
    }

    /// Makes it ready to run.
    pub(crate) fn load(&self, warm: Option<Warm>) -> Result<(), String> {
        self.compiled.warm(warm).map_err(|error| error.to_string())
    }

    /// Replays what is golden in it; says how that compares.
    pub(crate) fn self_test(&self) -> Result<String, String> {
        let Compiled { name, version, facts, .. } = self.compiled;
        Ok(match self.compiled.self_test().map_err(|error| error.to_string())? {
            Proved::Requests(golden) => format!("{name} {version}: {golden} golden requests came back to the bit"),
            Proved::Vectors(found) => {
                // Single numbers have no direction.
                let near = match facts.outputs {
                    1 => format!("at most {:.6} from the f32 reference", found.distance),
                    _ => format!("cosine to the f32 reference at least {:.6}", found.cosine),
                };
                format!("{name} {version}: {} golden vectors came back to the bit; {near}", found.vectors)
            }
        })
    }
}

impl ModelCard {
    /// The card of a model.
    pub const fn of<M: AnyModel>() -> ModelCard {
        let Compiled { name, version, digest, space, .. } = M::COMPILED;
        ModelCard { name, version, digest, space }
    }
}

//! A model as every protocol sees it: its card, its facts and what runs it, whatever its type.

use super::choose::VERSION;
use super::{Inside, ModelCard, Share};
use axum::http::{HeaderName, HeaderValue};
use modeldeploy::format::program::{Activation, Step};
use modeldeploy::model::{Engine, Facts, Made};
use modeldeploy::rank;
use modeldeploy::session::{RunError, Stage};

/// A model that is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub(crate) card: ModelCard,
    pub(crate) facts: Facts,
    pub(crate) engines: Engines,
    /// Its name in the lock, whatever it is served as.
    pub(crate) entry: &'static str,
    pub(crate) label: Option<&'static str>,
    /// Of the requests for its name that ask for no version.
    pub(crate) share: Share,
    /// Whether it answers nobody.
    pub(crate) is_shadow: bool,
}

/// What runs a model.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engines {
    /// One of texts.
    Texts(&'static Engine<'static>),
    /// A ranker.
    Ranker(&'static rank::Engine<'static>),
}

impl Served {
    /// The model, made if it was not yet.
    pub(crate) fn new(inside: &Inside) -> Result<Served, modeldeploy::Error> {
        let Inside { card, compiled, label, share, is_shadow } = *inside;
        let engines = match compiled.made {
            Made::Texts(engine) => Engines::Texts(engine()?),
            Made::Ranker(engine) => Engines::Ranker(engine()?),
        };
        let (facts, entry) = (compiled.facts, compiled.name);
        Ok(Served { card, facts, engines, entry, label, share, is_shadow })
    }

    /// What runs texts; none of a ranker.
    pub(crate) fn texts(&self) -> Option<&'static Engine<'static>> {
        if let Engines::Texts(engine) = self.engines { Some(engine) } else { None }
    }

    /// What scores candidates; none of a model of texts.
    pub(crate) fn ranker(&self) -> Option<&'static rank::Engine<'static>> {
        if let Engines::Ranker(engine) = self.engines { Some(engine) } else { None }
    }

    /// What is said to who asks a ranker for a text.
    pub(crate) fn no_texts(&self) -> String {
        let name = self.card.name;
        format!(
            "model `{name}` is a ranker: it scores candidates by their features and reads no texts; \
             ask it by `/v2/models/{name}/infer` or `/v1/models/{name}:predict`"
        )
    }

    /// The values of a row of that stage; none where the model computes no such rows.
    pub(crate) fn width(&self, stage: Stage) -> Option<usize> {
        match stage {
            Stage::Output => Some(self.facts.outputs),
            _ => stage.width(self.texts()?.artifact().program()),
        }
    }

    /// What is said to who asks for rows that the model does not compute.
    pub(crate) fn lacks(&self, stage: Stage) -> String {
        format!("model `{}`: {}", self.card.name, RunError::Stage { stage })
    }

    /// Its version and label, in words.
    pub(crate) fn shown(&self) -> String {
        let version = self.card.version;
        self.label.map_or_else(|| version.to_owned(), |label| format!("{version} ({label})"))
    }

    /// The header that says that it answered.
    pub(crate) fn header(&self) -> [(HeaderName, HeaderValue); 1] {
        // `Models::new` refuses what could not stand there.
        [(HeaderName::from_static(VERSION), HeaderValue::from_static(self.card.version))]
    }

    /// The label of a classifier's row: of equal ones the first.
    pub(crate) fn label(&self, row: &[f32]) -> &'static str {
        likeliest(&self.facts, row)
    }

    /// Whether its rows end in a sigmoid.
    pub(crate) fn has_sigmoid(&self) -> bool {
        let Some(engine) = self.texts() else { return false };
        let program = engine.artifact().program();
        program.steps.iter().any(|step| match step {
            Step::Linear { activation, out, .. } | Step::Activate { activation, out, .. } => {
                *out == program.output && *activation == Activation::Sigmoid
            }
            _ => false,
        })
    }

    /// The version as TensorFlow Serving counts them: in whole numbers. That is the version itself where it is one, else its first
    /// part: `1.4.2` is 1.
    pub(crate) fn number(&self) -> Option<i64> {
        self.card.version.split('.').next().and_then(|first| first.parse().ok())
    }
}

/// The label of a row of a classifier of these facts: of equal ones the first.
pub(crate) fn likeliest(facts: &Facts, row: &[f32]) -> &'static str {
    let best = (0..row.len()).reduce(|best, next| if row[next] > row[best] { next } else { best });
    best.and_then(|best| facts.labels.get(best).copied()).unwrap_or_default()
}

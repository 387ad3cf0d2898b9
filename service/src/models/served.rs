//! A model as every protocol sees it: its card, its facts and its engine, whatever its type.

use super::choose::VERSION;
use super::{Inside, ModelCard, Share};
use axum::http::{HeaderName, HeaderValue};
use modeldeploy::format::program::{Activation, Step};
use modeldeploy::model::{Engine, Facts};

/// A model that is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub(crate) card: ModelCard,
    pub(crate) facts: Facts,
    pub(crate) engine: &'static Engine<'static>,
    /// Its name in the lock, whatever it is served as.
    pub(crate) entry: &'static str,
    pub(crate) label: Option<&'static str>,
    /// Of the requests for its name that ask for no version.
    pub(crate) share: Share,
    /// Whether it answers nobody.
    pub(crate) is_shadow: bool,
}

impl Served {
    /// The model, made if it was not yet.
    pub(crate) fn new(inside: &Inside) -> Result<Served, modeldeploy::Error> {
        let Inside { card, facts, entry, label, share, is_shadow, .. } = *inside;
        Ok(Served { card, facts, engine: (inside.engine)()?, entry, label, share, is_shadow })
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
        let program = self.engine.artifact().program();
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

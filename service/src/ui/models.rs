//! `GET /ui/models`: what is known of each model before it is asked anything.

use crate::models::{Engines, ModelCard, Served};
use crate::protocols::Shared;
use axum::Json;
use axum::extract::State;
use modeldeploy::format::features::{Fact, Kind};
use modeldeploy::model::Gate;
use serde::Serialize;
use std::collections::BTreeMap;

/// A model, as the page shows it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    card: ModelCard,
    task: String,
    max_tokens: usize,
    outputs: usize,
    normalized: bool,
    labels: &'static [&'static str],
    prompts: &'static [&'static str],
    default_prompt: Option<String>,
    /// Of a ranker, in its order.
    features: Vec<Feature>,
    pack_bytes: usize,
    /// The instruction set that it runs on.
    isa: &'static str,
    gate: Option<Measured>,
}

/// A feature of a ranker.
#[derive(Debug, Serialize)]
struct Feature {
    name: &'static str,
    /// Of what it is known: `user`, `session` or `candidate`.
    of: &'static str,
    /// What is given for it: `number`, `text` or `embedding`.
    kind: &'static str,
}

/// What its gate measured. Figures are decimal numbers in text, as the lock has them.
#[derive(Debug, Serialize)]
struct Measured {
    metric: &'static str,
    base: &'static str,
    got: &'static str,
    thresholds: BTreeMap<&'static str, &'static str>,
    figures: BTreeMap<&'static str, &'static str>,
}

pub(super) async fn models(State(served): State<Shared>) -> Json<Vec<Told>> {
    Json(served.inference.models().all().iter().map(told).collect())
}

fn told(model: &Served) -> Told {
    let facts = model.facts;
    let (artifact, default_prompt, features) = match model.engines {
        Engines::Texts(engine) => (engine.artifact(), engine.signature().default_prompt.clone(), vec![]),
        Engines::Ranker(engine) => (engine.artifact(), None, engine.signature().features.iter().map(feature).collect()),
    };
    Told {
        card: model.card,
        task: facts.task.to_string(),
        max_tokens: facts.max_tokens,
        outputs: facts.outputs,
        normalized: facts.normalized,
        labels: facts.labels,
        prompts: facts.prompts,
        default_prompt,
        features,
        pack_bytes: artifact.parts().map(<[u8]>::len).sum(),
        isa: match model.engines {
            Engines::Texts(engine) => engine.options().isa.name(),
            Engines::Ranker(engine) => engine.isa().name(),
        },
        gate: facts.gate.map(measured),
    }
}

fn feature(fact: &'static Fact) -> Feature {
    let kind = match fact.kind {
        Kind::Number => "number",
        Kind::Text => "text",
        Kind::Embedding(_) => "embedding",
    };
    Feature { name: &fact.name, of: fact.side.name(), kind }
}

fn measured(gate: Gate) -> Measured {
    let Gate { metric, base, got, thresholds, figures } = gate;
    let pairs = |pairs: &[(&'static str, &'static str)]| pairs.iter().copied().collect();
    Measured { metric, base, got, thresholds: pairs(thresholds), figures: pairs(figures) }
}

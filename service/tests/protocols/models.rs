//! A service of hand-made models, and what their engines say.

use crate::packs::{self, Head, Precision, feed, means, nearby, shelf};
use modeldeploy::Error;
use modeldeploy::format::Task;
use modeldeploy::model::{Engine, Facts, Gate, Input, Model, Space};
use modeldeploy_service::{Service, Version};
use std::sync::OnceLock;

/// `encoder` 1.0.0: the mean of a text's token ids, and 1; the prompt `document` unless another is named.
pub(crate) struct Encoder1;
/// `encoder` 2.1.0: an int8 transformer of 20 values.
pub(crate) struct Encoder2;
/// `ranker` 1.0.0.
pub(crate) struct Ranker;
/// `mood` 1.0.0: three labels.
pub(crate) struct Mood;
/// `shelf` 1.0.0: trees of candidates.
pub(crate) struct Shelf;
/// `nearby` 1.0.0: a network of embeddings of a user and of candidates, which have two scores each.
pub(crate) struct Nearby;
/// `feed` 1.0.0: a network of a user, a session and candidates, which have two scores each.
pub(crate) struct Feed;

const FACTS: Facts = Facts {
    task: Task::Embed,
    max_tokens: 16,
    outputs: 2,
    normalized: false,
    labels: &[],
    prompts: &["document", "query"],
    gate: None,
};

const TRANSFORMER: Facts = Facts {
    max_tokens: packs::MAX_TOKENS as usize,
    outputs: packs::SMALL.width as usize,
    normalized: true,
    prompts: &["query"],
    gate: Some(Gate {
        metric: "ndcg@10",
        base: "0.847802",
        got: "0.847609",
        thresholds: &[("min-cosine", "0.98"), ("min-ratio", "0.99")],
        figures: &[("cosine-min", "0.999953")],
    }),
    ..FACTS
};

macro_rules! model {
    ($model:ident: $name:literal $version:literal, $facts:expr, $pack:expr) => {
        impl modeldeploy::model::AnyModel for $model {
            const COMPILED: modeldeploy::model::Compiled = modeldeploy::model::Compiled::texts::<$model>();
        }

        impl Model for $model {
            type Space = Space<1, 2>;
            const NAME: &'static str = $name;
            const VERSION: &'static str = $version;
            const DIGEST: &'static str = "sha256:00";
            const SPACE: &'static str = "";
            const FACTS: Facts = $facts;

            fn engine() -> Result<&'static Engine<'static>, Error> {
                static ENGINE: OnceLock<Engine<'static>> = OnceLock::new();
                Ok(ENGINE.get_or_init(|| Engine::new($name, Box::leak(Box::new($pack))).expect("an engine")))
            }
        }
    };
}

model!(Encoder1: "encoder" "1.0.0", FACTS, means::build(Task::Embed));
model!(Encoder2: "encoder" "2.1.0", TRANSFORMER, packs::build(Precision::Int8, Head::Embed, vec![]).pack);
model!(Ranker: "ranker" "1.0.0", Facts { task: Task::Score, outputs: 1, prompts: &[], ..FACTS }, means::build(Task::Score));
model!(
    Mood: "mood" "1.0.0",
    Facts { task: Task::Classify, outputs: 3, labels: &means::LABELS, prompts: &[], ..FACTS },
    means::build(Task::Classify)
);

macro_rules! ranker {
    ($model:ident: $name:literal $version:literal, $features:expr, $facts:expr, $pack:expr) => {
        impl modeldeploy::model::AnyModel for $model {
            const COMPILED: modeldeploy::model::Compiled = modeldeploy::model::Compiled::ranker::<$model>();
        }

        impl modeldeploy::rank::RankModel for $model {
            const NAME: &'static str = $name;
            const VERSION: &'static str = $version;
            const DIGEST: &'static str = "sha256:00";
            const FEATURES: &'static [&'static str] = &$features;
            const OUTPUTS: usize = Self::FACTS.outputs;
            const FACTS: modeldeploy::model::Facts = $facts;

            fn engine() -> Result<&'static modeldeploy::rank::Engine<'static>, modeldeploy::Error> {
                static ENGINE: std::sync::OnceLock<modeldeploy::rank::Engine<'static>> = std::sync::OnceLock::new();
                Ok(ENGINE.get_or_init(|| {
                    modeldeploy::rank::Engine::new($name, Box::leak(Box::new($pack))).expect("an engine")
                }))
            }
        }
    };
}

ranker!(
    Shelf: "shelf" "1.0.0",
    ["price", "brand"],
    Facts { task: Task::Rank, max_tokens: 1, outputs: 1, prompts: &[], ..FACTS },
    shelf::pack(0.75)
);
ranker!(
    Feed: "feed" "1.0.0",
    ["seen", "country", "item", "boost"],
    Facts { task: Task::Rank, max_tokens: 3, outputs: 2, prompts: &[], ..FACTS },
    feed::pack(0.0)
);

ranker!(
    Nearby: "nearby" "1.0.0",
    ["query", "boost", "title"],
    Facts { task: Task::Rank, max_tokens: 1, outputs: 2, prompts: &[], ..FACTS },
    nearby::pack()
);

/// A service of all of them, `encoder` with labels.
pub(crate) fn service() -> Service {
    let encoder = [Version::of::<Encoder1>().label("previous"), Version::stable::<Encoder2>()];
    Service::new("shop", "1.2.3")
        .versions("encoder", encoder)
        .model::<Ranker>()
        .model::<Mood>()
        .model::<Shelf>()
        .model::<Feed>()
        .model::<Nearby>()
}

/// What the engine itself says of each input.
pub(crate) fn rows<'t, M: Model>(inputs: impl IntoIterator<Item = Input<'t>>) -> Vec<Vec<f32>> {
    let mut rows = vec![];
    M::engine().expect("an engine").run(inputs, |row| rows.push(row.to_vec())).expect("rows");
    rows
}

//! A service of hand-made models, what their engines say, and a client.

use crate::packs::{self, Head, Precision, means};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use modeldeploy::Error;
use modeldeploy::format::Task;
use modeldeploy::model::{Engine, Facts, Input, Model, Space};
use modeldeploy_service::Service;
use serde_json::Value;
use std::sync::OnceLock;
use tower::ServiceExt;

/// `encoder` 1.0.0: the mean of a text's token ids, and 1; the prompt `document` unless another is named.
pub(crate) struct Encoder1;
/// `encoder` 2.1.0: an int8 transformer of 20 values.
pub(crate) struct Encoder2;
/// `ranker` 1.0.0.
pub(crate) struct Ranker;
/// `mood` 1.0.0: three labels.
pub(crate) struct Mood;

const FACTS: Facts = Facts {
    task: Task::Embed,
    max_tokens: 16,
    outputs: 2,
    normalized: false,
    labels: &[],
    prompts: &["document", "query"],
};

const TRANSFORMER: Facts = Facts {
    max_tokens: packs::MAX_TOKENS as usize,
    outputs: packs::WIDTH as usize,
    normalized: true,
    prompts: &["query"],
    ..FACTS
};

macro_rules! model {
    ($model:ident: $name:literal $version:literal, $facts:expr, $pack:expr) => {
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

/// A service of all of them.
pub(crate) fn service() -> Service {
    Service::new("shop", "1.2.3").model::<Encoder1>().model::<Encoder2>().model::<Ranker>().model::<Mood>()
}

/// It as a router, made once: its workers are shared by all tests.
pub(crate) fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    ROUTER.get_or_init(|| service().into_router().expect("a router")).clone()
}

/// What the engine itself says of each input.
pub(crate) fn rows<'t, M: Model>(inputs: impl IntoIterator<Item = Input<'t>>) -> Vec<Vec<f32>> {
    let mut rows = vec![];
    M::engine().expect("an engine").run(inputs, |row| rows.push(row.to_vec())).expect("rows");
    rows
}

/// The rows of texts without a prompt.
pub(crate) fn rows_of<M: Model>(texts: &[&str]) -> Vec<Vec<f32>> {
    rows::<M>(texts.iter().map(|&text| Input { text, ..Input::default() }))
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(path: &str) -> Answer {
    send(&router(), Request::get(path).body(Body::empty()).expect("a request")).await
}

pub(crate) async fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(&router(), request.body(body.into()).expect("a request")).await
}

/// Numbers of JSON as the very f32 that they were written from.
#[track_caller]
pub(crate) fn floats(values: &Value) -> Vec<f32> {
    values.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number") as f32).collect()
}

/// The number of JSON that an answer has for a value.
pub(crate) fn number(value: f32) -> Value {
    serde_json::to_string(&value).and_then(|text| serde_json::from_str(&text)).expect("a number")
}

/// Whether all bits are equal.
#[track_caller]
pub(crate) fn same_bits(got: &[f32], expected: &[f32]) {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(got), bits(expected), "{got:?} {expected:?}");
}

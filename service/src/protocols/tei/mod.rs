//! Text Embeddings Inference, as Hugging Face's server speaks it.
//!
//! Its paths name no model, for that server has one: here each route is answered by the first model that was added of the route's task.
//!
//! | route | answers |
//! | --- | --- |
//! | `POST /embed`, `/similarity` | vectors, and cosines, of the first model that embeds |
//! | `POST /rerank` | scores, best first, of the first model that scores |
//! | `POST /predict` | labels with probabilities, best first, of the first model that classifies |
//! | `POST /tokenize`, `/decode`, `GET /info` | the tokens and the facts of the first model |
//! | `POST /embed_all` | the rows of the tokens from which vectors are pooled, of the first model that embeds |
//! | `GET /health` | 200 |
//!
//! A text of more tokens than the model takes is refused unless `truncate` is true, as there without `--auto-truncate`.
//!
//! Specification: <https://huggingface.github.io/text-embeddings-inference/>.

mod embed;
mod error;
mod info;
pub(super) mod openapi;
mod rank;
mod tokens;
mod wire;

pub(super) use error::whole;
pub use wire::check;

use super::Shared;
use crate::inference::{Answer, Ask, Fault, Overlong, Text};
use crate::models::{Served, Wanted};
use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::routing::{get, post};
use error::Error;
use modeldeploy::format::Task;
use modeldeploy::session::Stage;
use modeldeploy::tokenizer::Side;
use std::time::{Duration, Instant};
use wire::Direction;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/embed", post(embed::embed))
        .route("/embed_all", post(embed::embed_all))
        .route("/similarity", post(embed::similarity))
        .route("/rerank", post(rank::rerank))
        .route("/predict", post(rank::predict))
        .route("/tokenize", post(tokens::tokenize))
        .route("/decode", post(tokens::decode))
        .route("/info", get(info::info))
        .route("/health", get(health))
}

async fn health(axum::extract::State(served): axum::extract::State<Shared>) -> Result<(), Error> {
    if served.is_ready() { Ok(()) } else { Err(Error::unhealthy("the service is stopping")) }
}

/// The first model of a task, in the version that answers, and its place.
fn model_for(served: &Shared, task: Task, headers: &HeaderMap) -> Result<(usize, Served), Error> {
    let models = served.inference.models();
    let first = models.choose_first(Some(task), &Wanted::new(None, headers)).map_err(Fault::from)?;
    let place = first.ok_or_else(|| Error::backend(models.lacks(&format!("does `{task}`"))))?;
    Ok((place, models.all()[place]))
}

/// How texts are run.
#[derive(Clone, Debug, Default)]
struct How {
    truncate: bool,
    direction: Direction,
    prompt: Option<String>,
    /// Which rows.
    stage: Stage,
}

/// An answer with the headers that say who gave it and where its time went.
struct Timed {
    answer: Answer,
    headers: HeaderMap,
}

async fn run(served: &Shared, model: usize, texts: Vec<Text>, how: How, headers: &HeaderMap) -> Result<Timed, Error> {
    let begun = Instant::now();
    let timeout = crate::inference::timeout(headers)?;
    let characters: usize = texts.iter().map(characters).sum();
    let overlong = match (how.truncate, how.direction) {
        (false, _) => Overlong::Refuse,
        (true, Direction::Left) => Overlong::CutAt(Side::Left),
        (true, Direction::Right) => Overlong::CutAt(Side::Right),
    };
    let answer =
        served.inference.answer(Ask { model, prompt: how.prompt, texts, overlong, stage: how.stage, timeout }).await?;
    let mut headers = times(&answer, characters, begun.elapsed());
    headers.extend(served.inference.served(model).header());
    Ok(Timed { answer, headers })
}

fn characters(text: &Text) -> usize {
    match text {
        Text::One(text) => text.chars().count(),
        Text::Pair(text, pair) => text.chars().count() + pair.chars().count(),
        Text::Tokens(_) => 0,
    }
}

/// Milliseconds, characters and tokens, as that server gives them.
fn times(answer: &Answer, characters: usize, total: Duration) -> HeaderMap {
    let millis = |time: Duration| HeaderValue::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let times = answer.times;
    let values = [
        ("x-compute-type", HeaderValue::from_static("cpu")),
        ("x-compute-time", millis(total)),
        ("x-compute-characters", HeaderValue::from(characters)),
        ("x-compute-tokens", HeaderValue::from(answer.tokens.iter().sum::<usize>())),
        ("x-total-time", millis(total)),
        ("x-tokenization-time", millis(times.tokenize)),
        ("x-queue-time", millis(times.queue)),
        ("x-inference-time", millis(times.infer)),
    ];
    values.map(|(name, value)| (HeaderName::from_static(name), value)).into_iter().collect()
}

/// Overloaded there is 429, and what the model's task cannot give 424.
const BACKEND: StatusCode = StatusCode::FAILED_DEPENDENCY;

//! MLflow's scoring server: `POST /invocations` to the first model that was added.
//!
//! A body in JSON has one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`; one in CSV has a head. A table's column is
//! the text, and its second one the other text of a pair, whatever they are called. The answer is `{"predictions": […]}`: vectors,
//! scores, or labels with their probability.
//!
//! Where the first model is a ranker, a row is a candidate, and the columns are the model's features by their names; `inputs` may be an
//! object of columns. What is the user's is the same in all rows.
//!
//! Specification: <https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/>.

mod decode;
mod error;
pub(super) mod openapi;

pub use decode::{check, check_ranked};
pub(super) use error::whole;

use super::{Shared, scored};
use crate::AsJson;
use crate::inference::{self, Ask, Overlong};
use crate::models::Wanted;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use error::Error;
use modeldeploy::format::Task;
use modeldeploy::session::Stage;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn router() -> Router<Shared> {
    Router::new().route("/invocations", post(invoke)).route("/version", get(version))
}

async fn version(State(served): State<Shared>) -> &'static str {
    served.service.1
}

/// What a row becomes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Prediction<'a> {
    Vector(&'a [f32]),
    Score(f32),
    Label { label: &'static str, score: f32 },
}

async fn invoke(State(served): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    let first = served.inference.models().choose_first(None, &Wanted::new(None, &headers));
    let ranker = first
        .as_ref()
        .ok()
        .copied()
        .flatten()
        .and_then(|place| Some((place, served.inference.served(place).ranker()?)));
    if let Some((place, engine)) = ranker {
        let (features, most) = (&engine.signature().features, served.inference.limits().candidates);
        let asked = decode::decode_ranked(&body, kind.as_deref(), features, most).map_err(Error::invalid)?;
        let scores = served.inference.rank(place, asked, inference::timeout(&headers)?).await?;
        let predictions = BTreeMap::from([("predictions", scored(&scores))]);
        return Ok((served.inference.served(place).header(), AsJson(predictions)).into_response());
    }
    let texts = decode::decode(&body, kind.as_deref()).map_err(Error::invalid)?;
    let place = first?.ok_or_else(|| Error::invalid("there is no model here"))?;
    let timeout = inference::timeout(&headers)?;
    let ask = Ask { model: place, prompt: None, texts, overlong: Overlong::Cut, stage: Stage::Output, timeout };
    let answer = served.inference.answer(ask).await?;
    let model = served.inference.served(place);
    let prediction = |row| match model.facts.task {
        Task::Embed => Prediction::Vector(row),
        Task::Score => Prediction::Score(row[0]),
        _ => Prediction::Label { label: model.label(row), score: row.iter().copied().fold(0.0, f32::max) },
    };
    let predictions: Vec<_> = answer.values.chunks_exact(answer.width).map(prediction).collect();
    Ok((model.header(), AsJson(BTreeMap::from([("predictions", predictions)]))).into_response())
}

//! TorchServe's inference API.
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /ping` | `{"status": "Healthy"}` |
//! | `POST`, `PUT /predictions/{m}[/{version}]` | a vector, a score, or each label's probability |
//!
//! A body that is said to be JSON is a text, a pair of texts in a list, `{"data": …}` of these, or `{"instances": […]}` of these, which
//! is answered by `{"predictions": […]}`; any other body is a text itself. Of a form, its `data` is read as a body is, or else its `body`. A
//! ranker takes a row of its features in JSON, which is answered by its score, or `{"instances": […]}` of rows.
//!
//! Specification: <https://pytorch.org/serve/inference_api.html>.

mod decode;
mod error;
mod form;
pub(super) mod openapi;

pub use decode::{check, check_ranked};
pub(super) use error::whole;

use super::{Scored, Shared, scored};
use crate::AsJson;
use crate::inference::{self, Ask, Overlong};
use crate::models::{Named, Served, Wanted};
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use error::Error;
use modeldeploy::format::Task;
use modeldeploy::session::Stage;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/ping", get(ping))
        .route("/predictions/{name}", post(predict).put(predict))
        .route("/predictions/{name}/{version}", post(predict).put(predict))
}

async fn ping(State(served): State<Shared>) -> impl IntoResponse {
    let (status, word) = match served.is_ready() {
        true => (StatusCode::OK, "Healthy"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "Unhealthy"),
    };
    (status, Json(json!({ "status": word })))
}

/// Which model a path names; its version may be a label.
#[derive(Debug, Deserialize)]
struct Place {
    name: String,
    version: Option<String>,
}

/// What a row becomes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Output<'a> {
    Vector(&'a [f32]),
    Score(f32),
    Labels(BTreeMap<&'static str, f32>),
}

async fn predict(
    State(served): State<Shared>,
    place: Result<Path<Place>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let Path(Place { name, version }) = place.map_err(|rejection| Error::invalid(rejection.body_text()))?;
    let wanted = Wanted::new(version.as_deref().map(Named::Either), &headers);
    let place = served.inference.models().choose(&name, &wanted)?;
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    if let Some(engine) = served.inference.served(place).ranker() {
        let (features, most) = (&engine.signature().features, served.inference.limits().candidates);
        let (asked, is_list) = decode::decode_ranked(&body, kind.as_deref(), features, most).map_err(Error::invalid)?;
        let scores = served.inference.rank(place, asked, inference::timeout(&headers)?).await?;
        let header = served.inference.served(place).header();
        return Ok(match (is_list, scored(&scores)) {
            (false, Scored::One([only])) => (header, Json(only)).into_response(),
            (false, Scored::Several(rows)) => (header, Json(&rows[0])).into_response(),
            (_, scored) => (header, AsJson(BTreeMap::from([("predictions", scored)]))).into_response(),
        });
    }
    let decode::Predict { texts, is_list } = decode::decode(&body, kind.as_deref()).map_err(Error::invalid)?;
    let timeout = inference::timeout(&headers)?;
    let ask = Ask { model: place, prompt: None, texts, overlong: Overlong::Cut, stage: Stage::Output, timeout };
    let answer = served.inference.answer(ask).await?;
    let model = served.inference.served(place);
    let mut outputs: Vec<_> = answer.values.chunks_exact(answer.width).map(|row| output(model, row)).collect();
    Ok(match outputs.pop() {
        Some(only) if !is_list => (model.header(), AsJson(only)).into_response(),
        last => {
            outputs.extend(last);
            (model.header(), AsJson(BTreeMap::from([("predictions", outputs)]))).into_response()
        }
    })
}

fn output<'a>(model: &Served, row: &'a [f32]) -> Output<'a> {
    match model.facts.task {
        Task::Embed => Output::Vector(row),
        Task::Score => Output::Score(row[0]),
        _ => Output::Labels(model.facts.labels.iter().copied().zip(row.iter().copied()).collect()),
    }
}

//! What each route answers.

use super::error::Error;
use super::wire::{IndexRequest, Indexed, Metadata};
use super::{EXTENSIONS, HEADER_LENGTH, PLATFORM, config, decode, encode, statistics, tensors};
use crate::grpc::wire::inference::ModelStatisticsResponse;
use crate::inference::{self, Ask, Fault, Overlong};
use crate::models::{Named, Wanted};
use crate::protocols::Shared;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use modeldeploy::session::Stage;
use serde::Deserialize;
use serde_json::{Value, json};

/// Which model a path names; its version may be a label.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    name: String,
    version: Option<String>,
}

type Model = Result<Path<Place>, PathRejection>;

fn find(served: &Shared, model: Model) -> Result<usize, Error> {
    let Path(Place { name, version }) = model?;
    Ok(served.inference.models().find(&name, version.as_deref().map(Named::Either))?)
}

/// `GET /v2`.
pub(super) async fn server(State(served): State<Shared>) -> Json<Value> {
    let (name, version) = served.service;
    Json(json!({ "name": name, "version": version, "extensions": EXTENSIONS }))
}

/// `GET /v2/health/live`.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// `GET /v2/health/ready`.
pub(super) async fn ready(State(served): State<Shared>) -> impl IntoResponse {
    let is_ready = served.is_ready();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "live": true, "ready": is_ready })))
}

/// `GET /v2/models`.
pub(super) async fn models(State(served): State<Shared>) -> Json<Value> {
    let names: Vec<_> = served.inference.models().names().collect();
    Json(json!({ "models": names }))
}

/// `GET /v2/models/{name}[/versions/{version}]`.
pub(super) async fn metadata(State(served): State<Shared>, model: Model) -> Result<Json<Metadata>, Error> {
    let model = served.inference.served(find(&served, model)?);
    let name = model.card.name;
    let all = served.inference.models().all().iter();
    let versions = all.filter(|other| other.card.name == name).map(|other| other.card.version).collect();
    let (inputs, outputs) = tensors::metadata(model);
    Ok(Json(Metadata { name, versions, platform: PLATFORM, inputs, outputs }))
}

/// `GET /v2/models/{name}[/versions/{version}]/ready`.
pub(super) async fn model_ready(State(served): State<Shared>, model: Model) -> Result<Json<Value>, Error> {
    let card = served.inference.served(find(&served, model)?).card;
    if !served.is_ready() {
        return Err(Fault::Stopping.into());
    }
    Ok(Json(json!({ "name": card.name, "ready": true })))
}

/// `POST /v2/models/{name}[/versions/{version}]/infer`.
pub(super) async fn infer(
    State(served): State<Shared>,
    model: Model,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, Error> {
    let Path(Place { name, version }) = model?;
    let wanted = Wanted::new(version.as_deref().map(Named::Either), &headers);
    let place = served.inference.models().choose(&name, &wanted)?;
    let header = inference::timeout(&headers)?;
    let length = headers.get(HEADER_LENGTH).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let model = *served.inference.served(place);
    if let Some(engine) = model.ranker() {
        let (features, most) = (&engine.signature().features, served.inference.limits().candidates);
        let infer = decode::decode_ranked(&body, length.as_deref(), features, most);
        let infer = infer.and_then(decode::Infer::without_prompt).map_err(Error::invalid)?;
        let chosen = encode::chosen(&model, &infer.outputs).map_err(Error::invalid)?;
        let timeout = infer.timeout.into_iter().chain(header).min();
        let scores = served.inference.rank(place, infer.asked, timeout).await?;
        return Ok((model.header(), encode::encode_scores(&model, infer.id.as_deref(), &scores, &chosen)));
    }
    let infer = decode::decode(&body, length.as_deref()).map_err(Error::invalid)?;
    let chosen = encode::chosen(&model, &infer.outputs).map_err(Error::invalid)?;
    let decode::Infer { id, asked: texts, prompt, timeout, .. } = infer;
    let timeout = timeout.into_iter().chain(header).min();
    let ask = Ask { model: place, prompt, texts, overlong: Overlong::Cut, stage: Stage::Output, timeout };
    let answer = served.inference.answer(ask).await?;
    Ok((model.header(), encode::encode(&model, id.as_deref(), &answer, &chosen)))
}

/// `POST /v2/repository/index`.
pub(super) async fn index(State(served): State<Shared>, body: Bytes) -> Result<Json<Vec<Indexed>>, Error> {
    if !body.is_empty() {
        let read = crate::json::read::<IndexRequest>(&body);
        read.map_err(|wrong| Error::invalid(format!("the body cannot be read: {wrong}")))?;
    }
    let models = served.inference.models().all().iter().map(|model| model.card);
    let indexed = models.map(|card| Indexed { name: card.name, version: card.version, state: "READY", reason: "" });
    Ok(Json(indexed.collect()))
}

/// `POST /v2/repository/models/{name}/load` and `…/unload`.
pub(super) async fn not_loaded(State(served): State<Shared>, model: Model) -> Error {
    find(&served, model).map_or_else(|error| error, |place| compiled_in(&served, place))
}

/// Why a model is neither loaded nor unloaded.
pub(super) fn compiled_in(served: &Shared, place: usize) -> Error {
    let card = served.inference.served(place).card;
    Error::unsupported(format!(
        "model `{}` {} ({}) is compiled into this service: it is neither loaded nor unloaded",
        card.name, card.version, card.digest
    ))
}

/// `GET /v2/models/{name}[/versions/{version}]/config`.
pub(super) async fn config(State(served): State<Shared>, model: Model) -> Result<Json<Value>, Error> {
    let model = served.inference.served(find(&served, model)?);
    Ok(Json(config::as_json(&config::config(model))))
}

/// `GET /v2/models/stats`.
pub(super) async fn all_statistics(State(served): State<Shared>) -> Result<Json<ModelStatisticsResponse>, Error> {
    Ok(Json(statistics::statistics(&served, None, None)?))
}

/// `GET /v2/models/{name}[/versions/{version}]/stats`.
pub(super) async fn statistics(
    State(served): State<Shared>,
    model: Model,
) -> Result<Json<ModelStatisticsResponse>, Error> {
    let Path(Place { name, version }) = model?;
    Ok(Json(statistics::statistics(&served, Some(&name), version.as_deref())?))
}

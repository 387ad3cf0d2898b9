//! What each route answers.

use super::error::Error;
use super::{decode, metadata};
use crate::AsJson;
use crate::inference::{self, Answer, Ask, Overlong, Text};
use crate::models::{Named, Served, Wanted};
use crate::protocols::{Shared, scored};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use modeldeploy::format::Task;
use modeldeploy::session::Stage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which model a path names, and which version of it.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    name: String,
    version: Option<String>,
    label: Option<String>,
}

impl Place {
    fn find(&self, served: &Shared) -> Result<usize, Error> {
        let label = self.label.as_deref().map(Named::Label);
        let named = label.or_else(|| self.version.as_deref().map(Named::Number));
        Ok(served.inference.models().find(&self.name, named)?)
    }
}

/// What rows become.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Values<'a> {
    Rows(Vec<&'a [f32]>),
    Scores(&'a [f32]),
    Labelled(Vec<Labelled<'a>>),
    Labels(Vec<Vec<(&'static str, f32)>>),
    Columns { probabilities: Vec<&'a [f32]>, label: Vec<&'static str> },
}

#[derive(Debug, Serialize)]
struct Labelled<'a> {
    probabilities: &'a [f32],
    label: &'static str,
}

/// `GET /v1/models/{name}/versions/{version}`, `…/labels/{label}`.
pub(super) async fn status(
    State(served): State<Shared>,
    place: Result<Path<Place>, PathRejection>,
) -> Result<Json<Value>, Error> {
    let place = place?;
    if [&place.version, &place.label].into_iter().flatten().any(|last| last.contains(':')) {
        return Err(Error::not_allowed("POST"));
    }
    let place = place.find(&served)?;
    Ok(Json(json!({ "model_version_status": [metadata::status(served.inference.served(place))] })))
}

/// `GET /v1/models/{name}[/versions/{version}, /labels/{label}]/metadata`.
pub(super) async fn metadata(
    State(served): State<Shared>,
    place: Result<Path<Place>, PathRejection>,
) -> Result<Json<Value>, Error> {
    let place = place?.find(&served)?;
    Ok(Json(metadata::metadata(served.inference.served(place))))
}

/// A method that neither a model's path has nor one that ends in a verb: each says which it has.
pub(super) async fn no_such_method(uri: Uri) -> Error {
    Error::not_allowed(if uri.path().contains(':') { "POST" } else { "GET,HEAD" })
}

/// `POST /v1/models/{name}:{verb}`.
pub(super) async fn act(
    State(served): State<Shared>,
    named: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let Path(last) = named?;
    let (name, verb) = verb(&last)?;
    answer(&served, (name, None), verb, &headers, &body).await
}

/// `POST /v1/models/{name}/versions/{version}:{verb}`.
pub(super) async fn act_on_version(
    State(served): State<Shared>,
    named: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let Path((name, last)) = named?;
    let (version, verb) = verb(&last)?;
    answer(&served, (&name, Some(Named::Number(version))), verb, &headers, &body).await
}

/// `POST /v1/models/{name}/labels/{label}:{verb}`.
pub(super) async fn act_on_label(
    State(served): State<Shared>,
    named: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let Path((name, last)) = named?;
    let (label, verb) = verb(&last)?;
    answer(&served, (&name, Some(Named::Label(label))), verb, &headers, &body).await
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Predict,
    Classify,
    Regress,
}

/// The verb at the end of a path, in any case.
fn verb(last: &str) -> Result<(&str, Verb), Error> {
    let verbs = [("predict", Verb::Predict), ("classify", Verb::Classify), ("regress", Verb::Regress)];
    let (before, asked) = last.rsplit_once(':').ok_or_else(|| Error::not_allowed("GET,HEAD"))?;
    let found = verbs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
    match found {
        Some((_, verb)) => Ok((before, verb)),
        None if asked.eq_ignore_ascii_case("explain") => Err(Error::unsupported("no model here explains its answers")),
        None => Err(Error::absent("a model's path ends in `:predict`, `:classify` or `:regress`")),
    }
}

/// Whether a model does it.
pub(super) fn does(model: &Served, verb: Verb) -> Result<(), Error> {
    let needs = match verb {
        Verb::Predict => None,
        Verb::Classify => Some(Task::Classify),
        Verb::Regress => Some(Task::Score),
    };
    if needs.is_some_and(|task| task != model.facts.task) {
        let (name, task) = (model.card.name, model.facts.task);
        return Err(Error::invalid(format!("model `{name}` is for the task `{task}`: ask it by `:predict`")));
    }
    Ok(())
}

async fn answer(
    served: &Shared,
    (name, named): (&str, Option<Named<'_>>),
    verb: Verb,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Error> {
    let place = served.inference.models().choose(name, &Wanted::new(named, headers))?;
    let model = *served.inference.served(place);
    does(&model, verb)?;
    if let Some(engine) = model.ranker() {
        let (features, most) = (&engine.signature().features, served.inference.limits().candidates);
        let predict = decode::predict_ranked(body, features, most).map_err(Error::invalid)?;
        let timeout = inference::timeout(headers)?;
        let scores = served.inference.rank(place, predict.asked, timeout).await?;
        let key = if predict.by_row { "predictions" } else { "outputs" };
        return Ok((model.header(), Json(BTreeMap::from([(key, scored(&scores))]))).into_response());
    }
    if verb == Verb::Predict {
        let predict = decode::predict(body).map_err(Error::invalid)?;
        let answer = run(served, place, predict.asked, headers).await?;
        let key = if predict.by_row { "predictions" } else { "outputs" };
        let body = AsJson(BTreeMap::from([(key, values(&model, &answer, predict.by_row))]));
        return Ok((model.header(), body).into_response());
    }
    let answer = run(served, place, decode::examples(body).map_err(Error::invalid)?, headers).await?;
    // The page of the specification says `result`, and the server itself `results`: clients look for one or the other.
    let result = if verb == Verb::Regress {
        Values::Scores(&answer.values)
    } else {
        let labelled = |row: &'_ [f32]| model.facts.labels.iter().copied().zip(row.iter().copied()).collect();
        Values::Labels(answer.values.chunks_exact(answer.width).map(labelled).collect())
    };
    Ok((model.header(), AsJson(BTreeMap::from([("result", &result), ("results", &result)]))).into_response())
}

async fn run(served: &Shared, model: usize, texts: Vec<Text>, headers: &HeaderMap) -> Result<Answer, Error> {
    let timeout = inference::timeout(headers)?;
    Ok(served
        .inference
        .answer(Ask { model, prompt: None, texts, overlong: Overlong::Cut, stage: Stage::Output, timeout })
        .await?)
}

fn values<'a>(model: &Served, answer: &'a Answer, by_row: bool) -> Values<'a> {
    let rows = answer.values.chunks_exact(answer.width);
    match (model.facts.task, by_row) {
        (Task::Embed, _) => Values::Rows(rows.collect()),
        (Task::Score, _) => Values::Scores(&answer.values),
        (_, true) => {
            Values::Labelled(rows.map(|row| Labelled { probabilities: row, label: model.label(row) }).collect())
        }
        (_, false) => {
            let label = rows.clone().map(|row| model.label(row)).collect();
            Values::Columns { probabilities: rows.collect(), label }
        }
    }
}

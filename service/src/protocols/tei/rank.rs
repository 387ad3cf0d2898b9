//! `POST /rerank` and `/predict`.

use super::error::Error;
use super::wire::{self, Predict, Rerank};
use super::{How, Timed, model_for, run};
use crate::inference::Text;
use crate::protocols::Shared;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use modeldeploy::format::Task;
use modeldeploy::session::Stage;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Rank {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    score: f32,
}

#[derive(Debug, Serialize)]
struct Prediction {
    score: f32,
    label: &'static str,
}

/// The texts by their relevance to the query, best first; of equal ones the first.
pub(super) async fn rerank(
    State(served): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, Error> {
    let request: Rerank = wire::read(&body)?;
    let (place, model) = model_for(&served, Task::Score, &headers)?;
    if request.query.is_empty() {
        return Err(Error::empty("query"));
    }
    if request.texts.is_empty() || request.texts.iter().any(String::is_empty) {
        return Err(Error::empty("texts"));
    }
    let wants_raw = request.raw_scores.unwrap_or(false);
    let squash = |score: f32| if wants_raw || model.has_sigmoid() { score } else { 1.0 / (1.0 + (-score).exp()) };
    let pairs = request.texts.iter().map(|text| Text::Pair(request.query.clone(), text.clone())).collect();
    let how = How {
        truncate: request.truncate.unwrap_or(false),
        direction: request.truncation_direction.unwrap_or_default(),
        prompt: None,
        stage: if wants_raw && model.has_sigmoid() { Stage::Raw } else { Stage::Output },
    };
    let Timed { answer, headers } = run(&served, place, pairs, how, &headers).await?;
    let with_text = request.return_text.unwrap_or(false);
    let texts = request.texts.into_iter().map(|text| with_text.then_some(text));
    let ranks = answer.values.iter().zip(texts).enumerate();
    let mut ranks: Vec<Rank> = ranks.map(|(index, (&score, text))| Rank { index, text, score }).collect();
    // By what the model says: a sigmoid would make one of the highest.
    ranks.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranks.iter_mut().for_each(|rank| rank.score = squash(rank.score));
    Ok((headers, Json(ranks)))
}

/// The labels of each text or pair, likeliest first.
pub(super) async fn predict(State(served): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let request: Predict = wire::read(&body)?;
    let (place, model) = model_for(&served, Task::Classify, &headers)?;
    let (texts, is_list) = request.inputs.texts()?;
    if texts.is_empty() || texts.iter().any(|text| text.bytes() == 0) {
        return Err(Error::empty("inputs"));
    }
    let how = How {
        truncate: request.truncate.unwrap_or(false),
        direction: request.truncation_direction.unwrap_or_default(),
        prompt: None,
        stage: if request.raw_scores.unwrap_or(false) { Stage::Raw } else { Stage::Output },
    };
    let Timed { answer, headers } = run(&served, place, texts, how, &headers).await?;
    let predictions = |row: &[f32]| {
        let labels = row.iter().zip(model.facts.labels);
        let mut all: Vec<Prediction> = labels.map(|(&score, &label)| Prediction { score, label }).collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        all
    };
    let mut all: Vec<Vec<Prediction>> = answer.values.chunks_exact(answer.width).map(predictions).collect();
    Ok(match all.pop() {
        Some(only) if !is_list => (headers, Json(only)).into_response(),
        last => {
            all.extend(last);
            (headers, Json(all)).into_response()
        }
    })
}

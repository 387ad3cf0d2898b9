//! `POST /embed`, `/embed_all` and `/similarity`.

use super::error::Error;
use super::wire::{self, Embed, EmbedAll, Similarity, SimilarityParameters};
use super::{How, Timed, model_for, run};
use crate::AsJson;
use crate::inference::Text;
use crate::models::Served;
use crate::object::FromObject;
use crate::protocols::Shared;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use modeldeploy::format::Task;
use modeldeploy::session::Stage;
use std::borrow::Cow;

/// The vectors of texts, of unit length unless the request says otherwise.
pub(super) async fn embed(State(served): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<Response, Error> {
    let request: Embed = wire::read(&body)?;
    let (place, model) = model_for(&served, Task::Embed, &headers)?;
    let normalize = request.normalize.unwrap_or(true);
    let shape = Shape::of(&model, normalize, request.dimensions)?;
    let texts = filled(request.inputs.0)?;
    let how = How {
        truncate: request.truncate.unwrap_or(false),
        direction: request.truncation_direction.unwrap_or_default(),
        prompt: request.prompt_name,
        stage: if model.facts.normalized && !normalize { Stage::Unscaled } else { Stage::Output },
    };
    let Timed { answer, headers } = run(&served, place, texts, how, &headers).await?;
    let vectors: Vec<Cow<'_, [f32]>> = answer.values.chunks_exact(answer.width).map(|row| shape.apply(row)).collect();
    Ok((headers, AsJson(vectors)).into_response())
}

fn filled(texts: Vec<Text>) -> Result<Vec<Text>, Error> {
    let has_empty = texts.is_empty() || texts.iter().any(|text| text.bytes() == 0);
    if has_empty { Err(Error::empty("inputs")) } else { Ok(texts) }
}

/// What is asked of a vector beyond what the model gives.
struct Shape {
    /// Whether its length is to become 1.
    normalize: bool,
    dimensions: usize,
}

impl Shape {
    fn of(model: &Served, normalize: bool, dimensions: Option<usize>) -> Result<Shape, Error> {
        let facts = model.facts;
        let dimensions = dimensions.unwrap_or(facts.outputs);
        if !(1..=facts.outputs).contains(&dimensions) {
            let message = format!("`dimensions` is {dimensions}, and must be 1 to {}", facts.outputs);
            return Err(Error::validation(message));
        }
        // The model's own vectors of unit length stay as they are, to the bit.
        let normalize = normalize && (!facts.normalized || dimensions < facts.outputs);
        Ok(Shape { normalize, dimensions })
    }

    fn apply<'a>(&self, row: &'a [f32]) -> Cow<'a, [f32]> {
        let row = &row[..self.dimensions];
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !self.normalize || length == 0.0 {
            return row.into();
        }
        let scale = 1.0 / length;
        row.iter().map(|value| value * scale).collect()
    }
}

/// The rows of each text's tokens, special ones and those of a prompt counted.
pub(super) async fn embed_all(
    State(served): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let request: EmbedAll = wire::read(&body)?;
    let (place, _) = model_for(&served, Task::Embed, &headers)?;
    let texts = filled(request.inputs.0)?;
    let how = How {
        truncate: request.truncate.unwrap_or(false),
        direction: request.truncation_direction.unwrap_or_default(),
        prompt: request.prompt_name,
        stage: Stage::Tokens,
    };
    let Timed { answer, headers } = run(&served, place, texts, how, &headers).await?;
    let mut rows = answer.values.chunks_exact(answer.width);
    let texts: Vec<Vec<&[f32]>> = answer.tokens.iter().map(|&tokens| rows.by_ref().take(tokens).collect()).collect();
    Ok((headers, AsJson(texts)).into_response())
}

/// The cosine of the first text and each of the others.
pub(super) async fn similarity(
    State(served): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, Error> {
    let request: Similarity = wire::read(&body)?;
    let (place, _) = model_for(&served, Task::Embed, &headers)?;
    let FromObject(sentences) = request.inputs;
    if sentences.source_sentence.is_empty() {
        return Err(Error::empty("inputs.source_sentence"));
    }
    if sentences.sentences.is_empty() || sentences.sentences.iter().any(String::is_empty) {
        return Err(Error::empty("inputs.sentences"));
    }
    let parameters = request.parameters.map(|FromObject(parameters)| parameters);
    let SimilarityParameters { truncate, truncation_direction, prompt_name } = parameters.unwrap_or_default();
    let how = How {
        truncate: truncate.unwrap_or(false),
        direction: truncation_direction.unwrap_or_default(),
        prompt: prompt_name,
        stage: Stage::Output,
    };
    let texts = [sentences.source_sentence].into_iter().chain(sentences.sentences).map(Text::One).collect();
    let Timed { answer, headers } = run(&served, place, texts, how, &headers).await?;
    let mut rows = answer.values.chunks_exact(answer.width);
    let source = rows.next().expect("a row for each text");
    let cosines: Vec<f32> = rows.map(|row| cosine(source, row)).collect();
    Ok((headers, Json(cosines)))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { (dot(a, b) / lengths) as f32 } else { 0.0 }
}

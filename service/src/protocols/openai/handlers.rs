//! What the route answers.

use super::decode::{self, Embeddings, Encoding};
use super::error::Error;
use crate::AsJson;
use crate::inference::{self, Ask, Overlong};
use crate::models::Wanted;
use crate::protocols::Shared;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeldeploy::format::Task;
use modeldeploy::session::Stage;
use serde::Serialize;

/// The answer's body.
#[derive(Debug, Serialize)]
pub(super) struct List {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'static str,
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Vector {
    Floats(Vec<f32>),
    Base64(String),
}

#[derive(Debug, Serialize)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// `POST /v1/embeddings`.
pub(super) async fn embeddings(
    State(served): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse + use<>, Error> {
    let asked: Embeddings = decode::decode(&body)?;
    let name = &asked.model;
    let found = served.inference.models().choose(name, &Wanted::new(None, &headers));
    let model = found.map_err(|unknown| Error::unknown(&unknown))?;
    let facts = served.inference.served(model).facts;
    if facts.task != Task::Embed {
        let served = served.inference.served(model);
        let message = match served.ranker() {
            Some(_) => format!("The model `{name}` does not embed: {}.", served.no_texts()),
            None => format!("The model `{name}` does not embed: it is for the task `{}`.", facts.task),
        };
        return Err(Error::invalid(Some("model"), message));
    }
    answer(&served, model, asked, &headers).await
}

/// `POST /embeddings`: as Text Embeddings Inference has it, of the first model that embeds, whatever is named.
pub(super) async fn embeddings_of_first(
    State(served): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse + use<>, Error> {
    let asked: Embeddings<Option<String>> = decode::decode(&body)?;
    let models = served.inference.models();
    let first = models.choose_first(Some(Task::Embed), &Wanted::new(None, &headers));
    let model = first.map_err(|unknown| Error::unknown(&unknown))?;
    let model = model.ok_or_else(|| Error::invalid(None, models.lacks(&format!("does `{}`", Task::Embed))))?;
    answer(&served, model, asked, &headers).await
}

async fn answer<M>(
    served: &Shared,
    model: usize,
    asked: Embeddings<M>,
    headers: &HeaderMap,
) -> Result<impl IntoResponse + use<M>, Error> {
    let Embeddings { texts, encoding, dimensions, model: _ } = asked;
    let facts = served.inference.served(model).facts;
    if dimensions.is_some_and(|dimensions| dimensions != facts.outputs as u64) {
        let message = format!("This model does not support specifying dimensions: its vectors have {}.", facts.outputs);
        return Err(Error::invalid(Some("dimensions"), message));
    }
    let timeout = inference::timeout(headers)?;
    let ask = Ask { model, prompt: None, texts, overlong: Overlong::Refuse, stage: Stage::Output, timeout };
    let answer = served.inference.answer(ask).await?;
    let rows = answer.values.chunks_exact(answer.width).enumerate();
    let data = rows.map(|(index, row)| Embedding { object: "embedding", index, embedding: vector(row, encoding) });
    let tokens = answer.tokens.iter().sum();
    let served = served.inference.served(model);
    let usage = Usage { prompt_tokens: tokens, total_tokens: tokens };
    let list = List { object: "list", data: data.collect(), model: served.card.name, usage };
    Ok((served.header(), AsJson(list)))
}

fn vector(row: &[f32], encoding: Encoding) -> Vector {
    match encoding {
        Encoding::Float => Vector::Floats(row.to_vec()),
        Encoding::Base64 => {
            let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
            Vector::Base64(STANDARD.encode(bytes))
        }
    }
}

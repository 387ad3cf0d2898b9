//! `POST /ui/try`: a text's tokens as the model reads them, and its row; where the time went stands in the header `Server-Timing`.

use crate::inference::{Ask, Fault, Overlong, Text};
use crate::models::{Named, Served};
use crate::object::FromObject;
use crate::protocols::Shared;
use crate::{JsonBody, Refusal};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use modeldeploy::session::Stage;
use modeldeploy::tokenizer::{Encoding, Truncation};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// What is tried.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Try {
    model: String,
    version: Option<String>,
    /// The name of a prompt; none for the model's default.
    prompt: Option<String>,
    texts: Vec<FromObject<Tried>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    text: String,
    pair: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    model: &'static str,
    version: &'static str,
    texts: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    /// As the model read them: cut where they are too many.
    tokens: Vec<Token>,
    /// How many they were before that.
    uncut: usize,
    values: &'a [f32],
}

#[derive(Debug, Serialize)]
struct Token {
    id: u32,
    piece: String,
    special: bool,
    /// 1 for tokens of a pair's second text.
    side: u8,
}

pub(super) async fn ask(State(served): State<Shared>, JsonBody(tried): JsonBody<Try>) -> Result<Response, Refusal> {
    let Try { model: name, version, prompt, texts } = tried;
    let texts: Vec<Tried> = texts.into_iter().map(|FromObject(tried)| tried).collect();
    let place = served
        .inference
        .models()
        .find(&name, version.as_deref().map(Named::Either))
        .map_err(|unknown| refusal(unknown.into()))?;
    let model = *served.inference.served(place);
    let asked = texts.iter().map(|Tried { text, pair }| match pair {
        Some(pair) => Text::Pair(text.clone(), pair.clone()),
        None => Text::One(text.clone()),
    });
    let ask = Ask {
        model: place,
        prompt: prompt.clone(),
        texts: asked.collect(),
        overlong: Overlong::Cut,
        stage: Stage::Output,
        timeout: None,
    };
    let answer = served.inference.answer(ask).await.map_err(refusal)?;
    let bytes = texts.iter().map(|Tried { text, pair }| text.len() + pair.as_ref().map_or(0, String::len)).sum();
    let deadline = served.inference.deadline(Instant::now(), None);
    let tokens =
        move || texts.iter().map(|text| tokens(&model, prompt.as_deref(), text)).collect::<Result<Vec<_>, _>>();
    let tokens = served.inference.where_it_fits(bytes, tokens, deadline).await.map_err(refusal)?.map_err(refusal)?;

    let begun = Instant::now();
    let rows = tokens.into_iter().zip(answer.values.chunks_exact(answer.width));
    let texts = rows.map(|((tokens, uncut), values)| Row { tokens, uncut, values }).collect();
    let shown = Shown { model: model.card.name, version: model.card.version, texts };
    let body = serde_json::to_vec(&shown).expect("names, numbers and texts are JSON");
    let times = answer.times;
    let stages =
        [("tokenize", times.tokenize), ("queue", times.queue), ("infer", times.infer), ("serialize", begun.elapsed())];
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::HeaderName::from_static("server-timing"), timing(&stages)),
    ];
    Ok((headers, body).into_response())
}

/// Stages in milliseconds, as the header has them.
fn timing(stages: &[(&str, Duration)]) -> HeaderValue {
    let stages = stages.iter().map(|(name, time)| format!("{name};dur={:.4}", time.as_secs_f64() * 1e3));
    let stages = stages.collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(stages).expect("names and numbers are ASCII")
}

fn refusal(fault: Fault) -> Refusal {
    Refusal::new(fault.status(), fault.to_string())
}

/// The tokens as they are run, and how many there were before they were cut.
fn tokens(model: &Served, prompt: Option<&str>, tried: &Tried) -> Result<(Vec<Token>, usize), Fault> {
    let wrong = |error: String| Fault::input(None, error);
    let engine = model.texts().ok_or_else(|| wrong(model.no_texts()))?;
    let prompt = engine.prompt(prompt).map_err(|error| wrong(error.to_string()))?;
    let (tokenizer, mut encoding) = (engine.tokenizer(), Encoding::new());
    let text = format!("{prompt}{}", tried.text);
    let mut encode = |truncation| {
        let encoded = tokenizer.encode_into(&text, tried.pair.as_deref(), truncation, &mut encoding);
        encoded.map(|()| encoding.len()).map_err(|error| wrong(error.to_string()))
    };
    let uncut = encode(Truncation::NONE)?;
    encode(engine.truncation())?;
    let tokens = encoding.ids().iter().zip(encoding.special()).zip(encoding.type_ids());
    let tokens = tokens.map(|((&id, &special), &side)| {
        let piece = tokenizer.piece(id).unwrap_or_default().to_owned();
        Token { id, piece, special, side }
    });
    Ok((tokens.collect(), uncut))
}

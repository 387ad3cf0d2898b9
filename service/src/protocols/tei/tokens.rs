//! `POST /tokenize` and `/decode`, by the tokenizer of the first model.

use super::error::Error;
use super::wire::{self, Decode, Tokenize};
use crate::protocols::Shared;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use modeldeploy::model::Engine;
use modeldeploy::tokenizer::{Encoding, Truncation};
use serde::Serialize;
use std::time::Instant;

/// A token of a text.
#[derive(Debug, Serialize)]
pub(super) struct Token {
    id: u32,
    text: String,
    special: bool,
    /// Where it stands in the text, in characters; not for special ones.
    start: Option<usize>,
    stop: Option<usize>,
}

/// What runs the first model of texts.
fn first(served: &Shared) -> Result<&'static Engine<'static>, Error> {
    let models = served.inference.models();
    let first = models.first_of_texts().and_then(|first| models.all()[first].texts());
    first.ok_or_else(|| Error::backend(models.lacks("reads texts")))
}

/// The tokens of each text, none of them cut.
pub(super) async fn tokenize(State(served): State<Shared>, body: Bytes) -> Result<Json<Vec<Vec<Token>>>, Error> {
    let request: Tokenize = wire::read(&body)?;
    let model = first(&served)?;
    let prompt = match request.prompt_name.as_deref() {
        Some(name) => model.prompt(Some(name)).map_err(|error| Error::validation(error.to_string()))?,
        None => "",
    };
    let texts = request.inputs.texts();
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err(Error::empty("inputs"));
    }
    let special = request.add_special_tokens.unwrap_or(true);
    let bytes = texts.iter().map(String::len).sum();
    let deadline = served.inference.deadline(Instant::now(), None);
    let work = move || texts.iter().map(|text| tokens_of(model, &format!("{prompt}{text}"), special)).collect();
    let tokens: Result<_, String> = served.inference.where_it_fits(bytes, work, deadline).await?;
    tokens.map(Json).map_err(Error::validation)
}

fn tokens_of(model: &Engine<'_>, text: &str, special: bool) -> Result<Vec<Token>, String> {
    let (tokenizer, mut encoding) = (model.tokenizer(), Encoding::new());
    let encoded = match special {
        true => tokenizer.encode_into(text, None, Truncation::NONE, &mut encoding),
        false => tokenizer.encode_bare_into(text, None, Truncation::NONE, &mut encoding),
    };
    encoded.map_err(|error| error.to_string())?;
    // Offsets go up, but for the special ones; characters are counted from the last place on.
    let (mut byte, mut character) = (0, 0);
    let mut place = |offset: usize| {
        if offset < byte {
            (byte, character) = (0, 0);
        }
        character += text[byte..offset].chars().count();
        byte = offset;
        character
    };
    let tokens = encoding.ids().iter().zip(encoding.offsets()).zip(encoding.special());
    Ok(tokens
        .map(|((&id, &(start, stop)), &special)| {
            if special {
                let text = tokenizer.piece(id).unwrap_or_default().to_owned();
                return Token { id, text, special, start: None, stop: None };
            }
            let (start, stop) = (start as usize, stop as usize);
            let own = text[start..stop].to_owned();
            Token { id, text: own, special, start: Some(place(start)), stop: Some(place(stop)) }
        })
        .collect())
}

/// The texts that ids spell, as near as the vocabulary tells.
pub(super) async fn decode(State(served): State<Shared>, body: Bytes) -> Result<Json<Vec<String>>, Error> {
    let request: Decode = wire::read(&body)?;
    let model = first(&served)?;
    let lists = request.ids.lists();
    if lists.is_empty() || lists.iter().any(Vec::is_empty) {
        return Err(Error::empty("ids"));
    }
    let tokenizer = model.tokenizer();
    let unknown = lists.iter().flatten().find(|&&id| id >= tokenizer.vocab_size());
    if let Some(id) = unknown {
        let known = tokenizer.vocab_size();
        return Err(Error::validation(format!("there is no token {id}: the model's are below {known}")));
    }
    let skipped = if request.skip_special_tokens.unwrap_or(true) { specials(model)? } else { vec![] };
    let text = |ids: Vec<u32>| {
        let ids: Vec<u32> = ids.into_iter().filter(|id| !skipped.contains(id)).collect();
        tokenizer.decode(&ids)
    };
    Ok(Json(lists.into_iter().map(text).collect()))
}

/// The tokens that the model puts around texts and pairs.
fn specials(model: &Engine<'_>) -> Result<Vec<u32>, Error> {
    let mut encoding = Encoding::new();
    let tokenizer = model.tokenizer();
    let encoded = tokenizer.encode_into("", Some(""), Truncation::NONE, &mut encoding);
    encoded.map_err(|error| Error::backend(error.to_string()))?;
    let tokens = encoding.ids().iter().zip(encoding.special());
    Ok(tokens.filter(|(_, special)| **special).map(|(&id, _)| id).collect())
}

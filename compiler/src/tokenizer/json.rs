//! `tokenizer.json`, as the Hugging Face library saves it.

use modeldeploy_format::tokenizer::{Splitter, Trim};
use serde::Deserialize;
use serde_json::Value;

use super::added::{self, RawToken};
use super::codes::{Place, UNREADABLE};
use super::draft::Draft;
use super::model::{self, Model, RawModel};
use super::{normalizer, splitter, template};
use crate::diagnostic::Diagnostic;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    truncation: Option<Value>,
    #[serde(default)]
    added_tokens: Vec<RawToken>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    model: RawModel,
}

/// Reads the file's bytes.
pub(super) fn read(bytes: &[u8], place: Place<'_>) -> Result<Draft, Vec<Diagnostic>> {
    let file: File = serde_json::from_slice(bytes).map_err(|error| {
        vec![
            Diagnostic::new(UNREADABLE, format!("this is not a tokenizer: {error}"))
                .at(place.0)
                .help("save it again with `AutoTokenizer.from_pretrained(…).save_pretrained(…)`"),
        ]
    })?;
    let mut wrong = Vec::new();
    let mut keep = |diagnostic| wrong.push(diagnostic);
    let normalizer = normalizer::read(file.normalizer.as_ref(), place).map_err(&mut keep).ok();
    let splitter = splitter::read(file.pre_tokenizer.as_ref(), place).map_err(&mut keep).ok();
    let truncation = template::read_truncation(file.truncation.as_ref(), place).map_err(&mut keep).ok();
    // An unknown splitter has been named; it should not make the model look wrong too.
    let byte_level = splitter.is_none_or(|splitter| matches!(splitter, Splitter::ByteLevel { .. }));
    let model = model::read(file.model, byte_level, place).map_err(&mut keep).ok();
    let tokens: Vec<RawToken> = file.added_tokens.into_iter().filter(|token| !token.content.is_empty()).collect();
    let rest = model.and_then(|(model, mut vocabulary)| {
        let added = added::extend(&tokens, &mut vocabulary, place).map_err(&mut keep).ok();
        let templates = template::read(file.post_processor.as_ref(), &vocabulary, place).map_err(&mut keep).ok();
        Some((model, vocabulary, added?, templates?))
    });
    match (normalizer, splitter, truncation, rest) {
        (Some(normalizer), Some(splitter), Some(truncation), Some((model, vocabulary, added, templates))) => {
            if templates.trim != Trim::Off && matches!(model, Model::Unigram { .. }) {
                return Err(vec![place.unsupported(
                    "post_processor",
                    "trimming of offsets with Unigram",
                    "trimming with BPE and WordPiece",
                )]);
            }
            if matches!(splitter, Splitter::ByteLevel { .. }) && !matches!(model, Model::Bpe { .. }) {
                return Err(vec![place.unsupported("pre_tokenizer", "ByteLevel without BPE", "ByteLevel with BPE")]);
            }
            Ok(Draft { vocabulary, model, normalizer, splitter, tokens, templates, truncation, added })
        }
        _ => Err(wrong),
    }
}

//! A model's tokenizer files ▶ the tables of its pack ([`modeldeploy_format::tokenizer`]).
//!
//! What is not supported is an error that names it: no text is ever tokenized otherwise than in training.

mod added;
pub mod codes;
mod draft;
mod fields;
mod json;
mod model;
mod normalizer;
mod splitter;
mod template;
mod trie;
mod unicode;
mod vocab_txt;
mod vocabulary;

use std::io;
use std::path::Path;

use codes::Place;

use crate::diagnostic::Diagnostic;

/// Compiles the tokenizer of a model folder: its `tokenizer.json`, else its `vocab.txt` with `tokenizer_config.json` and
/// `special_tokens_map.json`. The bytes are what [`modeldeploy_format::tokenizer::Tables::parse`] reads.
///
/// # Errors
///
/// MD0301 if there is none, MD0302 if a file cannot be read, and those of [`compile_json`] and [`compile_vocab`].
pub fn load(folder: &Path) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let file = |name: &str| {
        let path = folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(vec![
                Diagnostic::new(codes::UNREADABLE, format!("the file cannot be read: {error}"))
                    .at(path.display().to_string())
                    .help("see that it is a file and that you may read it"),
            ]),
        }
    };
    let place = |name: &str| folder.join(name).display().to_string();
    if let Some(json) = file("tokenizer.json")? {
        return compile_json(&json, &place("tokenizer.json"));
    }
    if let Some(vocab) = file("vocab.txt")? {
        let (config, special_map) = (file("tokenizer_config.json")?, file("special_tokens_map.json")?);
        return compile_vocab(&vocab, config.as_deref(), special_map.as_deref(), &place("vocab.txt"));
    }
    Err(vec![
        Diagnostic::new(codes::NO_TOKENIZER, "the model has neither `tokenizer.json` nor `vocab.txt`")
            .at(folder.display().to_string())
            .help("make one: `AutoTokenizer.from_pretrained(model).save_pretrained(folder)` in Python"),
    ])
}

/// Compiles a `tokenizer.json`; `place` is what errors call it.
///
/// # Errors
///
/// MD0302 if it is not such a file, MD0303 for a component that is not supported, MD0304 to MD0306 for a wrong vocabulary, a token
/// that is missing or a wrong field: all that are found.
pub fn compile_json(bytes: &[u8], place: &str) -> Result<Vec<u8>, Vec<Diagnostic>> {
    json::read(bytes, Place(place))?.write(Place(place)).map_err(|diagnostic| vec![diagnostic])
}

/// Compiles a `vocab.txt` of BERT's WordPiece with its `tokenizer_config.json` and `special_tokens_map.json`, where there are such;
/// `place` is what errors call it.
///
/// # Errors
///
/// As [`compile_json`].
pub fn compile_vocab(
    vocab: &[u8],
    config: Option<&[u8]>,
    special_map: Option<&[u8]>,
    place: &str,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    vocab_txt::read(vocab, config, special_map, Place(place))?
        .write(Place(place))
        .map_err(|diagnostic| vec![diagnostic])
}

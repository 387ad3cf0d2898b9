//! `vocab.txt`, one piece a line, with what `tokenizer_config.json` and `special_tokens_map.json` say: BERT's WordPiece.

use modeldeploy_format::tokenizer::{Splitter, Truncation};
use serde_json::{Map, Value};

use super::added::RawToken;
use super::codes::{Place, UNREADABLE};
use super::draft::Draft;
use super::model::Model;
use super::normalizer;
use super::template::Templates;
use super::vocabulary::Vocabulary;
use crate::diagnostic::Diagnostic;

const SUPPORTED: &str = "BertTokenizer, DistilBertTokenizer and their fast forms; others need a tokenizer.json";

/// The longest word that BERT's tokenizer spells.
const MAX_CHARS: u32 = 100;

/// Reads the pieces; the other files may be absent.
pub(super) fn read(
    vocab: &[u8],
    config: Option<&[u8]>,
    special_map: Option<&[u8]>,
    place: Place<'_>,
) -> Result<Draft, Vec<Diagnostic>> {
    read_one(vocab, config, special_map, place).map_err(|diagnostic| vec![diagnostic])
}

fn read_one(
    vocab: &[u8],
    config: Option<&[u8]>,
    special_map: Option<&[u8]>,
    place: Place<'_>,
) -> Result<Draft, Diagnostic> {
    let config = object(config, Place("tokenizer_config.json"))?;
    let special_map = object(special_map, Place("special_tokens_map.json"))?;
    if let Some(class) = config.get("tokenizer_class").and_then(Value::as_str)
        && !matches!(class.trim_end_matches("Fast"), "BertTokenizer" | "DistilBertTokenizer")
    {
        return Err(Place("tokenizer_config.json").unsupported("tokenizer_class", class, SUPPORTED));
    }
    let text = std::str::from_utf8(vocab).map_err(|error| {
        let line = vocab[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Diagnostic::new(UNREADABLE, "the vocabulary is not UTF-8")
            .at(format!("{}, line {line}", place.0))
            .help("take the `vocab.txt` of the model as it was saved")
    })?;
    let vocabulary = Vocabulary::from_pieces(text.lines().map(|line| line.trim_end().to_owned()).collect(), place)?;

    // A token that the files name must be there; one that they do not name is used if it is there.
    let token = |key: &str, usual: &'static str| -> Result<Option<(String, u32)>, Diagnostic> {
        let named = [&special_map, &config].into_iter().find_map(|map| {
            let value = map.get(key)?;
            value.as_str().or_else(|| value.get("content")?.as_str())
        });
        match (vocabulary.id(named.unwrap_or(usual)), named) {
            (Some(id), _) => Ok(Some((named.unwrap_or(usual).to_owned(), id))),
            (None, Some(named)) => Err(place.missing_token(key, named)),
            (None, None) => Ok(None),
        }
    };
    let needed = |key: &str, usual: &'static str| token(key, usual)?.ok_or_else(|| place.missing_token(key, usual));
    let (unk, cls, sep) = (needed("unk_token", "[UNK]")?, needed("cls_token", "[CLS]")?, needed("sep_token", "[SEP]")?);
    let others = [token("pad_token", "[PAD]")?, token("mask_token", "[MASK]")?];
    let mut tokens: Vec<RawToken> = Vec::new();
    for (content, id) in [&unk, &cls, &sep].into_iter().chain(others.iter().flatten()) {
        if !tokens.iter().any(|token| token.id == *id) {
            tokens.push(RawToken::special(*id, content));
        }
    }

    let flag = |key: &str, absent: bool| config.get(key).and_then(Value::as_bool).unwrap_or(absent);
    let strip_accents = config.get("strip_accents").and_then(Value::as_bool);
    Ok(Draft {
        model: Model::word_piece(&vocabulary, &unk.0, MAX_CHARS, "##", place)?,
        normalizer: normalizer::bert(
            true,
            flag("tokenize_chinese_chars", true),
            strip_accents,
            flag("do_lower_case", true),
        ),
        splitter: Splitter::Bert,
        tokens,
        templates: Templates::bert(cls.1, sep.1),
        truncation: Truncation::NONE,
        added: 0,
        vocabulary,
    })
}

/// A file that holds an object; empty where there is none.
fn object(bytes: Option<&[u8]>, place: Place<'_>) -> Result<Map<String, Value>, Diagnostic> {
    bytes.map_or(Ok(Map::new()), |bytes| {
        serde_json::from_slice(bytes).map_err(|error| {
            Diagnostic::new(UNREADABLE, format!("this is not a JSON object: {error}"))
                .at(place.0)
                .help("save the tokenizer again")
        })
    })
}

//! Bodies of requests, and what is wrong with them.

use super::error::Error;
use crate::inference::Text;
use crate::json;
use crate::object::FromObject;
use crate::protocols::input::Input;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// `POST /embed`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Embed {
    pub(super) inputs: Input,
    pub(super) truncate: Option<bool>,
    pub(super) truncation_direction: Option<Direction>,
    pub(super) prompt_name: Option<String>,
    pub(super) normalize: Option<bool>,
    pub(super) dimensions: Option<usize>,
}

/// `POST /embed_all`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmbedAll {
    pub(super) inputs: Input,
    pub(super) truncate: Option<bool>,
    pub(super) truncation_direction: Option<Direction>,
    pub(super) prompt_name: Option<String>,
}

/// The side on which a text is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Direction {
    #[serde(alias = "left")]
    Left,
    #[default]
    #[serde(alias = "right")]
    Right,
}

/// `POST /similarity`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Similarity {
    pub(super) inputs: FromObject<Sentences>,
    pub(super) parameters: Option<FromObject<SimilarityParameters>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sentences {
    pub(super) source_sentence: String,
    pub(super) sentences: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SimilarityParameters {
    pub(super) truncate: Option<bool>,
    pub(super) truncation_direction: Option<Direction>,
    pub(super) prompt_name: Option<String>,
}

/// `POST /rerank`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rerank {
    pub(super) query: String,
    pub(super) texts: Vec<String>,
    pub(super) truncate: Option<bool>,
    pub(super) truncation_direction: Option<Direction>,
    pub(super) raw_scores: Option<bool>,
    pub(super) return_text: Option<bool>,
}

/// `POST /predict`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Predict {
    pub(super) inputs: Sequences,
    pub(super) truncate: Option<bool>,
    pub(super) truncation_direction: Option<Direction>,
    pub(super) raw_scores: Option<bool>,
}

/// A text, a pair of texts, or a list of lists of one or two.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string, a list of one or two strings, or a list of such lists")]
pub(super) enum Sequences {
    Text(String),
    Pair(Vec<String>),
    Many(Vec<Vec<String>>),
}

/// `POST /tokenize`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tokenize {
    pub(super) inputs: OneOrMany,
    pub(super) add_special_tokens: Option<bool>,
    pub(super) prompt_name: Option<String>,
}

/// A text or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// `POST /decode`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decode {
    pub(super) ids: Ids,
    pub(super) skip_special_tokens: Option<bool>,
}

/// The ids of a text, or of several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a list of token ids or a list of such lists")]
pub(super) enum Ids {
    One(Vec<u32>),
    Many(Vec<Vec<u32>>),
}

/// Reads a body.
///
/// # Errors
///
/// What is wrong with it: where, and what is expected.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    json::read(body).map_err(|wrong| Error::validation(format!("the body cannot be read: {wrong}")))
}

/// Whether a body is one of a route; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(route: &str, body: &[u8]) -> Result<(), String> {
    let read = match route {
        "/similarity" => read::<Similarity>(body).map(drop),
        "/rerank" => read::<Rerank>(body).map(drop),
        "/predict" => read::<Predict>(body).and_then(|predict| predict.inputs.texts()).map(drop),
        "/tokenize" => read::<Tokenize>(body).map(drop),
        "/decode" => read::<Decode>(body).map(drop),
        "/embed_all" => read::<EmbedAll>(body).map(drop),
        _ => read::<Embed>(body).map(drop),
    };
    read.map_err(|error| error.message)
}

impl Sequences {
    /// The texts and pairs, and whether they are a list.
    pub(super) fn texts(self) -> Result<(Vec<Text>, bool), Error> {
        let text = |texts: Vec<String>| {
            let count = texts.len();
            let mut texts = texts.into_iter();
            match (texts.next(), texts.next(), texts.next()) {
                (Some(text), None, None) => Ok(Text::One(text)),
                (Some(text), Some(pair), None) => Ok(Text::Pair(text, pair)),
                _ => Err(Error::validation(format!("`inputs` has a list of {count} strings, and takes one or two"))),
            }
        };
        match self {
            Sequences::Text(one) => Ok((vec![Text::One(one)], false)),
            Sequences::Pair(texts) if texts.is_empty() => Err(Error::empty("inputs")),
            Sequences::Pair(texts) => Ok((vec![text(texts)?], false)),
            Sequences::Many(many) => Ok((many.into_iter().map(text).collect::<Result<_, _>>()?, true)),
        }
    }
}

impl OneOrMany {
    pub(super) fn texts(self) -> Vec<String> {
        match self {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        }
    }
}

impl Ids {
    pub(super) fn lists(self) -> Vec<Vec<u32>> {
        match self {
            Ids::One(ids) => vec![ids],
            Ids::Many(lists) => lists,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let deep = format!(r#"{{"inputs": {}"#, "[".repeat(500));
        for (route, body, message) in [
            ("/embed", "", "the body cannot be read: EOF"),
            ("/embed", "[]", "expected an object with the keys `inputs`, `truncate`"),
            ("/embed", "{}", "missing field `inputs`"),
            ("/embed", r#"{"inputs": 1}"#, "`inputs`: invalid type: integer `1`, expected a string, a list of strings"),
            ("/embed", r#"{"inputs": "a", "inputs": "b"}"#, "duplicate field `inputs`"),
            ("/embed", r#"{"inputs": "a", "normalise": true}"#, "`normalise`: unknown field `normalise`"),
            (
                "/embed",
                r#"{"inputs": "a", "truncate": 1}"#,
                "`truncate`: invalid type: integer `1`, expected a boolean",
            ),
            (
                "/embed",
                r#"{"inputs": "a", "truncation_direction": "Up"}"#,
                "`truncation_direction`: unknown variant `Up`",
            ),
            ("/embed", r#"{"inputs": "a", "dimensions": -1}"#, "`dimensions`: invalid value: integer `-1`"),
            ("/embed", &deep, "`inputs[0][0]`: invalid type: sequence, expected u32"),
            ("/embed_all", r#"{"inputs": ["a", true]}"#, "`inputs[1]`: invalid type: boolean `true`"),
            ("/similarity", r#"{"inputs": {"sentences": []}}"#, "`inputs`: missing field `source_sentence`"),
            (
                "/similarity",
                r#"{"inputs": ["a", ["b"]]}"#,
                "`inputs`: invalid type: sequence, expected an object with the keys `source_sentence`, `sentences`",
            ),
            (
                "/similarity",
                r#"{"inputs": {"source_sentence": "a", "sentences": ["b"]}, "parameters": [true]}"#,
                "`parameters`: invalid type: sequence, expected an object with the keys `truncate`",
            ),
            ("/rerank", r#"{"query": "a", "texts": "b"}"#, "`texts`: invalid type: string \"b\", expected a sequence"),
            ("/rerank", r#"{"query": "a", "texts": ["b", 3]}"#, "`texts[1]`: invalid type: integer `3`"),
            ("/predict", r#"{"inputs": 3}"#, "`inputs`: expected a string, a list of one or two strings"),
            ("/predict", r#"{"inputs": [["a", "b", "c"]]}"#, "has a list of 3 strings"),
            ("/predict", r#"{"inputs": ["a", "b", "c"]}"#, "has a list of 3 strings"),
            ("/predict", r#"{"inputs": [[]]}"#, "has a list of 0 strings"),
            ("/predict", r#"{"inputs": []}"#, "`inputs` cannot be empty"),
            ("/tokenize", r#"{"inputs": [1]}"#, "`inputs`: expected a string or a list of strings"),
            ("/decode", r#"{"ids": [-1]}"#, "`ids`: expected a list of token ids"),
            ("/decode", r#"{"ids": [4294967296]}"#, "`ids`: expected a list of token ids"),
        ] {
            let error = check(route, body.as_bytes()).expect_err(body);
            assert!(error.contains(message), "{route} {body}: {error}");
        }
        assert!(check("/embed", b"{\"inputs\": \"\xff\"}").expect_err("not UTF-8").contains("unicode"));
    }

    #[test]
    fn null_is_as_if_it_were_not_there() {
        let body = br#"{"inputs": "a", "truncate": null, "truncation_direction": null, "prompt_name": null, "normalize": null, "dimensions": null}"#;
        assert_eq!(check("/embed", body), Ok(()));
    }
}

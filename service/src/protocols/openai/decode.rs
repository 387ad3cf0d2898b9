//! From the bytes of a body to what is asked.

use super::Error;
use crate::inference::Text;
use crate::json;
use crate::protocols::input::Input;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Embeddings that are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Embeddings<M = String> {
    /// A name, or perhaps one.
    pub(super) model: M,
    pub(super) texts: Vec<Text>,
    pub(super) encoding: Encoding,
    pub(super) dimensions: Option<u64>,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Encoding {
    Float,
    /// The little-endian bytes of the values, in base64.
    Base64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<M> {
    model: M,
    input: Input,
    encoding_format: Option<Encoding>,
    dimensions: Option<u64>,
    /// Whom the request is for.
    #[serde(rename = "user")]
    _user: Option<IgnoredAny>,
}

/// Whether a body asks for embeddings; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(body: &[u8]) -> Result<(), String> {
    decode::<String>(body).map(drop).map_err(|error| error.message)
}

/// Reads a body, which names a model, or, where `M` is optional, perhaps one.
///
/// # Errors
///
/// What is wrong with it, and in which field.
pub(super) fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<Embeddings<M>, Error> {
    let request: Request<M> = json::read(body).map_err(|wrong| {
        Error::invalid(wrong.field(), format!("We could not parse the JSON body of your request: {wrong}."))
    })?;
    let Input(texts) = request.input;
    let invalid = |message: String| Err(Error::invalid(Some("input"), message));
    if texts.is_empty() {
        return invalid("Invalid `input`: it has no texts.".to_owned());
    }
    if let Some(at) = texts.iter().position(|text| text.bytes() == 0) {
        return invalid(format!("Invalid `input[{at}]`: it is empty."));
    }
    let encoding = request.encoding_format.unwrap_or(Encoding::Float);
    Ok(Embeddings { model: request.model, texts, encoding, dimensions: request.dimensions })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Text {
        Text::One(text.to_owned())
    }

    #[test]
    fn every_form_of_input_is_read() {
        for (input, texts) in [
            (r#""a""#, vec![one("a")]),
            (r#"["a", "手"]"#, vec![one("a"), one("手")]),
            ("[1, 2]", vec![Text::Tokens(vec![1, 2])]),
            ("[[1], [2, 3]]", vec![Text::Tokens(vec![1]), Text::Tokens(vec![2, 3])]),
        ] {
            let body = format!(
                r#"{{"model": "m", "input": {input}, "encoding_format": "base64", "dimensions": 3, "user": "u"}}"#
            );
            let expected = Embeddings { model: "m".to_owned(), texts, encoding: Encoding::Base64, dimensions: Some(3) };
            assert_eq!(decode::<String>(body.as_bytes()), Ok(expected), "{input}");
        }
        let plain = decode::<String>(br#"{"input": "a", "model": "m", "encoding_format": null}"#).expect("embeddings");
        assert_eq!((plain.encoding, plain.dimensions), (Encoding::Float, None));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let deep = format!(r#"{{"model": "m", "input": {}"#, "[".repeat(500));
        for (body, param, message) in [
            ("", None, "could not parse the JSON body of your request: EOF"),
            ("[]", None, "expected an object with the keys `model`, `input`"),
            (r#"{"input": "a"}"#, None, "missing field `model`"),
            (r#"{"model": "m"}"#, None, "missing field `input`"),
            (r#"{"model": "m", "input": "a"} x"#, None, "your request: trailing characters"),
            (r#"{"model": "m", "model": "n", "input": "a"}"#, None, "duplicate field `model`"),
            (r#"{"model": 1, "input": "a"}"#, Some("model"), "your request: `model`: invalid type: integer `1`"),
            (r#"{"model": "m", "input": "a", "inputs": 1}"#, Some("inputs"), "unknown field `inputs`"),
            (
                r#"{"model": "m", "input": "a", "encoding_format": "hex"}"#,
                Some("encoding_format"),
                "`encoding_format`: unknown variant `hex`, expected `float` or",
            ),
            (
                r#"{"model": "m", "input": "a", "dimensions": -1}"#,
                Some("dimensions"),
                "`dimensions`: invalid value: integer `-1`",
            ),
            (r#"{"model": "m", "input": 3}"#, Some("input"), "`input`: invalid type: integer `3`, expected a string"),
            (r#"{"model": "m", "input": {"a": 1}}"#, Some("input"), "expected a string, a list of strings"),
            (r#"{"model": "m", "input": [null]}"#, Some("input"), "`input[0]`: invalid type: null, expected a string"),
            (r#"{"model": "m", "input": ["a", 1]}"#, Some("input"), "`input`: expected a string, a list of strings"),
            (r#"{"model": "m", "input": [1, "a"]}"#, Some("input"), "expected a string, a list of strings"),
            (r#"{"model": "m", "input": [1, [1]]}"#, Some("input"), "expected a string, a list of strings"),
            (r#"{"model": "m", "input": ["a", [1]]}"#, Some("input"), "expected a string, a list of strings"),
            (r#"{"model": "m", "input": [[1], "a"]}"#, Some("input"), "expected a string, a list of strings"),
            (r#"{"model": "m", "input": [-1]}"#, Some("input"), "`input[0]`: invalid type: integer `-1`, expected"),
            (r#"{"model": "m", "input": [1.5]}"#, Some("input"), "expected a string, a list of strings"),
            (r#"{"model": "m", "input": [4294967296]}"#, Some("input"), "token id 4294967296 is too large"),
            (r#"{"model": "m", "input": [[1, 4294967296]]}"#, Some("input"), "`input[0][1]`: invalid value"),
            (r#"{"model": "m", "input": [NaN]}"#, Some("input"), "`input[0]`: expected value"),
            (r#"{"model": "m", "input": []}"#, Some("input"), "it has no texts"),
            (r#"{"model": "m", "input": ["a", ""]}"#, Some("input"), "Invalid `input[1]`: it is empty."),
            (r#"{"model": "m", "input": [[1], []]}"#, Some("input"), "Invalid `input[1]`: it is empty."),
            (deep.as_str(), Some("input"), "`input[0][0]`: invalid type: sequence, expected u32"),
        ] {
            let error = decode::<String>(body.as_bytes()).expect_err(body);
            assert!(error.param.as_deref() == param && error.message.contains(message), "{body}: {error:?}");
        }
        assert!(decode::<String>(b"{\"model\": \"\xff\"}").expect_err("not UTF-8").message.contains("unicode"));
    }
}

//! From the bytes of a body to what is asked.

use super::{SIGNATURE, tokens};
use crate::inference::Text;
use crate::json;
use crate::protocols::node::Node;
use crate::protocols::tensor::INPUT;
use crate::ranking::Asked;
use modeldeploy::format::features::Fact;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A prediction that is asked for: of texts, or of candidates.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Predict<T = Vec<Text>> {
    pub(super) asked: T,
    /// Whether the answer is a list of rows, or else an object of columns.
    pub(super) by_row: bool,
}

/// The body of `:predict`. Other keys are ignored.
#[derive(Deserialize)]
struct PredictBody {
    signature_name: Option<String>,
    instances: Option<Node>,
    inputs: Option<Node>,
}

/// The body of `:classify` and `:regress`. Other keys are ignored.
#[derive(Deserialize)]
struct ExamplesBody {
    signature_name: Option<String>,
    context: Option<Node>,
    examples: Vec<Node>,
}

/// Whether a body is one of a verb; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(verb: &str, body: &[u8]) -> Result<(), String> {
    if verb == "predict" { predict(body).map(drop) } else { examples(body).map(drop) }
}

/// Whether a body is a prediction of a ranker of these features; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_ranked(body: &[u8], features: &[Fact]) -> Result<(), String> {
    predict_ranked(body, features, crate::Limits::default().candidates).map(drop)
}

/// Reads the body of `:predict`.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn predict(body: &[u8]) -> Result<Predict, String> {
    let body: PredictBody = read(&tokens::as_json(body))?;
    signature(body.signature_name.as_deref())?;
    match (body.instances, body.inputs) {
        (Some(Node::List(rows)), None) => {
            let row = |(at, row): (usize, &Node)| {
                let value = named(row).map_err(|error| format!("`instances[{at}]` {error}"))?.unwrap_or(row);
                value.texts().map_err(|error| format!("`instances[{at}]` {error}"))
            };
            Ok(Predict { asked: rows.iter().enumerate().map(row).collect::<Result<_, _>>()?, by_row: true })
        }
        (None, Some(inputs)) => {
            let column = named(&inputs).map_err(|error| format!("`inputs` {error}"))?.unwrap_or(&inputs);
            let Node::List(rows) = column else {
                return Err(format!("`inputs` is {}, and must be a list of texts", column.kind()));
            };
            let row = |(at, row): (usize, &Node)| row.texts().map_err(|error| format!("`inputs[{at}]` {error}"));
            Ok(Predict { asked: rows.iter().enumerate().map(row).collect::<Result<_, _>>()?, by_row: false })
        }
        (Some(other), None) => Err(format!("`instances` is {}, and must be a list", other.kind())),
        (Some(_), Some(_)) => Err("the body has both `instances` and `inputs`, and must have one".to_owned()),
        (None, None) => Err("the body has neither `instances` nor `inputs`".to_owned()),
    }
}

/// Reads the body of `:predict` for a ranker of these features, of at most so many candidates: `instances` is a row for each, `inputs` a
/// column for each feature.
///
/// # Errors
///
/// As [`predict`].
pub(super) fn predict_ranked(body: &[u8], features: &[Fact], most: usize) -> Result<Predict<Asked>, String> {
    let numbers = tokens::as_json_of_numbers(body);
    let mut body: PredictBody = read(&numbers.json)?;
    if let Some(signs) = numbers.signs() {
        let signs: PredictBody = read(&signs)?;
        for (values, signs) in [(&mut body.instances, &signs.instances), (&mut body.inputs, &signs.inputs)] {
            if let (Some(values), Some(signs)) = (values, signs) {
                tokens::make_infinite(values, signs);
            }
        }
    }
    signature(body.signature_name.as_deref())?;
    match (body.instances, body.inputs) {
        (Some(Node::List(rows)), None) => {
            let rows = Node::rows(&rows, "instances")?;
            Ok(Predict { asked: Asked::of_rows(features, &rows, "instances", most)?, by_row: true })
        }
        (None, Some(inputs @ Node::Object(_))) => {
            let columns = inputs.row().map_err(|error| format!("`inputs` {error}"))?;
            let asked = Asked::of_columns(features, &columns, most).map_err(|error| format!("`inputs`: {error}"))?;
            Ok(Predict { asked, by_row: false })
        }
        (None, Some(other)) => {
            Err(format!("`inputs` is {}, and must be an object: the values of each feature", other.kind()))
        }
        (Some(other), None) => Err(format!("`instances` is {}, and must be a list", other.kind())),
        (Some(_), Some(_)) => Err("the body has both `instances` and `inputs`, and must have one".to_owned()),
        (None, None) => Err("the body has neither `instances` nor `inputs`".to_owned()),
    }
}

/// Reads the body of `:classify` or `:regress`.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn examples(body: &[u8]) -> Result<Vec<Text>, String> {
    let body: ExamplesBody = read(&tokens::as_json(body))?;
    signature(body.signature_name.as_deref())?;
    let context = match &body.context {
        None => None,
        Some(context) => Some(features(context).map_err(|error| format!("`context` {error}"))?),
    };
    let example = |(at, example): (usize, &Node)| {
        let wrong = |error: String| format!("`examples[{at}]` {error}");
        let own = match example {
            Node::Object(fields) if fields.is_empty() => None,
            _ => Some(features(example).map_err(wrong)?),
        };
        match (own, context) {
            (Some(_), Some(_)) => Err(wrong(format!("has `{INPUT}`, which `context` has, too"))),
            (None, None) => Err(wrong(format!("lacks `{INPUT}`"))),
            (Some(value), None) | (None, Some(value)) => value.texts().map_err(wrong),
        }
    };
    body.examples.iter().enumerate().map(example).collect()
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    json::read(body).map_err(|wrong| format!("the body cannot be read: {wrong}"))
}

/// Whether there is such a signature.
pub(super) fn signature(name: Option<&str>) -> Result<(), String> {
    match name {
        None | Some("" | SIGNATURE) => Ok(()),
        Some(name) => Err(format!("there is no signature `{name}`; there is `{SIGNATURE}`")),
    }
}

/// The value that an object has for the input, and nothing else.
fn features(node: &Node) -> Result<&Node, String> {
    match node {
        Node::Object(_) => {
            named(node)?.ok_or_else(|| format!("has the inputs {{`b64`}}, and the model takes `{INPUT}`"))
        }
        _ => Err(format!("is {}, and must be an object", node.kind())),
    }
}

/// The value that an object has for the input; none where it is no object, or one of bytes.
fn named(node: &Node) -> Result<Option<&Node>, String> {
    let Node::Object(fields) = node else { return Ok(None) };
    match &fields[..] {
        [(key, value)] if key == INPUT => Ok(Some(value)),
        [(key, _)] if key == "b64" => Ok(None),
        fields => {
            let keys: Vec<_> = fields.iter().map(|(key, _)| format!("`{key}`")).collect();
            Err(format!("has the inputs {{{}}}, and the model takes `{INPUT}`", keys.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Text {
        Text::One(text.to_owned())
    }

    fn pair(text: &str, pair: &str) -> Text {
        Text::Pair(text.to_owned(), pair.to_owned())
    }

    #[test]
    fn rows_and_columns_are_read_with_and_without_their_name() {
        for (body, texts, by_row) in [
            (r#"{"instances": ["a", "手"]}"#, vec![one("a"), one("手")], true),
            (r#"{"instances": [{"text": "a"}, {"b64": "5omL"}]}"#, vec![one("a"), one("手")], true),
            (r#"{"instances": [{"text": {"b64": "YQ=="}}, ["b"]]}"#, vec![one("a"), one("b")], true),
            (r#"{"instances": [["a", "b"], {"text": ["c", "d"]}]}"#, vec![pair("a", "b"), pair("c", "d")], true),
            (r#"{"inputs": ["a", ["b", "c"]]}"#, vec![one("a"), pair("b", "c")], false),
            (
                r#"{"inputs": {"text": ["a"]}, "signature_name": "serving_default", "other": NaN}"#,
                vec![one("a")],
                false,
            ),
            (r#"{"instances": [], "signature_name": ""}"#, vec![], true),
        ] {
            assert_eq!(predict(body.as_bytes()), Ok(Predict { asked: texts, by_row }), "{body}");
        }
        for (body, texts) in [
            (r#"{"examples": [{"text": "a"}, {"text": ["b", "c"]}]}"#, vec![one("a"), pair("b", "c")]),
            (r#"{"examples": [{}, {}], "context": {"text": "a"}}"#, vec![one("a"), one("a")]),
        ] {
            assert_eq!(examples(body.as_bytes()), Ok(texts), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let deep = format!(r#"{{"instances": {}"#, "[".repeat(500));
        for (verb, body, message) in [
            ("predict", "", "the body cannot be read: EOF"),
            ("predict", "[]", "expected an object with the keys `signature_name`, `instances`, `inputs`"),
            ("predict", "{}", "the body has neither `instances` nor `inputs`"),
            ("predict", r#"{"instances": [], "inputs": []}"#, "the body has both `instances` and `inputs`"),
            ("predict", r#"{"instances": [], "instances": []}"#, "duplicate field `instances`"),
            ("predict", r#"{"instances": [{"text": "a", "text": "b"}]}"#, "`instances[0]`: duplicate key `text`"),
            ("predict", r#"{"instances": [], "signature_name": 3}"#, "`signature_name`: invalid type: integer `3`"),
            ("predict", r#"{"instances": "a"}"#, "`instances` is a string, and must be a list"),
            ("predict", r#"{"instances": ["a", 1]}"#, "`instances[1]` has a number, where a text must stand"),
            ("predict", r#"{"instances": [NaN]}"#, "`instances[0]` has a number"),
            ("predict", r#"{"instances": [["a", null]]}"#, "`instances[0]` has null"),
            ("predict", r#"{"instances": [["a", "b", "c"]]}"#, "`instances[0]` has a list of 3, and the model takes"),
            (
                "predict",
                r#"{"instances": [{"x": "a", "text": "b"}]}"#,
                "has the inputs {`x`, `text`}, and the model takes `text`",
            ),
            ("predict", r#"{"instances": [{"b64": "?"}]}"#, "`instances[0]` `b64` is not base64"),
            ("predict", r#"{"instances": [{"b64": "/w=="}]}"#, "`instances[0]` `b64` has bytes that are not UTF-8"),
            ("predict", r#"{"inputs": "a"}"#, "`inputs` is a string, and must be a list of texts"),
            ("predict", r#"{"inputs": {"x": ["a"]}}"#, "`inputs` has the inputs {`x`}"),
            ("predict", r#"{"inputs": {"text": [{}]}}"#, "`inputs[0]` has an object, where a text must stand"),
            (
                "predict",
                r#"{"inputs": [], "signature_name": "x"}"#,
                "there is no signature `x`; there is `serving_default`",
            ),
            ("predict", &deep, "recursion limit"),
            ("classify", "{}", "missing field `examples`"),
            ("classify", "[]", "expected an object with the keys `signature_name`, `context`, `examples`"),
            ("classify", r#"{"examples": 3}"#, "`examples`: invalid type: integer `3`, expected a sequence"),
            ("classify", r#"{"examples": ["a"]}"#, "`examples[0]` is a string, and must be an object"),
            (
                "classify",
                r#"{"examples": [{"text": "a"}], "context": 3}"#,
                "`context` is a number, and must be an object",
            ),
            ("classify", r#"{"examples": [{"b64": "YQ=="}], "context": {"text": "b"}}"#, "has the inputs {`b64`}"),
            ("classify", r#"{"examples": [{}]}"#, "`examples[0]` lacks `text`"),
            ("classify", r#"{"examples": [{"text": "a"}], "context": {"text": "b"}}"#, "which `context` has, too"),
            ("classify", r#"{"examples": [{"txt": "a"}]}"#, "`examples[0]` has the inputs {`txt`}"),
        ] {
            let error = check(verb, body.as_bytes()).expect_err(body);
            assert!(error.contains(message), "{body}: {error}");
        }
        assert!(check("predict", b"{\"inputs\": [\"\xff\"]}").expect_err("not UTF-8").contains("unicode"));
    }
}

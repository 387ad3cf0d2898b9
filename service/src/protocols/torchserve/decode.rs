//! From the bytes of a body to what is asked.

use super::form::{self, Content};
use crate::inference::Text;
use crate::json;
use crate::protocols::node::Node;
use crate::ranking::Asked;
use modeldeploy::format::features::Fact;

/// The type of a body that is not the text itself.
const JSON: &str = "application/json";

/// A prediction that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Predict {
    pub(super) texts: Vec<Text>,
    /// Whether the answer is a list, or else the one text's.
    pub(super) is_list: bool,
}

/// Reads a body of that type for a ranker of these features, of at most so many candidates: a row in JSON, or `{"instances": […]}` of
/// rows. Says whether the answer is a list.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn decode_ranked(
    body: &[u8],
    content_type: Option<&str>,
    features: &[Fact],
    most: usize,
) -> Result<(Asked, bool), String> {
    let Content { bytes, kind, place } = form::content(body, content_type)?;
    if kind != JSON {
        return Err(format!("`Content-Type` of {place} is `{kind}`, and must be {JSON}: the model takes features"));
    }
    let node: Node = json::read(&bytes).map_err(|wrong| format!("{place} cannot be read: {wrong}"))?;
    if let Node::Object(fields) = &node
        && let [(key, Node::List(instances))] = &fields[..]
        && key == "instances"
    {
        let rows = Node::rows(instances, "instances")?;
        return Ok((Asked::of_rows(features, &rows, "instances", most)?, true));
    }
    let row = node.row().map_err(|error| format!("{place} {error}"))?;
    Ok((Asked::of_rows(features, &[row], "body", most)?, false))
}

/// Whether a body is a prediction; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(body: &[u8], content_type: Option<&str>) -> Result<(), String> {
    decode(body, content_type).map(drop)
}

/// Whether a body is a prediction of a ranker of these features; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_ranked(body: &[u8], content_type: Option<&str>, features: &[Fact]) -> Result<(), String> {
    decode_ranked(body, content_type, features, crate::Limits::default().candidates).map(drop)
}

/// Reads a body of that type.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn decode(body: &[u8], content_type: Option<&str>) -> Result<Predict, String> {
    let Content { bytes, kind, place } = form::content(body, content_type)?;
    if kind != JSON {
        let text = std::str::from_utf8(&bytes).map_err(|error| format!("{place} is not UTF-8: {error}"))?;
        return Ok(Predict { texts: vec![Text::One(text.to_owned())], is_list: false });
    }
    let node: Node = json::read(&bytes).map_err(|wrong| format!("{place} cannot be read: {wrong}"))?;
    if let Node::Object(fields) = &node
        && let [(key, instances)] = &fields[..]
        && key == "instances"
    {
        let Node::List(instances) = instances else {
            return Err(format!("`instances` is {}, and must be a list", instances.kind()));
        };
        let instance = |(at, node)| data(node).map_err(|error| format!("`instances[{at}]` {error}"));
        let texts = instances.iter().enumerate().map(instance).collect::<Result<_, _>>()?;
        return Ok(Predict { texts, is_list: true });
    }
    let text = data(&node).map_err(|error| format!("{place} {error}"))?;
    Ok(Predict { texts: vec![text], is_list: false })
}

/// A text or a pair, perhaps under the key `data`, or `body` as some clients have it.
fn data(node: &Node) -> Result<Text, String> {
    match node {
        Node::Object(fields) => match &fields[..] {
            [(key, value)] if key == "data" || key == "body" => value.texts(),
            [(key, _)] if key == "b64" => node.texts(),
            fields => {
                let keys: Vec<_> = fields.iter().map(|(key, _)| format!("`{key}`")).collect();
                Err(format!("has the keys {{{}}}, and must have `data`", keys.join(", ")))
            }
        },
        _ => node.texts(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const PARTS: Option<&str> = Some("multipart/form-data; boundary=b");
    const FIELDS: Option<&str> = Some("application/x-www-form-urlencoded");

    /// A form whose one part is `data`, of that type.
    fn form(kind: &str, data: &str) -> String {
        let disposition = "Content-Disposition: form-data; name=\"data\"; filename=\"file\"";
        format!("--b\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n{data}\r\n--b--\r\n")
    }

    #[test]
    fn a_body_is_a_text_unless_it_is_said_to_be_json() {
        let one = |text: &str| Text::One(text.to_owned());
        let pair = || Text::Pair("a".to_owned(), "b".to_owned());
        for (kind, body, texts, is_list) in [
            (None, r#"{"data": "a"}"#, vec![one(r#"{"data": "a"}"#)], false),
            (Some("text/plain"), "手机", vec![one("手机")], false),
            (JSON, r#""a""#, vec![one("a")], false),
            (JSON, r#"["a", "b"]"#, vec![pair()], false),
            (JSON, r#"{"data": ["a", "b"]}"#, vec![pair()], false),
            (JSON, r#"{"body": {"b64": "YQ=="}}"#, vec![one("a")], false),
            (JSON, r#"{"instances": ["a", {"data": "c"}, ["a", "b"]]}"#, vec![one("a"), one("c"), pair()], true),
            (JSON, r#"{"instances": []}"#, vec![], true),
            (PARTS, &form("application/octet-stream", r#"{"data": "a"}"#), vec![one(r#"{"data": "a"}"#)], false),
            (PARTS, &form("text/plain", ""), vec![one("")], false),
            (PARTS, &form("application/json", r#"{"data": ["a", "b"]}"#), vec![pair()], false),
            (PARTS, &form("application/json", r#"{"instances": ["a", ["a", "b"]]}"#), vec![one("a"), pair()], true),
            (FIELDS, "data=%E6%89%8B+a%2B%3d=", vec![one("手 a+==")], false),
        ] {
            assert_eq!(decode(body.as_bytes(), kind), Ok(Predict { texts, is_list }), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, message) in [
            ("", "the body cannot be read: EOF"),
            ("3", "the body has a number, where a text must stand"),
            ("[]", "the body has a list of 0"),
            (r#"{"text": "a"}"#, "the body has the keys {`text`}, and must have `data`"),
            (r#"{"data": "a", "data": "b"}"#, "duplicate key `data`"),
            (r#"{"instances": "a"}"#, "`instances` is a string, and must be a list"),
            (r#"{"instances": ["a", null]}"#, "`instances[1]` has null, where a text must stand"),
            (&"[".repeat(500), "recursion limit"),
            ("[NaN]", "expected value"),
        ] {
            let error = decode(body.as_bytes(), JSON).expect_err(body);
            assert!(error.contains(message), "{body}: {error}");
        }
        assert!(decode(b"\xff", None).expect_err("not UTF-8").contains("the body is not UTF-8"));
        for (kind, body, message) in [
            (PARTS, &form("application/json", "3"), "the form's `data` has a number, where a text must stand"),
            (PARTS, &form("application/json", "["), "the form's `data` cannot be read: EOF"),
            (FIELDS, &"body=a%ffb".to_owned(), "the form's `body` is not UTF-8"),
            (FIELDS, &"phone".to_owned(), "the form has neither `data` nor `body`"),
        ] {
            let error = decode(body.as_bytes(), kind).expect_err(body);
            assert!(error.contains(message), "{body}: {error}");
        }
    }

    #[test]
    fn a_ranker_takes_a_row_in_json_alone() {
        for (kind, body, message) in [
            (Some("Text/Plain"), "{}", "`Content-Type` of the body is `text/plain`, and must be application/json"),
            (FIELDS, "data={}", "`Content-Type` of the form's `data` is ``, and must be application/json"),
            (PARTS, &form("text/csv", "{}"), "`Content-Type` of the form's `data` is `text/csv`"),
            (PARTS, &form("application/json", "3"), "the form's `data` is a number, and must be an object"),
        ] {
            let error = check_ranked(body.as_bytes(), kind, &[]).expect_err(body);
            assert!(error.contains(message), "{body}: {error}");
        }
    }
}

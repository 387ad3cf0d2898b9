//! From the bytes of a body to what is asked.

use crate::inference::Text;
use crate::protocols::node::Node;
use crate::ranking::Asked;
use modeldeploy::format::features::Fact;

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
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(format!("`Content-Type` is `{kind}`, and must be application/json: the model takes features"));
    }
    let node: Node = serde_json::from_slice(body).map_err(|error| format!("the body cannot be read: {error}"))?;
    if let Node::Object(fields) = &node
        && let [(key, Node::List(instances))] = &fields[..]
        && key == "instances"
    {
        let rows = Node::rows(instances, "instances")?;
        return Ok((Asked::of_rows(features, &rows, "instances", most)?, true));
    }
    let row = node.row().map_err(|error| format!("the body {error}"))?;
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
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let text = std::str::from_utf8(body).map_err(|error| format!("the body is not UTF-8: {error}"))?;
        return Ok(Predict { texts: vec![Text::One(text.to_owned())], is_list: false });
    }
    let node: Node = serde_json::from_slice(body).map_err(|error| format!("the body cannot be read: {error}"))?;
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
    let text = data(&node).map_err(|error| format!("the body {error}"))?;
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
    }
}

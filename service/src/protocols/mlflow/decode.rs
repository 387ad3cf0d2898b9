//! From the bytes of a body to texts.

use crate::inference::Text;
use crate::object::FromObject;
use crate::protocols::node::Node;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::io::Read as _;

/// The body in JSON: one of the four, and perhaps parameters, of which no model here has any.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    dataframe_split: Option<Split>,
    dataframe_records: Option<Vec<Node>>,
    instances: Option<Node>,
    inputs: Option<Node>,
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
}

/// A table as pandas splits it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Split {
    #[serde(rename = "columns")]
    _columns: Option<IgnoredAny>,
    #[serde(rename = "index")]
    _index: Option<IgnoredAny>,
    data: Vec<Node>,
}

/// Whether a body is an invocation; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(body: &[u8], content_type: Option<&str>) -> Result<(), String> {
    decode(body, content_type).map(drop)
}

/// Reads a body of that type.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn decode(body: &[u8], content_type: Option<&str>) -> Result<Vec<Text>, String> {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => json(body),
        "text/csv" => table(body),
        _ => Err(format!("`Content-Type` is `{kind}`, and must be application/json or text/csv")),
    }
}

fn json(body: &[u8]) -> Result<Vec<Text>, String> {
    let FromObject(body): FromObject<Body> =
        serde_json::from_slice(body).map_err(|error| format!("the body cannot be read: {error}"))?;
    match (body.dataframe_split, body.dataframe_records, body.instances, body.inputs) {
        (Some(split), None, None, None) => rows("dataframe_split.data", &split.data),
        (None, Some(records), None, None) => rows("dataframe_records", &records),
        (None, None, Some(instances), None) => list("instances", &instances),
        (None, None, None, Some(inputs)) => match one_column(&inputs) {
            Some(column) => list("inputs", column),
            None => list("inputs", &inputs),
        },
        _ => {
            Err("the body must have one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`".to_owned())
        }
    }
}

/// The values of the only key of an object of columns.
fn one_column(node: &Node) -> Option<&Node> {
    let Node::Object(fields) = node else { return None };
    let [(_, column)] = &fields[..] else { return None };
    Some(column)
}

/// A text or a list of texts and pairs.
fn list(field: &str, node: &Node) -> Result<Vec<Text>, String> {
    match node {
        Node::List(nodes) => rows(field, nodes),
        Node::Text(text) => Ok(vec![Text::One(text.clone())]),
        _ => Err(format!("`{field}` is {}, and must be a list of texts", node.kind())),
    }
}

fn rows(field: &str, nodes: &[Node]) -> Result<Vec<Text>, String> {
    let row = |(at, node): (usize, &Node)| {
        let row = match node {
            // A record: its values in their order.
            Node::Object(fields) => Node::List(fields.iter().map(|(_, value)| value.clone()).collect()).texts(),
            _ => node.texts(),
        };
        row.map_err(|error| format!("`{field}[{at}]` {error}"))
    };
    nodes.iter().enumerate().map(row).collect()
}

/// The rows of a table in CSV. One of a header alone has none, as pandas reads it: no text, and no prediction.
fn table(body: &[u8]) -> Result<Vec<Text>, String> {
    // A row of our own at the end: a quote that is never closed would swallow it, and the reader has no word for that.
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body.chain(&b"\nend\n"[..]));
    let broken = |error: csv::Error| format!("the body is no CSV: {error}");
    let columns = reader.headers().map_err(broken)?.len();
    let mut records = reader.records().collect::<Result<Vec<_>, _>>().map_err(broken)?;
    match records.pop() {
        // No line at all: the row of our own was taken for the header.
        None if body.iter().all(u8::is_ascii_whitespace) => return Ok(vec![]),
        Some(last) if last.len() == 1 && &last[0] == "end" => {}
        _ => return Err("the body is no CSV: it ends inside of quotes".to_owned()),
    }
    if !(1..=2).contains(&columns) {
        return Err(format!("the header has {columns} columns, and the model takes a text or a pair"));
    }
    let text = |(at, record): (usize, csv::StringRecord)| match (record.get(0), record.get(1)) {
        _ if record.len() != columns => {
            Err(format!("row {at} has {} columns, and the header has {columns}", record.len()))
        }
        (Some(text), Some(pair)) => Ok(Text::Pair(text.to_owned(), pair.to_owned())),
        (text, _) => Ok(Text::One(text.unwrap_or_default().to_owned())),
    };
    records.into_iter().enumerate().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json");
    const CSV: Option<&str> = Some("text/csv; charset=utf-8");

    #[test]
    fn every_form_of_a_table_is_read() {
        let (one, pair) = ([Text::One("a".to_owned())], [Text::Pair("a".to_owned(), "手".to_owned())]);
        for (kind, body, texts) in [
            (JSON, r#"{"dataframe_split": {"columns": ["t"], "index": [0], "data": [["a"]]}}"#, &one),
            (JSON, r#"{"dataframe_split": {"data": [["a", "手"]]}, "params": {"x": 1}}"#, &pair),
            (JSON, r#"{"dataframe_records": [{"t": "a"}]}"#, &one),
            (JSON, r#"{"dataframe_records": [{"t": "a", "u": "手"}]}"#, &pair),
            (JSON, r#"{"instances": ["a"]}"#, &one),
            (JSON, r#"{"inputs": ["a"]}"#, &one),
            (JSON, r#"{"inputs": "a"}"#, &one),
            (JSON, r#"{"inputs": {"t": [["a", "手"]]}}"#, &pair),
            (CSV, "t\na\n", &one),
            (CSV, "t,u\r\n\"a\",\"手\"\r\n", &pair),
        ] {
            assert_eq!(decode(body.as_bytes(), kind).expect(body), texts, "{body}");
        }
    }

    #[test]
    fn a_table_without_rows_has_no_texts() {
        for (kind, body) in [
            (JSON, r#"{"dataframe_split": {"columns": ["t"], "data": []}}"#),
            (JSON, r#"{"dataframe_records": []}"#),
            (JSON, r#"{"inputs": []}"#),
            (CSV, "t\n"),
            (CSV, "t,u"),
            (CSV, ""),
        ] {
            assert_eq!(decode(body.as_bytes(), kind).expect(body), [], "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (kind, body, message) in [
            (None, "{}", "`Content-Type` is ``, and must be application/json or text/csv"),
            (Some("text/html"), "{}", "`Content-Type` is `text/html`"),
            (JSON, "", "the body cannot be read: EOF"),
            (JSON, "{}", "the body must have one of `dataframe_split`"),
            (JSON, r#"{"inputs": [], "instances": []}"#, "the body must have one of"),
            (JSON, r#"{"inputs": [], "inputs": []}"#, "duplicate field `inputs`"),
            (JSON, r#"{"data": []}"#, "unknown field `data`"),
            (JSON, r#"{"dataframe_split": {}}"#, "missing field `data`"),
            (
                JSON,
                r#"{"dataframe_records": [{"a": 1}]}"#,
                "`dataframe_records[0]` has a number, where a text must stand",
            ),
            (JSON, r#"{"dataframe_split": {"data": [["a", "b", "c"]]}}"#, "`dataframe_split.data[0]` has a list of 3"),
            (JSON, r#"{"instances": 1}"#, "`instances` is a number, and must be a list of texts"),
            (JSON, r#"{"inputs": [NaN]}"#, "expected value"),
            (CSV, "a,b,c\n1,2,3\n", "the header has 3 columns"),
            (CSV, "a,b,c\n", "the header has 3 columns"),
            (CSV, "a,b\n1\n", "row 0 has 1 columns, and the header has 2"),
            (CSV, "a\n\"1\n", "it ends inside of quotes"),
            (CSV, "\"a\n1\n", "it ends inside of quotes"),
        ] {
            let error = decode(body.as_bytes(), kind).expect_err(body);
            assert!(error.contains(message), "{body}: {error}");
        }
        assert!(decode(b"a\n\xff\n", CSV).expect_err("not UTF-8").contains("the body is no CSV"));
    }
}

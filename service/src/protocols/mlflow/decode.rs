//! From the bytes of a body to texts, or to candidates.

use crate::inference::Text;
use crate::object::FromObject;
use crate::protocols::node::Node;
use crate::ranking::{Asked, Cell, Gathered, Row};
use modeldeploy::format::features::{Fact, Kind, Side};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::io::Read as _;

/// The body in JSON: one of the four, and perhaps parameters, of which no model here has any.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    dataframe_split: Option<FromObject<Split>>,
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
    /// Of a model of texts they say nothing.
    columns: Option<Node>,
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

/// Whether a body is an invocation of a ranker of these features; for the fuzz targets.
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
pub(super) fn decode(body: &[u8], content_type: Option<&str>) -> Result<Vec<Text>, String> {
    match kind(content_type)? {
        Media::Json => json(body),
        Media::Csv => table(body),
    }
}

/// Reads a body of that type for a ranker of these features, of at most so many candidates: a row for each, or columns in `inputs`.
///
/// # Errors
///
/// As [`decode`].
pub(super) fn decode_ranked(
    body: &[u8],
    content_type: Option<&str>,
    features: &[Fact],
    most: usize,
) -> Result<Asked, String> {
    if kind(content_type)? == Media::Csv {
        return Asked::of_rows(features, &records(body, features, most)?, "rows", most);
    }
    let of_rows = |nodes: &[Node], field: &str| Asked::of_rows(features, &Node::rows(nodes, field)?, field, most);
    let body = read(body)?;
    match (body.dataframe_split, body.dataframe_records, body.instances, body.inputs) {
        (Some(FromObject(split)), None, None, None) => {
            Asked::of_rows(features, &split.rows(features, most)?, "dataframe_split.data", most)
        }
        (None, Some(records), None, None) => of_rows(&records, "dataframe_records"),
        (None, None, Some(Node::List(nodes)), None) => of_rows(&nodes, "instances"),
        (None, None, Some(other), None) => Err(format!("`instances` is {}, and must be a list of rows", other.kind())),
        (None, None, None, Some(Node::List(nodes))) => of_rows(&nodes, "inputs"),
        (None, None, None, Some(inputs)) => {
            let columns = inputs.row().map_err(|error| format!("`inputs` {error}"))?;
            Asked::of_columns(features, &columns, most).map_err(|error| format!("`inputs`: {error}"))
        }
        _ => Err(ONE_OF.to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Json,
    Csv,
}

fn kind(content_type: Option<&str>) -> Result<Media, String> {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => Ok(Media::Json),
        "text/csv" => Ok(Media::Csv),
        _ => Err(format!("`Content-Type` is `{kind}`, and must be application/json or text/csv")),
    }
}

fn read(body: &[u8]) -> Result<Body, String> {
    crate::json::read(body).map_err(|wrong| format!("the body cannot be read: {wrong}"))
}

const ONE_OF: &str = "the body must have one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`";

impl Split {
    /// The rows, at most so many, by the names of the columns.
    fn rows(&self, features: &[Fact], most: usize) -> Result<Vec<Row>, String> {
        let Some(Node::List(columns)) = &self.columns else {
            return Err("`dataframe_split` has no list of `columns`, which name the features".to_owned());
        };
        let name = |node: &Node| match node {
            Node::Text(name) => Ok(name.clone()),
            other => {
                Err(format!("`dataframe_split.columns` has {}, where the name of a feature must stand", other.kind()))
            }
        };
        let names: Vec<String> = columns.iter().map(name).collect::<Result<_, _>>()?;
        bounded(features, names.iter().map(String::as_str), (self.data.len(), most))?;
        let row = |(at, node): (usize, &Node)| {
            let wrong = |error: String| format!("`dataframe_split.data[{at}]` {error}");
            let Node::List(values) = node else {
                return Err(wrong(format!("is {}, and must be a list", node.kind())));
            };
            if values.len() != names.len() {
                return Err(wrong(format!("has {} values, and `columns` {}", values.len(), names.len())));
            }
            let named = names.iter().zip(values);
            named.map(|(name, node)| Ok((name.clone(), node.cell().map_err(wrong)?))).collect()
        };
        self.data.iter().enumerate().map(row).collect()
    }
}

/// Refuses rows beyond as many as are taken, and columns that are no features or are there twice, before each row gets the names of all
/// columns.
fn bounded<'a>(
    features: &[Fact],
    mut columns: impl Iterator<Item = &'a str>,
    (rows, most): (usize, usize),
) -> Result<(), String> {
    if rows > most {
        return Err(format!("there are {rows} candidates, and at most {most} are taken"));
    }
    let (known, mut found) = (Gathered::new(features), BTreeSet::new());
    columns.try_for_each(|name| match known.feature(name) {
        Ok(_) if !found.insert(name) => Err(format!("the feature `{name}` is there twice")),
        other => other.map(drop),
    })
}

fn json(body: &[u8]) -> Result<Vec<Text>, String> {
    let body = read(body)?;
    match (body.dataframe_split, body.dataframe_records, body.instances, body.inputs) {
        (Some(FromObject(split)), None, None, None) => rows("dataframe_split.data", &split.data),
        (None, Some(records), None, None) => rows("dataframe_records", &records),
        (None, None, Some(instances), None) => list("instances", &instances),
        (None, None, None, Some(inputs)) => match one_column(&inputs) {
            Some(column) => list("inputs", column),
            None => list("inputs", &inputs),
        },
        _ => Err(ONE_OF.to_owned()),
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

/// The records of a table in CSV, and the names of its columns.
fn csv_of(body: &[u8]) -> Result<(csv::StringRecord, Vec<csv::StringRecord>), String> {
    // A row of our own at the end: a quote that is never closed would swallow it, and the reader has no word for that.
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body.chain(&b"\nend\n"[..]));
    let broken = |error: csv::Error| format!("the body is no CSV: {error}");
    let names = reader.headers().map_err(broken)?.clone();
    let mut records = reader.records().collect::<Result<Vec<_>, _>>().map_err(broken)?;
    match records.pop() {
        // No line at all: the row of our own was taken for the header.
        None if body.iter().all(u8::is_ascii_whitespace) => return Ok((csv::StringRecord::new(), vec![])),
        Some(last) if last.len() == 1 && &last[0] == "end" => {}
        _ => return Err("the body is no CSV: it ends inside of quotes".to_owned()),
    }
    let columns = names.len();
    if let Some((at, record)) = records.iter().enumerate().find(|(_, record)| record.len() != columns) {
        return Err(format!("row {at} has {} columns, and the header has {columns}", record.len()));
    }
    Ok((names, records))
}

/// The rows of a table, at most so many, by the kinds of its features: an empty field is missing, and a session's list or an embedding stands
/// in it as in JSON.
fn records(body: &[u8], features: &[Fact], most: usize) -> Result<Vec<Row>, String> {
    let (names, records) = csv_of(body)?;
    bounded(features, names.iter(), (records.len(), most))?;
    let facts: Vec<Option<&Fact>> = names.iter().map(|name| features.iter().find(|fact| fact.name == name)).collect();
    let row = |(at, record): (usize, csv::StringRecord)| {
        let field = |((name, fact), text): ((&str, &Option<&Fact>), &str)| {
            let wrong =
                |expected: &str| format!("`rows[{at}]`: the feature `{name}` is `{text}`, and must be {expected}");
            let cell = match fact {
                Some(Fact { side: Side::Session, .. } | Fact { kind: Kind::Embedding(_), .. }) => {
                    let list = serde_json::from_str::<Node>(text).ok().and_then(|node| node.cell().ok());
                    list.ok_or_else(|| wrong("a list, as it stands in JSON"))?
                }
                Some(Fact { kind: Kind::Number, .. }) if text.trim().is_empty() => Cell::Missing,
                Some(Fact { kind: Kind::Number, .. }) => {
                    let number: f64 = text.trim().parse().map_err(|_| wrong("a number, or empty"))?;
                    if number.is_nan() { Cell::Missing } else { Cell::Number(number) }
                }
                _ => Cell::Text(text.to_owned()),
            };
            Ok((name.to_owned(), cell))
        };
        names.iter().zip(&facts).zip(&record).map(field).collect()
    };
    records.into_iter().enumerate().map(row).collect()
}

/// The rows of a table in CSV. One of a header alone has none, as pandas reads it: no text, and no prediction.
fn table(body: &[u8]) -> Result<Vec<Text>, String> {
    let (names, records) = csv_of(body)?;
    let columns = names.len();
    if columns == 0 {
        return Ok(vec![]);
    }
    if columns > 2 {
        return Err(format!("the header has {columns} columns, and the model takes a text or a pair"));
    }
    let text = |record: csv::StringRecord| match (record.get(0), record.get(1)) {
        (Some(text), Some(pair)) => Text::Pair(text.to_owned(), pair.to_owned()),
        (text, _) => Text::One(text.unwrap_or_default().to_owned()),
    };
    Ok(records.into_iter().map(text).collect())
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
            (JSON, r#"{"data": []}"#, "`data`: unknown field `data`"),
            (JSON, r#"{"dataframe_split": {}}"#, "`dataframe_split`: missing field `data`"),
            (JSON, r#"{"dataframe_split": {"data": 3}}"#, "`dataframe_split.data`: invalid type: integer `3`"),
            (
                JSON,
                r#"{"dataframe_split": [null, null, [["a"]]]}"#,
                "`dataframe_split`: invalid type: sequence, expected an object with the keys `columns`, `index`, `data`",
            ),
            (JSON, r#"{"dataframe_records": [{"t": "a", "t": "b"}]}"#, "`dataframe_records[0]`: duplicate key `t`"),
            (
                JSON,
                r#"{"dataframe_records": [{"a": 1}]}"#,
                "`dataframe_records[0]` has a number, where a text must stand",
            ),
            (JSON, r#"{"dataframe_split": {"data": [["a", "b", "c"]]}}"#, "`dataframe_split.data[0]` has a list of 3"),
            (JSON, r#"{"instances": 1}"#, "`instances` is a number, and must be a list of texts"),
            (JSON, r#"{"inputs": [NaN]}"#, "`inputs[0]`: expected value"),
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

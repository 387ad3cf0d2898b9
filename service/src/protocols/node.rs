//! A value of a request in JSON: what a model of texts takes of it, and what a ranker does.

use crate::inference::Text;
use crate::ranking::{Cell, Row};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Number(f64),
    Null,
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    /// What no model takes: a boolean.
    Other(&'static str),
}

impl Node {
    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::Text(_) => "a string",
            Node::Number(_) => "a number",
            Node::Null => "null",
            Node::List(_) => "a list",
            Node::Object(_) => "an object",
            Node::Other(kind) => kind,
        }
    }

    /// A text, as a string or as `{"b64": "…"}`; none if it is something else.
    ///
    /// # Errors
    ///
    /// If what stands in base64 is no text.
    fn text(&self) -> Result<Option<String>, String> {
        match self {
            Node::Text(text) => Ok(Some(text.clone())),
            Node::Object(fields) => match &fields[..] {
                [(key, Node::Text(encoded))] if key == "b64" => {
                    let bytes = STANDARD.decode(encoded).map_err(|error| format!("`b64` is not base64: {error}"))?;
                    let text = String::from_utf8(bytes);
                    text.map(Some).map_err(|_| "`b64` has bytes that are not UTF-8".to_owned())
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

impl Node {
    /// A text, or a list of one, or of two: a pair.
    ///
    /// # Errors
    ///
    /// What stands there instead.
    pub(super) fn texts(&self) -> Result<Text, String> {
        let part = |node: &Node| {
            let wrong = || format!("has {}, where a text must stand", node.kind());
            node.text()?.ok_or_else(wrong)
        };
        match self {
            Node::List(parts) => match &parts[..] {
                [one] => Ok(Text::One(part(one)?)),
                [text, pair] => Ok(Text::Pair(part(text)?, part(pair)?)),
                parts => Err(format!("has a list of {}, and the model takes a text or a pair", parts.len())),
            },
            _ => Ok(Text::One(part(self)?)),
        }
    }
}

impl Node {
    /// The value of a feature.
    ///
    /// # Errors
    ///
    /// If what stands in base64 is no text.
    pub(super) fn cell(&self) -> Result<Cell, String> {
        Ok(match self {
            Node::Text(text) => Cell::Text(text.clone()),
            Node::Number(number) => Cell::Number(*number),
            Node::Null => Cell::Missing,
            Node::List(nodes) => Cell::List(nodes.iter().map(Node::cell).collect::<Result<_, _>>()?),
            Node::Object(_) => self.text()?.map_or(Cell::Other("an object"), Cell::Text),
            Node::Other(kind) => Cell::Other(kind),
        })
    }

    /// An object as a row of features: a value for each name.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub(super) fn row(&self) -> Result<Row, String> {
        let Node::Object(fields) = self else {
            return Err(format!("is {}, and must be an object: a value for each feature", self.kind()));
        };
        let field = |(name, node): &(String, Node)| {
            node.cell()
                .map(|cell| (name.clone(), cell))
                .map_err(|error| format!("has as `{name}` what is none: {error}"))
        };
        fields.iter().map(field).collect()
    }

    /// Rows of features; `field` is what they stand in.
    ///
    /// # Errors
    ///
    /// Which of them is none.
    pub(super) fn rows(nodes: &[Node], field: &str) -> Result<Vec<Row>, String> {
        let row = |(at, node): (usize, &Node)| node.row().map_err(|error| format!("`{field}[{at}]` {error}"));
        nodes.iter().enumerate().map(row).collect()
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
                let mut nodes = vec![];
                while let Some(node) = list.next_element()? {
                    nodes.push(node);
                }
                Ok(Node::List(nodes))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut fields: Vec<(String, Node)> = vec![];
                while let Some((key, node)) = map.next_entry::<String, Node>()? {
                    fields.push((key, node));
                }
                let mut keys: Vec<&String> = fields.iter().map(|(key, _)| key).collect();
                keys.sort();
                if let Some(twice) = keys.windows(2).find(|keys| keys[0] == keys[1]) {
                    return Err(A::Error::custom(format_args!("duplicate key `{}`", twice[0])));
                }
                Ok(Node::Object(fields))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Node, E> {
                Ok(Node::Other("a boolean"))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
                Ok(Node::Number(number as f64))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
                Ok(Node::Number(number as f64))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
                Ok(Node::Number(number))
            }

            fn visit_unit<E: Error>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

//! A document of named values: what JSON and UBJSON hold alike.
//!
//! JSON is read here and not by serde_json, whose numbers may be off by one bit: a threshold must be the f64 that was meant.

mod json;
mod ubjson;

pub(super) use json::parse as json;
pub(super) use ubjson::parse as ubjson;

use std::collections::BTreeMap;

/// Deeper documents are refused: LightGBM's JSON has a level for each level of a tree.
const MAX_DEPTH: usize = 1024;

/// A value of a document.
#[derive(Debug, PartialEq)]
pub(super) enum Document {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Document>),
    Table(BTreeMap<String, Document>),
}

impl Document {
    pub(super) fn get(&self, key: &str) -> Option<&Document> {
        match self {
            Document::Table(table) => table.get(key),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Document]> {
        match self {
            Document::List(list) => Some(list),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Document::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, or a flag as 0 or 1.
    pub(super) fn number(&self) -> Option<f64> {
        match *self {
            Document::Number(number) => Some(number),
            Document::Flag(flag) => Some(f64::from(u8::from(flag))),
            _ => None,
        }
    }

    /// A whole number, which XGBoost also writes as a text.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Document::Text(text) => text.trim().parse().ok(),
            other => other.number().filter(|number| number.fract() == 0.0 && number.abs() < 1e15).map(|n| n as i64),
        }
    }

    /// All numbers of a list, if it is one of numbers.
    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        self.list()?.iter().map(Document::number).collect()
    }

    /// All whole numbers of a list, if it is one of those.
    pub(super) fn wholes(&self) -> Option<Vec<i64>> {
        self.list()?.iter().map(Document::whole).collect()
    }
}

// A deep document is taken apart level by level: the compiler's own drop would go down as deep as it is.
impl Drop for Document {
    fn drop(&mut self) {
        let mut open = vec![];
        let take = |value: &mut Document, open: &mut Vec<Document>| match value {
            Document::List(list) => open.append(list),
            Document::Table(table) => open.extend(std::mem::take(table).into_values()),
            _ => {}
        };
        take(self, &mut open);
        while let Some(mut value) = open.pop() {
            take(&mut value, &mut open);
        }
    }
}

//! Files of texts: JSON lines and tables of tab-separated values, read strictly, with file and line in each error.
//!
//! Suites and indexes are made of them.

mod problems;
mod template;

pub(crate) use problems::Problems;
pub(crate) use template::Template;

use crate::diagnostic::{Code, Diagnostic};
use modeldeploy_format::Digest;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;

/// A file of texts that cannot be read.
pub(crate) const FILE: Code = Code("MD0603");
/// A line that is not as it should be.
pub(crate) const LINE: Code = Code("MD0604");
/// One thing twice.
pub(crate) const TWICE: Code = Code("MD0605");

/// A text file with the digest of its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextFile {
    /// As errors name it.
    pub(crate) shown: String,
    pub(crate) text: String,
    pub(crate) digest: Digest,
}

impl TextFile {
    pub(crate) fn read(path: &Path, named_in: &str) -> Result<TextFile, Diagnostic> {
        let shown = path.display().to_string();
        let cannot = |why: String, help: &str| {
            Diagnostic::new(FILE, format!("`{shown}` cannot be read: {why}")).at(named_in).help(help)
        };
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                cannot("there is no such file".into(), "paths are relative to the file that names them")
            }
            _ => cannot(error.to_string(), "check its permissions"),
        })?;
        let digest = Digest::of(&bytes);
        let text = String::from_utf8(bytes).map_err(|error| {
            cannot(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()), "save it as UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(TextFile { shown, text, digest })
    }

    pub(crate) fn is_json_lines(&self) -> bool {
        [".jsonl", ".ndjson", ".json"].iter().any(|ending| self.shown.ends_with(ending))
    }

    /// `path:line`.
    pub(crate) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.shown)
    }

    /// The lines that are not blank, with their numbers from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim().is_empty())
    }

    /// Each line as a JSON object.
    pub(crate) fn objects(&self, problems: &mut Problems) -> Vec<(usize, Map<String, Value>)> {
        let mut objects = vec![];
        for (line, text) in self.lines() {
            match serde_json::from_str::<Value>(text) {
                Ok(Value::Object(object)) => objects.push((line, object)),
                Ok(_) => {
                    problems.add(LINE, "the line is not a JSON object", self.place(line), "write {…} on each line")
                }
                Err(error) => {
                    let why = error.to_string();
                    let why = why.split(" at line ").next().unwrap_or_default();
                    problems.add(
                        LINE,
                        format!("the line is not JSON: {why} (column {})", error.column()),
                        self.place(line),
                        "write one JSON object on each line",
                    );
                }
            }
        }
        objects
    }

    /// Each line as `N` values with tabs between.
    pub(crate) fn columns<const N: usize>(&self, what: [&str; N], problems: &mut Problems) -> Vec<(usize, [&str; N])> {
        let mut rows = vec![];
        for (line, text) in self.lines() {
            let values: Vec<&str> = text.split('\t').collect();
            match <[&str; N]>::try_from(values) {
                Ok(values) => rows.push((line, values)),
                Err(values) => problems.add(
                    LINE,
                    format!("the line has {} columns, not {N}", values.len()),
                    self.place(line),
                    format!("write {} with a tab between", what.join(", ")),
                ),
            }
        }
        rows
    }

    /// A key's value as text: texts, numbers and booleans have one.
    pub(crate) fn field(
        &self,
        line: usize,
        object: &Map<String, Value>,
        key: &str,
        problems: &mut Problems,
    ) -> Option<String> {
        let found = match object.get(key) {
            Some(Value::String(text)) => return Some(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => return Some(value.to_string()),
            Some(Value::Null) => "is null",
            Some(_) => "is neither text nor number",
            None => "is missing",
        };
        let keys: Vec<&str> = object.keys().map(String::as_str).collect();
        let help = match crate::section::nearest(key, keys.iter().copied()) {
            Some(near) if near != key => format!("did you mean `{near}`?"),
            _ => format!("the line has {}", crate::section::list(&keys)),
        };
        problems.add(LINE, format!("`{key}` {found}"), self.place(line), help);
        None
    }
}

/// A text with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id, unique in its file.
    pub id: String,
    /// Its text.
    pub text: String,
}

/// Reads documents from JSON lines; two of one id are an error.
pub(crate) fn documents(file: &TextFile, id: &str, template: &Template, problems: &mut Problems) -> Vec<Document> {
    let mut documents = vec![];
    let mut lines = HashMap::new();
    for (line, object) in file.objects(problems) {
        let id = file.field(line, &object, id, problems);
        let text = template.fill(file, line, &object, problems);
        let (Some(id), Some(text)) = (id, text) else { continue };
        if let Some(first) = lines.insert(id.clone(), line) {
            let message = format!("`{id}` stands twice");
            problems.add(TWICE, message, format!("{} and {first}", file.place(line)), "remove one of the lines");
            continue;
        }
        documents.push(Document { id, text });
    }
    documents
}

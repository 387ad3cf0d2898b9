//! Keys of a JSON object, read with type and range checked; every error names the file and the key, and all are collected.

use super::codes;
use crate::diagnostic::Diagnostic;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// The value that `bytes` hold.
///
/// # Errors
///
/// That they are not UTF-8 or not JSON, with the line.
pub(super) fn parse(place: &str, bytes: &[u8]) -> Result<Value, Diagnostic> {
    let wrong = |message: String| {
        Diagnostic::new(codes::NOT_JSON, message)
            .at(place)
            .help("download or export the file again, as its library writes it")
    };
    if bytes.is_empty() {
        return Err(wrong("the file is empty".to_owned()));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| wrong(format!("the file is not UTF-8: byte {} cannot stand there", error.valid_up_to())))?;
    serde_json::from_str(text).map_err(|error| wrong(format!("the file is not JSON: {error}")))
}

/// The object that `bytes` hold.
///
/// # Errors
///
/// As [`parse`], or that they hold something else.
pub(super) fn parse_object(place: &str, bytes: &[u8]) -> Result<Map<String, Value>, Diagnostic> {
    match parse(place, bytes)? {
        Value::Object(map) => Ok(map),
        other => Err(Diagnostic::new(codes::NOT_JSON, format!("expected an object, found {}", kind(&other)))
            .at(place)
            .help("download or export the file again, as its library writes it")),
    }
}

/// An object under inspection. A key that is wrong is an error and reads as its default, so that one run finds all of them.
pub(super) struct Keys<'a> {
    place: String,
    map: &'a Map<String, Value>,
    errors: Vec<Diagnostic>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(place: impl Into<String>, map: &'a Map<String, Value>) -> Keys<'a> {
        Keys { place: place.into(), map, errors: Vec::new() }
    }

    /// The value of a key that is there and not `null`.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Whether anything is wrong so far.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The file with that key, as errors name them.
    pub(super) fn place(&self, key: &str) -> String {
        format!("{}, key `{key}`", self.place)
    }

    /// Adds an error at `key`.
    pub(super) fn error(
        &mut self,
        code: crate::diagnostic::Code,
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.errors.push(Diagnostic::new(code, message).at(self.place(key)).help(help));
    }

    /// A whole number that must be there.
    pub(super) fn count(&mut self, key: &str, range: RangeInclusive<usize>) -> usize {
        if self.get(key).is_none() {
            let help = format!("it is a whole number from {} to {}", range.start(), range.end());
            self.error(codes::BAD_KEY, key, format!("the key `{key}` is missing"), help);
        }
        let least = *range.start();
        self.count_or(key, least, range)
    }

    /// A whole number.
    pub(super) fn count_or(&mut self, key: &str, default: usize, range: RangeInclusive<usize>) -> usize {
        let Some(value) = self.get(key) else { return default };
        match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
            Some(number) if range.contains(&number) => number,
            _ => {
                let message = format!(
                    "`{key}` must be a whole number from {} to {}, found {}",
                    range.start(),
                    range.end(),
                    shown(value)
                );
                self.error(codes::BAD_KEY, key, message, "correct the key, or download the model again");
                default
            }
        }
    }

    /// A number greater than 0 and at most `most`.
    pub(super) fn number_or(&mut self, key: &str, default: f64, most: f64) -> f64 {
        let Some(value) = self.get(key) else { return default };
        match value.as_f64() {
            Some(number) if number > 0.0 && number <= most => number,
            _ => {
                let message = format!("`{key}` must be a number over 0 and at most {most}, found {}", shown(value));
                self.error(codes::BAD_KEY, key, message, "correct the key, or download the model again");
                default
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Option<&'a str> {
        let value = self.get(key)?;
        let text = value.as_str();
        if text.is_none() {
            let message = format!("`{key}` must be a text, found {}", shown(value));
            self.error(codes::BAD_KEY, key, message, "correct the key, or download the model again");
        }
        text
    }

    /// `true` or `false`.
    pub(super) fn flag_or(&mut self, key: &str, default: bool) -> bool {
        let Some(value) = self.get(key) else { return default };
        value.as_bool().unwrap_or_else(|| {
            let message = format!("`{key}` must be true or false, found {}", shown(value));
            self.error(codes::BAD_KEY, key, message, "correct the key, or download the model again");
            default
        })
    }

    /// An object.
    pub(super) fn object(&mut self, key: &str) -> Option<&'a Map<String, Value>> {
        let value = self.get(key)?;
        let object = value.as_object();
        if object.is_none() {
            let message = format!("`{key}` must be an object, found {}", shown(value));
            self.error(codes::BAD_KEY, key, message, "correct the key, or download the model again");
        }
        object
    }

    /// What was read, if nothing was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<Diagnostic>> {
        if self.errors.is_empty() { Ok(value) } else { Err(self.errors) }
    }
}

/// A value as an error shows it: short, on one line.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        _ => {
            let text = value.to_string();
            let short: String = text.chars().take(60).collect();
            if short.len() < text.len() { format!("{short}…") } else { short }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, read: impl FnOnce(&mut Keys<'_>), expected: &[&str]) {
        let map = parse_object("config.json", json.as_bytes()).expect("an object");
        let mut keys = Keys::new("config.json", &map);
        read(&mut keys);
        let errors = keys.finish(()).err().unwrap_or_default();
        assert_eq!(errors.len(), expected.len(), "{json}: {errors:?}");
        for (error, expected) in errors.iter().zip(expected) {
            assert!(error.to_string().contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn a_wrong_number_is_named_with_its_range() {
        let read = |keys: &mut Keys<'_>| _ = keys.count("hidden_size", 1..=64);
        for (json, expected) in [
            (r#"{"hidden_size": 64}"#, &[][..]),
            (r#"{}"#, &["the key `hidden_size` is missing"]),
            (r#"{"hidden_size": null}"#, &["the key `hidden_size` is missing"]),
            (r#"{"hidden_size": 0}"#, &["from 1 to 64, found 0"]),
            (r#"{"hidden_size": -1}"#, &["found -1"]),
            (r#"{"hidden_size": 1.5}"#, &["found 1.5"]),
            (r#"{"hidden_size": 1000000000}"#, &["found 1000000000"]),
            (r#"{"hidden_size": 99999999999999999999999999}"#, &["found 1e+26"]),
            (r#"{"hidden_size": "64"}"#, &["found \"64\""]),
            (r#"{"hidden_size": [64]}"#, &["found a list"]),
        ] {
            check(json, read, expected);
        }
    }

    #[test]
    fn all_errors_are_collected() {
        let read = |keys: &mut Keys<'_>| {
            keys.text("a");
            keys.flag_or("b", false);
            keys.number_or("c", 1.0, 2.0);
            keys.object("d");
        };
        check(r#"{"a": 1, "b": 1, "c": -1, "d": 1}"#, read, &["key `a`", "key `b`", "key `c`", "key `d`"]);
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"\xff{}", "not UTF-8: byte 0"),
            (b"{", "not JSON"),
            (b"[]", "found a list"),
            (&[b'['; 4096], "recursion limit"),
        ] {
            let error = parse_object("config.json", bytes).expect_err(expected).to_string();
            assert!(error.contains(expected) && error.contains("config.json"), "{error}");
        }
    }
}

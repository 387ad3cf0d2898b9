//! Fields of a component of `tokenizer.json`, each missing or wrong one an error that names it.

use serde_json::{Map, Value};

use super::codes::Place;
use crate::diagnostic::Diagnostic;

/// A component's object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    component: &'a str,
    object: &'a Map<String, Value>,
    place: Place<'a>,
}

impl<'a> Fields<'a> {
    /// The object of a component, unless it is null or absent.
    pub(super) fn of(
        value: Option<&'a Value>,
        component: &'a str,
        place: Place<'a>,
    ) -> Result<Option<Self>, Diagnostic> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self { component, object, place })),
            Some(_) => Err(place.malformed(component, format!("`{component}` is not an object"))),
        }
    }

    /// Its `type`; empty where it has none.
    pub(super) fn kind(&self) -> &'a str {
        self.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// A field that may be absent or null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, what: &str) -> Diagnostic {
        self.place.malformed(self.component, format!("`{key}` of `{}` is missing or is not {what}", self.kind()))
    }

    /// A field that is true or false.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Diagnostic> {
        self.get(key).and_then(Value::as_bool).ok_or_else(|| self.wrong(key, "true or false"))
    }

    /// A field that is true or false, or absent.
    pub(super) fn flag_or(&self, key: &str, absent: bool) -> Result<bool, Diagnostic> {
        if self.get(key).is_some() { self.flag(key) } else { Ok(absent) }
    }

    /// A field that is a string.
    pub(super) fn text(&self, key: &str) -> Result<&'a str, Diagnostic> {
        self.get(key).and_then(Value::as_str).ok_or_else(|| self.wrong(key, "a string"))
    }

    /// A field that is a string of one character.
    pub(super) fn char(&self, key: &str) -> Result<char, Diagnostic> {
        let mut chars = self.text(key)?.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(self.wrong(key, "one character")),
        }
    }

    /// A field that is a list.
    pub(super) fn list(&self, key: &str) -> Result<&'a [Value], Diagnostic> {
        self.get(key).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| self.wrong(key, "a list"))
    }

    /// A field that is an object.
    pub(super) fn object(&self, key: &str) -> Result<&'a Map<String, Value>, Diagnostic> {
        self.get(key).and_then(Value::as_object).ok_or_else(|| self.wrong(key, "an object"))
    }
}

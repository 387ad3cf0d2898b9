//! Schemas that the protocols share (JSON Schema 2020-12).

use super::Shown;
use modeldeploy::format::Task;
use serde_json::{Value, json};

/// The format of a text in base64: no other bytes decode to UTF-8.
pub(crate) const BASE64_TEXT: &str = "base64-text";

/// A string.
pub(crate) fn string() -> Value {
    json!({ "type": "string" })
}

/// A string of at least one character.
pub(crate) fn filled() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// One of these strings.
pub(crate) fn one_of<T: AsRef<str>>(values: &[T]) -> Value {
    json!({ "type": "string", "enum": values.iter().map(AsRef::as_ref).collect::<Vec<_>>() })
}

/// What the schema says, or null, which is as if it were not there.
pub(crate) fn optional(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// An object with these keys and no others.
pub(crate) fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// An object with all of these keys and no others.
pub(crate) fn record(properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flatten().map(|(key, _)| key).collect();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// A list of any length.
pub(crate) fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// A list of at least one.
pub(crate) fn some(items: Value) -> Value {
    json!({ "type": "array", "items": items, "minItems": 1 })
}

/// A list of that many.
pub(crate) fn sized(items: Value, least: usize, most: usize) -> Value {
    json!({ "type": "array", "items": items, "minItems": least, "maxItems": most })
}

/// A row of a model: a vector, or each label's probability.
pub(crate) fn row(shown: &Shown) -> Value {
    let number = if shown.facts.task == Task::Classify { probability() } else { json!({ "type": "number" }) };
    sized(number, shown.facts.outputs, shown.facts.outputs)
}

/// From 0 to 1.
pub(crate) fn probability() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 1 })
}

/// A count.
pub(crate) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// The header that says when a request may be tried again.
pub(super) fn retry_after() -> Value {
    json!({ "schema": { "type": "integer", "minimum": 1 }, "description": "Seconds until it may be tried again." })
}

/// What a model takes as one text: a string or `{"b64": "…"}`, a list of one, or a list of two where it takes pairs.
pub(crate) fn text(task: Task) -> Value {
    let part = json!({ "anyOf": [
        string(),
        record(json!({ "b64": { "type": "string", "format": BASE64_TEXT } })),
    ] });
    match task {
        Task::Embed => json!({ "anyOf": [part, sized(part.clone(), 1, 1)] }),
        Task::Score => sized(part, 2, 2),
        _ => json!({ "anyOf": [part, sized(part.clone(), 1, 2)] }),
    }
}

/// The ids of a text's tokens, as the model's own tokenizer gives them.
pub(crate) fn ids(shown: &Shown) -> Value {
    sized(id(shown), 1, shown.facts.max_tokens)
}

/// The id of a token.
pub(crate) fn id(shown: &Shown) -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": shown.engine.tokenizer().vocab_size() - 1 })
}

/// An object of which exactly one of these keys is there, null being as if it were not.
pub(crate) fn exactly_one(keys: &[(&str, Value)]) -> Vec<Value> {
    let only = |(key, schema): &(&str, Value)| {
        let others = keys.iter().filter(|(other, _)| other != key);
        let mut properties: serde_json::Map<String, Value> =
            others.map(|(other, _)| ((*other).to_owned(), json!({ "type": "null" }))).collect();
        properties.insert((*key).to_owned(), schema.clone());
        json!({ "required": [key], "properties": properties })
    };
    keys.iter().map(only).collect()
}

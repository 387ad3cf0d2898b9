//! Values of JSON against the schemas of an OpenAPI document, as far as the examples' own routes need them.

use serde_json::Value;

/// Holds a value against its schema: objects have the properties that are required, and no others than are named.
///
/// # Panics
///
/// If it is otherwise; `place` says which value it is.
pub fn holds(value: &Value, schema: &Value, place: &str) {
    let kind = schema["type"].as_str().unwrap_or_else(|| panic!("{place} has a type"));
    let is = match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        other => panic!("{place}: {other}"),
    };
    assert!(is, "{place} is {value} and not {kind}");
    let bound = |key: &str| schema[key].as_f64();
    if let Some(number) = value.as_f64() {
        assert!(bound("minimum").is_none_or(|least| number >= least), "{place}: {number}");
        assert!(bound("maximum").is_none_or(|most| number <= most), "{place}: {number}");
    }
    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
        holds(item, &schema["items"], &format!("{place}[{at}]"));
    }
    let Some(fields) = value.as_object() else { return };
    for name in schema["required"].as_array().expect("names") {
        assert!(fields.contains_key(name.as_str().expect("a name")), "{place} has no {name}");
    }
    for (name, value) in fields {
        holds(value, &schema["properties"][name], &format!("{place}.{name}"));
    }
}

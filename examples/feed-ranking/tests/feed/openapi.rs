//! The shop's own part of the OpenAPI document: what it says is what is answered.

use crate::process::Shop;
use serde_json::{Value, json};

/// Holds a value against its schema: objects have the properties that are required, and no others than are named.
fn holds(value: &Value, schema: &Value, place: &str) {
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

#[test]
fn the_routes_take_and_give_what_the_document_says() {
    let shop = Shop::open();
    let (status, document) = shop.get("/openapi.json");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(status, 200, "{document}");
    let predict = &document["paths"]["/predict"]["post"];
    let body = &predict["requestBody"]["content"]["application/json"];
    let answer = &predict["responses"]["200"]["content"]["application/json"]["schema"];
    let asked = json!({"user": {"country": "SE", "device": "web", "age": 31}, "session": [5, 2999], "limit": 50});
    holds(&asked, &body["schema"], "the request");
    assert_eq!(asked.as_object().map(|all| all.len()), body["schema"]["properties"].as_object().map(|all| all.len()));
    holds(&body["example"], &body["schema"], "the example");
    for asked in [asked, json!({}), body["example"].clone()] {
        holds(&shop.predict(asked), answer, "the answer");
    }
    let shoppers: Value = serde_json::from_str(&shop.get("/shoppers").1).expect("JSON");
    let schema = &document["paths"]["/shoppers"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    holds(&shoppers, schema, "the shoppers");
    assert_eq!(shoppers.as_array().map(Vec::len), Some(2000));
    let item: Value = serde_json::from_str(&shop.get("/items/2560").1).expect("JSON");
    let one = &document["paths"]["/items/{item}"]["get"]["responses"]["200"];
    holds(&item, &one["content"]["application/json"]["schema"], "the item");
    assert_eq!(item["id"], 2560);
}

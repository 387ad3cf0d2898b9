//! What the shop's own routes take and give, for the service's OpenAPI document.

use crate::feed::MOST;
use crate::items::ITEMS;
use serde_json::{Value, json};

/// The paths of the document that are the shop's own.
pub(crate) fn document() -> Value {
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "number" }));
    let unit = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let (count, place) = (json!({ "type": "integer", "minimum": 0 }), json!({ "type": "integer", "minimum": 1 }));
    let item = json!({ "type": "integer", "minimum": 1, "maximum": ITEMS.len() });
    let age = json!({ "type": "number", "minimum": 1, "maximum": 150, "description": "In years." });
    let of_stages = |value: &Value| {
        record(json!({ "two_tower": value, "sasrec": value, "ranker": value, "re_ranker": value }), &[])
    };

    let model = record(json!({ "name": text, "version": text, "digest": text }), &[]);
    let scores = record(json!({ "two_tower": number, "sasrec": number, "click": unit, "rank": number }), &[]);
    let mut places = record(json!({ "two_tower": place, "sasrec": place, "click": place, "rank": place }), &[]);
    places["description"] =
        "The item's place by each model: by the first two among all that the session has not.".into();
    let entry = record(
        json!({
            "item": item, "title": text, "category": text, "subcategory": text, "brand": text,
            "price": { "type": "number", "minimum": 0, "description": "In dollars." },
            "scores": scores, "places": places,
        }),
        &[],
    );
    let counts = record(json!({ "in": count, "out": count }), &[]);
    let answer = record(
        json!({
            "feed": { "type": "array", "items": entry },
            "stages": of_stages(&counts), "timing_us": of_stages(&count),
            "models": { "type": "array", "items": model },
        }),
        &[],
    );

    let user = record(
        json!({
            "id": { "type": "string", "description": "A shopper of `/shoppers`; then nothing else." },
            "country": text, "device": text, "age": age,
        }),
        &["id", "country", "device", "age"],
    );
    let asked = record(
        json!({
            "user": user,
            "session": { "type": "array", "items": item, "maxItems": 1000, "description": "What was clicked, the oldest click first." },
            "limit": { "type": "integer", "minimum": 1, "maximum": MOST, "default": 20 },
        }),
        &["user", "session", "limit"],
    );
    let example = json!({ "user": { "id": "u0017" }, "session": [12, 2560], "limit": 3 });
    let refused = |what: &str| json!({ "description": what, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } });
    let predict = json!({
        "tags": ["Feed"],
        "operationId": "feed",
        "summary": "The feed of a shopper after some clicks",
        "requestBody": { "required": true, "content": { "application/json": { "schema": asked, "example": example } } },
        "responses": {
            "200": { "description": "The items, best first, and what each stage did.", "content": { "application/json": { "schema": answer } } },
            "400": refused("The body, or a value of it, is wrong."),
            "415": refused("The body is not said to be JSON."),
            "429": refused("No turn came in time."),
        },
    });
    let shopper = record(json!({ "id": text, "country": text, "device": text, "age": age }), &[]);
    let shoppers = json!({
        "tags": ["Feed"],
        "operationId": "shoppers",
        "summary": "The shoppers that the models know by name",
        "responses": { "200": { "description": "All of them.", "content": { "application/json": { "schema": { "type": "array", "items": shopper } } } } },
    });
    let fields = json!({
        "id": item, "title": text, "category": text, "subcategory": text, "brand": text,
        "price": { "type": "number", "minimum": 0, "description": "In dollars." },
        "age_days": { "type": "number", "minimum": 0, "description": "Days on sale." },
        "popularity": { "type": "number", "minimum": 0, "description": "Clicks before the models were trained." },
    });
    let one = json!({
        "tags": ["Feed"],
        "operationId": "item",
        "summary": "What the shop has by this number",
        "parameters": [{ "name": "item", "in": "path", "required": true, "schema": item }],
        "responses": {
            "200": { "description": "The item.", "content": { "application/json": { "schema": record(fields, &[]) } } },
            "404": refused("There is none."),
        },
    });
    json!({
        "info": { "title": "Feed ranking" },
        "tags": [{ "name": "Feed", "description": "A shop's feed that follows each click." }],
        "paths": { "/predict": { "post": predict }, "/shoppers": { "get": shoppers }, "/items/{item}": { "get": one } },
    })
}

/// An object of these properties and no others.
fn record(properties: Value, optional: &[&str]) -> Value {
    let names = properties.as_object().into_iter().flat_map(|all| all.keys());
    let required: Vec<&String> = names.filter(|name| !optional.contains(&name.as_str())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

//! What the shop's own route takes and gives, for the service's OpenAPI document.

use serde_json::{Value, json};

/// The paths of the document that are the shop's own.
pub(crate) fn document() -> Value {
    let (text, unit) = (json!({ "type": "string" }), json!({ "type": "number", "minimum": 0, "maximum": 1 }));
    let record = |properties: Value, optional: &[&str]| {
        let names = properties.as_object().into_iter().flat_map(|all| all.keys());
        let required: Vec<&String> = names.filter(|name| !optional.contains(&name.as_str())).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    let model = record(json!({ "name": text, "version": text, "digest": text }), &[]);
    let piece = record(json!({ "text": text, "weight": unit }), &[]);
    let pieces = json!({ "type": "array", "items": piece });
    let why = record(json!({ "query": pieces, "title": record(json!({ "en": pieces, "zh": pieces }), &[]) }), &[]);
    let product = json!({
        "id": text, "title": text, "currency": text,
        "score": { "type": "number", "description": "The cosine of query and product." },
        "relevance": { "type": "number", "description": "What the re-ranker says of the two.", "minimum": 0, "maximum": 1 },
        "place": { "type": "integer", "description": "The product's place by the cosine alone.", "minimum": 1 },
        "price": { "type": "number", "minimum": 0 },
        "category": record(json!({ "en": text, "zh": text }), &[]),
        "why": why,
    });
    let products = json!({ "type": "array", "items": record(product, &["relevance", "why"]) });
    let found = record(json!({ "recommendations": products, "model": model, "re_ranker": model }), &["re_ranker"]);
    let asked = json!({
        "query": { "type": "string", "description": "What the shopper typed.", "minLength": 1 },
        "limit": { "type": "integer", "minimum": 1, "maximum": 100, "default": 10 },
        "explain": { "type": "boolean", "description": "Say which words drew query and product together.", "default": false },
        "rerank": { "type": "boolean", "description": "Let the re-ranker order the first products.", "default": true },
    });
    let asked = record(asked, &["limit", "explain", "rerank"]);
    let example = json!({ "query": "wireless headphones", "limit": 3 });
    let refused = |what: &str| json!({ "description": what, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } });
    let search = json!({
        "tags": ["Search"],
        "operationId": "search",
        "summary": "The products that answer a query best",
        "requestBody": { "required": true, "content": { "application/json": { "schema": asked, "example": example } } },
        "responses": {
            "200": { "description": "The products, best first.", "content": { "application/json": { "schema": found } } },
            "400": refused("The body, or a value of it, is wrong."),
            "415": refused("The body is not said to be JSON."),
            "429": refused("It cannot be answered in its time now."),
        },
    });
    json!({
        "info": { "title": "Product search" },
        "tags": [{ "name": "Search", "description": "A shop's search in English and Chinese." }],
        "paths": { "/predict": { "post": search } },
    })
}

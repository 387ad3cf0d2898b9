//! The operations that every service has.

use super::{JSON, Operation, Section, schema};
use serde_json::json;

/// What is answered in words.
const TEXT: &str = "text/plain";

pub(super) fn section() -> Section {
    let probe = |path: &str, summary: &str| {
        Operation::get(path, summary).gives(200, "It is.", TEXT, json!({ "const": "ok\n" })).says(TEXT, "ok\n")
    };
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let card = schema::object(
        &["name", "version", "digest"],
        json!({ "name": schema::string(), "version": schema::string(), "digest": schema::string(), "space": schema::string() }),
    );
    let document = |path: &str, summary: &str| {
        Operation::get(path, summary)
            .gives(200, "This document.", JSON, json!({ "type": "object", "required": ["openapi", "info", "paths"] }))
            .gives(500, "A model cannot run its example.", JSON, error.clone())
    };
    let readyz =
        probe("/readyz", "Whether the service takes requests").gives(503, "It is stopping.", JSON, error.clone());
    Section {
        name: "The service",
        description: "Health, metrics, the models inside, and this document.",
        schemas: vec![],
        operations: vec![
            probe("/healthz", "Whether the service runs"),
            probe("/livez", "Whether the service runs"),
            readyz,
            Operation::get("/metrics", "Metrics in the text that Prometheus reads").gives(
                200,
                "The metrics.",
                "application/openmetrics-text",
                schema::string(),
            ),
            Operation::get("/models", "The models inside").gives(
                200,
                "A card for each, in the order in which they were added.",
                JSON,
                schema::list(card),
            ),
            document("/openapi.json", "The OpenAPI document"),
            document("/api-doc/openapi.json", "The OpenAPI document, where Text Embeddings Inference has it"),
        ],
    }
}

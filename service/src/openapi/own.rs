//! The operations that every service has.

use super::{JSON, Operation, Section, schema};
use crate::metrics::compat_names;
use serde_json::json;

/// What is answered in words.
const TEXT: &str = "text/plain";

/// The metrics, in the forms that a client may ask for by `Accept`.
fn metrics(path: &str, summary: &str) -> Operation {
    const METRICS: &str = "The metrics, in the form that `Accept` asks for.";
    Operation::get(path, summary)
        .query("compat", schema::one_of(&compat_names()), "Whose names the metrics have, other than the service's own.")
        .gives(200, METRICS, TEXT, schema::string())
        .gives(200, METRICS, "application/openmetrics-text", schema::string())
        .gives(200, METRICS, JSON, json!({ "type": "object", "required": ["service", "requests", "models"] }))
        .gives(
            400,
            "There is no such parameter, or no such value of it.",
            JSON,
            json!({ "$ref": "#/components/schemas/Error" }),
        )
}

pub(super) fn section() -> Section {
    let probe = |path: &str, summary: &str| {
        Operation::get(path, summary).gives(200, "It is.", TEXT, json!({ "const": "ok\n" })).says(TEXT, "ok\n")
    };
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let card = schema::object(
        &["name", "version", "digest"],
        json!({
            "name": schema::string(), "version": schema::string(), "digest": schema::string(), "space": schema::string(),
            "label": schema::string(), "share": schema::string(),
        }),
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
            metrics("/metrics", "Metrics"),
            metrics("/monitoring/prometheus/metrics", "Metrics, where TensorFlow Serving has them"),
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

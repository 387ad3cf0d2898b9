//! The operations that every service has.

use super::{About, JSON, Operation, Section, schema};
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

/// What was found of the shadows of a model.
fn shadows(name: &str) -> Operation {
    let (count, number) = (schema::count, || json!({ "type": "number" }));
    let at_most = schema::list(json!({ "type": "array", "items": number(), "minItems": 2, "maxItems": 2 }));
    let against = schema::object(
        &["version", "requests", "distance"],
        json!({
            "version": schema::string(), "requests": count(), "texts": count(), "candidates": count(),
            "distance": schema::record(json!({ "mean": number(), "max": number(), "at_most": at_most })),
            "labels_agreed": count(),
            "rank_correlation": schema::record(json!({ "requests": count(), "mean": number(), "min": number() })),
        }),
    );
    let shadow = schema::record(json!({
        "version": schema::string(), "label": schema::optional(schema::string()), "measure": schema::string(),
        "compared": count(), "dropped": count(), "failed": count(), "against": schema::list(against),
    }));
    let found = schema::record(json!({ "model": { "const": name }, "shadows": schema::list(shadow) }));
    Operation::get(format!("/models/{name}/shadow"), "What was found of the versions that answer nobody").gives(
        200,
        "How far each is from what was answered.",
        JSON,
        found,
    )
}

pub(super) fn section(about: &About) -> Section {
    let probe = |path: &str, summary: &str| {
        Operation::get(path, summary).gives(200, "It is.", TEXT, json!({ "const": "ok\n" })).says(TEXT, "ok\n")
    };
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let card = schema::object(
        &["name", "version", "digest", "task"],
        json!({
            "name": schema::string(), "version": schema::string(), "digest": schema::string(), "space": schema::string(),
            "task": schema::string(), "label": schema::string(), "share": schema::string(),
            "gate": schema::record(json!({ "metric": schema::string(), "base": schema::string(), "got": schema::string() })),
        }),
    );
    let document = |path: &str, summary: &str| {
        Operation::get(path, summary)
            .gives(200, "This document.", JSON, json!({ "type": "object", "required": ["openapi", "info", "paths"] }))
            .gives(500, "A model cannot run its example.", JSON, error.clone())
    };
    let readyz =
        probe("/readyz", "Whether the service takes requests").gives(503, "It is stopping.", JSON, error.clone());
    let models = Operation::get("/models", "The models inside").gives(
        200,
        "A card for each, in the order in which they were added.",
        JSON,
        schema::list(card),
    );
    let mut operations = vec![
        probe("/healthz", "Whether the service runs"),
        probe("/livez", "Whether the service runs"),
        readyz,
        metrics("/metrics", "Metrics"),
        metrics("/monitoring/prometheus/metrics", "Metrics, where TensorFlow Serving has them"),
        models,
    ];
    operations.extend(about.names().iter().map(|name| shadows(name)));
    operations.extend([
        document("/openapi.json", "The OpenAPI document"),
        document("/api-doc/openapi.json", "The OpenAPI document, where Text Embeddings Inference has it"),
    ]);
    Section {
        name: "The service",
        description: "Health, metrics, the models inside, and this document.",
        schemas: vec![],
        operations,
    }
}

//! The operations of the paths that three protocols share.

use super::openai;
use crate::openapi::{About, JSON, Operation, Section, schema};
use serde_json::{Value, json};

pub(in crate::protocols) fn section(about: &About) -> Section {
    let names = about.names();
    let sorted: Vec<&str> = about.newest().map(|known| known.served.card.name).collect();
    let listed = |name: Value| {
        json!({
            "id": name, "object": { "const": "model" }, "created": schema::count(), "owned_by": { "const": "modeldeploy" },
        })
    };
    let shown = |name: &str| json!({ "id": name, "object": "model", "created": 0, "owned_by": "modeldeploy" });
    let all: Vec<Value> = sorted.iter().map(|name| shown(name)).collect();
    let keys = ["id", "object", "created", "owned_by"];
    let name = || schema::one_of(&names);
    let list = Operation::get("/v1/models", "The models")
        .gives(
            200,
            "As OpenAI lists them and, under `models`, as KServe v1 does.",
            JSON,
            schema::record(json!({
                "object": { "const": "list" }, "data": schema::list(schema::object(&keys, listed(name()))),
                "models": schema::list(name()),
            })),
        )
        .answers(json!({ "object": "list", "data": all, "models": sorted }));
    let mut operations = vec![list];
    if let Some(first) = about.example().map(|known| known.served) {
        let status = schema::record(json!({ "error_code": { "const": "OK" }, "error_message": schema::string() }));
        let state =
            schema::record(json!({ "version": schema::string(), "state": { "const": "AVAILABLE" }, "status": status }));
        let mut properties = listed(name());
        properties["name"] = name();
        properties["ready"] = json!({ "type": "boolean" });
        properties["model_version_status"] = schema::list(state);
        let keys = [&keys[..], &["name", "ready", "model_version_status"]].concat();
        let states = about.all.iter().map(|known| known.served).filter(|model| model.card.name == first.card.name).map(|model| {
            let version = model.number().map_or_else(|| model.card.version.to_owned(), |number| number.to_string());
            json!({ "version": version, "state": "AVAILABLE", "status": { "error_code": "OK", "error_message": "" } })
        });
        let mut answer = shown(first.card.name);
        answer["name"] = first.card.name.into();
        answer["ready"] = true.into();
        answer["model_version_status"] = states.collect();
        let one = Operation::get("/v1/models/{name}", "A model")
            .path_parameter("name", &names, "A model.")
            .gives(
                200,
                "As OpenAI, KServe v1 and TensorFlow Serving describe it, at once.",
                JSON,
                schema::object(&keys, properties),
            )
            .refuses(openai::openapi::ERRORS, &[404])
            .answers(answer);
        operations.push(one);
    }
    Section {
        name: "Models of version 1",
        description: "Two paths that OpenAI, KServe v1 and TensorFlow Serving share.",
        schemas: vec![],
        operations,
    }
}

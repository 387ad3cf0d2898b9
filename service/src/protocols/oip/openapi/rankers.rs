//! The inference of a ranker: a tensor for each feature.

use super::{BINARY, DESCRIPTION, ERRORS};
use crate::openapi::{About, JSON, Operation, Ranked, schema};
use crate::protocols::oip::HEADER_LENGTH;
use crate::protocols::oip::tensors::metadata;
use crate::ranking::{OUTPUT, Type};
use modeldeploy::format::features::Side;
use serde_json::{Value, json};

/// The operations of all rankers.
pub(super) fn operations(about: &About) -> Vec<Operation> {
    let mut operations = vec![];
    for ranked in &about.rankers {
        let card = ranked.served.card;
        if ranked.is_newest {
            let alike = about.alike_rankers(ranked);
            operations.push(infer(about, ranked, &alike, format!("/v2/models/{}/infer", card.name)).chosen_of(&alike));
        }
        for version in [card.version].into_iter().chain(ranked.served.label) {
            let path = format!("/v2/models/{}/versions/{version}/infer", card.name);
            operations.push(infer(about, ranked, &[ranked], path).answered_by(&[ranked]));
        }
    }
    operations
}

fn infer(about: &About, ranked: &Ranked, versions: &[&Ranked], path: String) -> Operation {
    let (name, version) = (ranked.served.card.name, ranked.served.card.version);
    let length = json!({ "type": "integer", "minimum": 0 });
    let binary = || json!({ "type": "string", "format": "binary" });
    Operation::post(path, format!("Scores of candidates by `{name}` {version}"))
        .described(DESCRIPTION)
        .timed()
        .header(HEADER_LENGTH, length, "Bytes of the JSON before binary tensors.")
        .takes(JSON, request(about, ranked))
        .takes(BINARY, binary())
        .gives(200, "The scores.", JSON, response(ranked, versions))
        .gives(200, "The scores.", BINARY, binary())
        .refuses(ERRORS, &[400, 404, 429, 500, 504])
        .shows("candidates", asked(ranked), answered(ranked))
}

/// Each feature's tensor, once.
fn request(about: &About, ranked: &Ranked) -> Value {
    let any = json!({ "type": ["boolean", "number", "string"] });
    let open = |known: Value| json!({ "type": "object", "properties": known, "additionalProperties": any });
    let inputs = ranked.inputs.iter().map(|(input, value)| {
        let (least, most) = match input.side {
            Side::Candidate => (1, about.limits.candidates),
            Side::User => (1, 1),
            Side::Session => (0, about.limits.body_bytes),
        };
        let size = json!({ "type": "integer", "minimum": least, "maximum": most });
        let data = match input.side {
            Side::Candidate => ranked.list_schema(value.clone(), &about.limits),
            Side::User => schema::sized(value.clone(), 1, 1),
            Side::Session => schema::list(value.clone()),
        };
        let shape = match input.kind {
            Type::Embedding(width) => shape_of_embeddings(size, width),
            _ => shape(input.side, size),
        };
        let types: &[&str] = match input.kind {
            Type::Text => &["BYTES"],
            _ => &["FP64", "FP32", "INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8"],
        };
        schema::object(
            &["name", "shape", "datatype", "data"],
            json!({
                "name": { "const": input.name }, "datatype": schema::one_of(types),
                "shape": shape,
                "parameters": open(json!({ "binary_data_size": false })),
                "data": data,
            }),
        )
    });
    let inputs: Vec<Value> = inputs.collect();
    let count = inputs.len();
    let output = schema::object(
        &["name"],
        json!({
            "name": { "const": OUTPUT },
            "parameters": open(json!({ "binary_data": { "type": "boolean" }, "classification": false })),
        }),
    );
    schema::object(
        &["inputs"],
        json!({
            "id": schema::optional(schema::string()),
            "parameters": open(json!({ "binary_data_output": { "type": "boolean" }, "prompt": false })),
            // In any order there; in the model's own here.
            "inputs": { "type": "array", "prefixItems": inputs, "items": false, "minItems": count, "maxItems": count },
            "outputs": schema::optional(schema::list(output)),
            "model_name": { "description": "Of no effect." }, "model_version": { "description": "Of no effect." },
        }),
    )
}

/// The shapes of a tensor that has so many values, an axis of one beside them or not.
fn shape(side: Side, size: Value) -> Value {
    let of = |sizes: &[&Value]| {
        let count = sizes.len();
        json!({ "type": "array", "prefixItems": sizes, "items": false, "minItems": count, "maxItems": count })
    };
    let single = json!({ "const": 1 });
    json!({ "anyOf": match side {
        Side::Candidate => [of(&[&size]), of(&[&size, &single])],
        Side::User => [json!({ "const": [] }), of(&[&size])],
        Side::Session => [of(&[&size]), of(&[&single, &size])],
    } })
}

/// The shape of a tensor that has so many embeddings.
fn shape_of_embeddings(count: Value, width: u32) -> Value {
    let sizes = [count, json!({ "const": width })];
    json!({ "type": "array", "prefixItems": sizes, "items": false, "minItems": 2, "maxItems": 2 })
}

fn response(ranked: &Ranked, versions: &[&Ranked]) -> Value {
    let versions: Vec<&str> = versions.iter().map(|version| version.served.card.version).collect();
    let size = schema::record(json!({ "binary_data_size": schema::count() }));
    let output = schema::object(
        &["name", "datatype", "shape"],
        json!({
            "name": { "const": OUTPUT }, "datatype": { "const": "FP64" },
            "shape": schema::sized(schema::count(), 1, 2), "parameters": size,
            "data": schema::list(json!({ "type": "number" })),
        }),
    );
    schema::object(
        &["model_name", "model_version", "outputs"],
        json!({
            "model_name": { "const": ranked.served.card.name }, "model_version": schema::one_of(&versions),
            "id": schema::string(), "outputs": schema::list(output),
        }),
    )
}

fn asked(ranked: &Ranked) -> Value {
    let (tensors, _) = metadata(&ranked.served);
    let inputs = tensors.iter().zip(&ranked.values).map(|(tensor, values)| {
        let shape: Vec<i64> = [values.len() as i64].into_iter().chain(tensor.shape.iter().skip(1).copied()).collect();
        json!({ "name": tensor.name, "shape": shape, "datatype": tensor.datatype, "data": values })
    });
    json!({ "inputs": inputs.collect::<Vec<_>>() })
}

fn answered(ranked: &Ranked) -> Value {
    let outputs = ranked.served.facts.outputs;
    let candidates = ranked.scores.len() / outputs;
    let shape = if outputs > 1 { json!([candidates, outputs]) } else { json!([candidates]) };
    let scores = json!({ "name": OUTPUT, "datatype": "FP64", "shape": shape, "data": ranked.scores });
    let card = ranked.served.card;
    json!({ "model_name": card.name, "model_version": card.version, "outputs": [scores] })
}

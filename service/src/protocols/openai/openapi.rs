//! The operation of OpenAI's embeddings.

use crate::openapi::{About, Asked, Errors, JSON, Operation, Section, Shown, numbers, schema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeldeploy::format::Task;
use serde_json::{Value, json};

pub(in crate::protocols) const ERRORS: Errors = Errors {
    schema: "OpenAiError",
    statuses: &[
        (400, "The body is wrong, or a text of it: `param` says which field."),
        (404, "There is no such model, or no such version of it."),
        (429, "Too much is waiting for an answer in time."),
        (500, "The model failed."),
        (504, "The request's time was over before its answer."),
    ],
};

const DESCRIPTION: &str = "Token ids are of the model's own tokenizer and are run as they are. \
    A text that is longer than the model takes is refused.";

pub(in crate::protocols) fn section(about: &About) -> Section {
    let models: Vec<&Shown> =
        about.models.iter().filter(|model| model.is_newest && model.facts.task == Task::Embed).collect();
    let error = schema::record(json!({
        "message": schema::string(), "type": schema::string(),
        "param": schema::optional(schema::string()), "code": schema::optional(schema::string()),
    }));
    Section {
        name: "OpenAI",
        description: "OpenAI's embeddings.",
        schemas: vec![(ERRORS.schema, schema::record(json!({ "error": error })))],
        operations: vec![embeddings(about, &models), embeddings_of_first(about)],
    }
}

fn embeddings(about: &About, models: &[&Shown]) -> Operation {
    let bodies: Vec<Value> = models.iter().map(|model| request(about, model)).collect();
    let answers: Vec<Value> = models.iter().map(|model| answer_of(model)).collect();
    let operation = Operation::post("/v1/embeddings", "Vectors of texts").described(DESCRIPTION).timed();
    let versions: Vec<&Shown> = models.iter().flat_map(|model| about.alike(model)).collect();
    let operation = match &bodies[..] {
        // Every model that is asked for is unknown, or does not embed.
        [] => operation.takes(JSON, json!({ "type": "object" })),
        _ => operation
            .takes(JSON, json!({ "oneOf": bodies }))
            .gives(200, "A vector for each text, in order.", JSON, json!({ "oneOf": answers }))
            .chosen_of(&versions),
    };
    let operation = operation.refuses(ERRORS, &[400, 404, 429, 500, 504]);
    models.iter().fold(operation, |operation, model| {
        let name = model.card.name;
        let [first, second] = &model.asks;
        let all = json!({ "model": name, "input": [first.text, second.text] });
        let base64 = json!({ "model": name, "input": first.text, "encoding_format": "base64" });
        operation
            .shows(name, all, answer(model, &[(first, numbers(&first.row)), (second, numbers(&second.row))]))
            .shows(&format!("{name}, in base64"), base64, answer(model, &[(first, bytes(&first.row))]))
    })
}

fn embeddings_of_first(about: &About) -> Operation {
    let operation =
        Operation::post("/embeddings", "Vectors of texts by the first model that embeds, whatever is named");
    let operation = operation.described(DESCRIPTION).timed().refuses(ERRORS, &[400, 404, 429, 500, 504]);
    let Some(model) = about.first_of(Task::Embed) else { return operation.takes(JSON, json!({ "type": "object" })) };
    let mut body = request(about, model);
    body["required"] = json!(["input"]);
    body["properties"]["model"] = schema::optional(schema::string());
    let [first, _] = &model.asks;
    operation
        .takes(JSON, body)
        .gives(200, "A vector for each text, in order.", JSON, answer_of(model))
        .chosen_of(&about.alike(model))
        .shows("one text", json!({ "input": first.text }), answer(model, &[(first, numbers(&first.row))]))
}

fn request(about: &About, model: &Shown) -> Value {
    let (filled, ids, texts) = (schema::filled(), schema::ids(model), about.limits.texts);
    let many = [schema::sized(filled.clone(), 1, texts), schema::sized(ids.clone(), 1, texts)];
    let input = json!({ "anyOf": [filled, many[0], ids, many[1]] });
    let encoding = schema::optional(schema::one_of(&["float", "base64"]));
    schema::object(
        &["model", "input"],
        json!({
            "model": { "const": model.card.name },
            "input": input,
            "encoding_format": encoding,
            "dimensions": { "enum": [model.facts.outputs, null] },
            "user": { "description": "Of no effect." },
        }),
    )
}

fn answer_of(model: &Shown) -> Value {
    let base64 = json!({ "type": "string", "contentEncoding": "base64" });
    let data = schema::record(json!({
        "object": { "const": "embedding" },
        "index": schema::count(),
        "embedding": { "anyOf": [schema::row(model), base64] },
    }));
    let usage = json!({ "prompt_tokens": schema::count(), "total_tokens": schema::count() });
    schema::record(json!({
        "object": { "const": "list" },
        "data": schema::list(data),
        "model": { "const": model.card.name },
        "usage": schema::object(&["prompt_tokens", "total_tokens"], usage),
    }))
}

fn answer(model: &Shown, rows: &[(&Asked, Value)]) -> Value {
    let data = rows.iter().enumerate();
    let data = data.map(|(index, (_, row))| json!({ "object": "embedding", "index": index, "embedding": row }));
    let tokens: usize = rows.iter().map(|(ask, _)| ask.tokens).sum();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    json!({ "object": "list", "data": data.collect::<Vec<_>>(), "model": model.card.name, "usage": usage })
}

fn bytes(row: &[f32]) -> Value {
    let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
    json!(STANDARD.encode(bytes))
}

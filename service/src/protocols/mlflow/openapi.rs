//! The operations of MLflow's scoring server.

mod rankers;

use crate::openapi::{About, Asked, Errors, JSON, Operation, Section, Shown, number, numbers, schema};
use modeldeploy::format::Task;
use serde_json::{Map, Value, json};

pub(in crate::protocols) const ERRORS: Errors = Errors {
    schema: "MlflowError",
    statuses: &[
        (400, "The body is wrong, or a text of it: what, and where."),
        (404, "There is no such version of the model."),
        (429, "Too much is waiting for an answer in time."),
        (500, "The model failed."),
        (504, "The request's time was over before its answer."),
    ],
};

const DESCRIPTION: &str = "A body in JSON has exactly one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`. \
    A row's first value is the text, and its second one the other text of a pair.";

/// The keys of a body.
const BODIES: [&str; 5] = ["dataframe_split", "dataframe_records", "instances", "inputs", "params"];

/// The format of a table in CSV, its columns the texts of a row; its first line is their names.
const CSV: &str = "csv-of-texts";

pub(in crate::protocols) fn section(about: &About) -> Section {
    let version = Operation::get("/version", "The service's version")
        .gives(200, "The version.", "text/plain", schema::string())
        .says("text/plain", about.service.1);
    let asked = match about.first_ranker() {
        Some(ranked) => Some(rankers::invocations(about, ranked)),
        None => about.first().map(|model| invocations(about, model)),
    };
    let error = schema::record(json!({ "error_code": schema::string(), "message": schema::string() }));
    Section {
        name: "MLflow",
        description: "MLflow's scoring server, answered by the first model of the service.",
        schemas: vec![(ERRORS.schema, error)],
        operations: asked.into_iter().chain([version]).collect(),
    }
}

fn invocations(about: &About, model: &Shown) -> Operation {
    let task = model.facts.task;
    let rows = |row: Value| schema::sized(row, 0, about.limits.texts);
    let row = json!({ "anyOf": [schema::text(task), record(task)] });
    let texts = json!({ "anyOf": [rows(row.clone()), schema::string()] });
    let column = json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": texts });
    let split = schema::object(&["data"], json!({ "columns": true, "index": true, "data": rows(row.clone()) }));
    // A record of one key is an object of one column, too.
    let bodies = schema::exactly_one(&[
        ("dataframe_split", split),
        ("dataframe_records", rows(row)),
        ("instances", texts.clone()),
        ("inputs", json!({ "anyOf": [texts, column] })),
    ]);
    let known: Map<String, Value> = BODIES.into_iter().map(|key| (key.to_owned(), json!(true))).collect();
    let body = json!({ "type": "object", "properties": known, "additionalProperties": false, "oneOf": bodies });
    let [first, second] = &model.asks;
    let answer = |asks: &[&Asked]| {
        let predictions: Vec<Value> = asks.iter().map(|ask| prediction(model, &ask.row)).collect();
        json!({ "predictions": predictions })
    };
    let operation = Operation::post("/invocations", format!("Predictions of `{}`", model.card.name))
        .described(DESCRIPTION)
        .timed()
        .chosen_of(&about.alike(model))
        .takes(JSON, body)
        .takes("text/csv", json!({ "type": "string", "format": format!("{CSV}-{task}") }))
        .gives(
            200,
            "A prediction for each row.",
            JSON,
            schema::record(json!({ "predictions": schema::list(predicted(model)) })),
        )
        .refuses(ERRORS, &[400, 404, 429, 500, 504])
        .shows("inputs", json!({ "inputs": [first.text, second.text] }), answer(&[first, second]))
        .shows(
            "split",
            json!({ "dataframe_split": { "columns": ["text"], "data": [values(first)] } }),
            answer(&[first]),
        );
    let head = if task == Task::Score { "text,pair" } else { "text" };
    let table = format!("{head}\n{}\n", strings(first).join(","));
    operation.shows_as("csv", ("text/csv", json!(table)), (JSON, answer(&[first])))
}

/// A row as an object: its values are the texts.
fn record(task: Task) -> Value {
    let (least, most) = match task {
        Task::Embed => (1, 1),
        Task::Score => (2, 2),
        _ => (1, 2),
    };
    let text = schema::text(Task::Embed)["anyOf"][0].clone();
    json!({ "type": "object", "minProperties": least, "maxProperties": most, "additionalProperties": text })
}

/// An example's texts as the values of a row.
fn values(ask: &Asked) -> Value {
    if ask.text.is_array() { ask.text.clone() } else { json!([ask.text]) }
}

fn strings(ask: &Asked) -> Vec<&str> {
    match &ask.text {
        Value::Array(pair) => pair.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn prediction(model: &Shown, row: &[f32]) -> Value {
    match model.facts.task {
        Task::Embed => numbers(row),
        Task::Score => number(row[0]),
        _ => {
            let (label, score) = model.ranked(row)[0];
            json!({ "label": label, "score": number(score) })
        }
    }
}

fn predicted(model: &Shown) -> Value {
    match model.facts.task {
        Task::Embed => schema::row(model),
        Task::Score => json!({ "type": "number" }),
        _ => schema::record(json!({ "label": schema::one_of(model.facts.labels), "score": schema::probability() })),
    }
}

//! The operations of TorchServe's inference API.

mod rankers;

use crate::openapi::{About, Errors, JSON, Operation, Section, Shown, number, numbers, schema};
use modeldeploy::format::Task;
use serde_json::{Map, Value, json};

pub(in crate::protocols) const ERRORS: Errors = Errors {
    schema: "TorchServeError",
    statuses: &[
        (400, "The body is wrong, or a text of it: what, and where."),
        (404, "There is no such model, or no such version of it."),
        (429, "Too much is waiting for an answer in time."),
        (500, "The model failed."),
        (504, "The request's time was over before its answer."),
    ],
};

pub(in crate::protocols) fn section(about: &About) -> Section {
    let health = |status| schema::record(json!({ "status": { "const": status } }));
    let ping = Operation::get("/ping", "Whether the service is healthy")
        .gives(200, "It is.", JSON, health("Healthy"))
        .gives(503, "It is stopping.", JSON, health("Unhealthy"))
        .answers(json!({ "status": "Healthy" }));
    let mut operations = vec![ping];
    for model in &about.models {
        let card = model.card;
        for method in ["post", "put"] {
            if model.is_newest {
                let operation = predictions(about, model, method, &format!("/predictions/{}", card.name));
                operations.push(operation.chosen_of(&about.alike(model)));
            }
            for version in [card.version].into_iter().chain(model.label) {
                let operation = predictions(about, model, method, &format!("/predictions/{}/{version}", card.name));
                operations.push(operation.answered_by(&[model]));
            }
        }
    }
    operations.extend(rankers::operations(about));
    let error =
        schema::record(json!({ "code": schema::count(), "type": schema::string(), "message": schema::string() }));
    Section {
        name: "TorchServe",
        description: "TorchServe's inference API.",
        schemas: vec![(ERRORS.schema, error)],
        operations,
    }
}

fn predictions(about: &About, model: &Shown, method: &'static str, path: &str) -> Operation {
    let task = model.facts.task;
    let text = schema::text(task);
    let keyed = |key: &str| schema::object(&[key], json!({ key: text }));
    let data = json!({ "anyOf": [text, keyed("data"), keyed("body")] });
    let instances = schema::sized(data.clone(), 0, about.limits.texts);
    let instances = schema::record(json!({ "instances": instances }));
    let one = output(model);
    let many = schema::record(json!({ "predictions": schema::list(one.clone()) }));
    let [first, second] = &model.asks;
    let both = json!({ "predictions": [value(model, &first.row), value(model, &second.row)] });
    let operation =
        Operation::new(method, path, format!("A prediction of `{}` {}", model.card.name, model.card.version))
            .described(
                "A text or `{\"data\": …}` is answered by its row, `{\"instances\": […]}` by a list of rows. \
                 Of a form, `data` is read as a body is.",
            )
            .timed()
            .takes(JSON, json!({ "anyOf": [data, instances] }))
            .gives(200, "The row of the one text, or those of all instances.", JSON, json!({ "anyOf": [one, many] }))
            .refuses(ERRORS, &[400, 404, 429, 500, 504])
            .shows("data", json!({ "data": first.text }), value(model, &first.row))
            .shows("instances", json!({ "instances": [first.text, second.text] }), both);
    if task == Task::Score {
        return operation;
    }
    operation.takes("text/plain", schema::string()).shows_as(
        "text",
        ("text/plain", first.text.clone()),
        (JSON, value(model, &first.row)),
    )
}

fn output(model: &Shown) -> Value {
    match model.facts.task {
        Task::Embed => schema::row(model),
        Task::Score => json!({ "type": "number" }),
        _ => {
            let labels = model.facts.labels.iter().map(|label| ((*label).to_owned(), schema::probability()));
            schema::object(model.facts.labels, Value::Object(labels.collect()))
        }
    }
}

fn value(model: &Shown, row: &[f32]) -> Value {
    match model.facts.task {
        Task::Embed => numbers(row),
        Task::Score => number(row[0]),
        _ => {
            let labels = model.facts.labels.iter().zip(row);
            Value::Object(labels.map(|(label, &score)| ((*label).to_owned(), number(score))).collect::<Map<_, _>>())
        }
    }
}

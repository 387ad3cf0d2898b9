//! The operations of TensorFlow Serving's REST, and of KServe v1.

mod rankers;

use super::{SIGNATURE, metadata};
use crate::models::{ModelCard, Served};
use crate::openapi::{About, Asked, Errors, JSON, Known, Operation, Section, Shown, number, numbers, schema};
use crate::protocols::tensor::INPUT;
use modeldeploy::format::Task;
use serde_json::{Value, json};

pub(in crate::protocols) const ERRORS: Errors = Errors {
    schema: "TensorFlowError",
    statuses: &[
        (400, "The body is wrong, or a text of it: what, and where."),
        (404, "There is no such model, or no such version or label of it."),
        (429, "Too much is waiting for an answer in time."),
        (500, "The model failed."),
        (501, "No model here explains its answers."),
        (504, "The request's time was over before its answer."),
    ],
};

const DESCRIPTION: &str = "TensorFlow Serving's REST, and KServe v1, whose `:predict` is the same. \
    Versions are whole numbers: `1.4.2` is 1.";

const PREDICT: &str = "`instances` are answered by `predictions`, row by row; `inputs` by `outputs`, column by column. \
    Other keys are ignored.";

pub(in crate::protocols) fn section(about: &About) -> Section {
    let mut operations = vec![];
    if let Some(example) = about.example() {
        operations.extend(named(about, example));
    }
    for known in &about.all {
        for (path, is_newest) in paths(about, known) {
            if let Some(model) = about.models.iter().find(|model| model.card == known.served.card) {
                let verb = match model.facts.task {
                    Task::Classify => Some("classify"),
                    Task::Score => Some("regress"),
                    _ => None,
                };
                let by_verb = verb.map(|verb| examples(about, model, &path, verb));
                let operations_of = [Some(predict(about, model, &path)), by_verb].into_iter().flatten();
                operations.extend(operations_of.map(|operation| match is_newest {
                    true => operation.chosen_of(&about.alike(model)),
                    false => operation.answered_by(&[model]),
                }));
            }
            if let Some(ranked) = about.rankers.iter().find(|ranked| ranked.served.card == known.served.card) {
                let operation = rankers::predict(about, ranked, &path);
                operations.push(match is_newest {
                    true => operation.chosen_of(&about.alike_rankers(ranked)),
                    false => operation.answered_by(&[ranked]),
                });
            }
        }
    }
    Section {
        name: "TensorFlow Serving",
        description: DESCRIPTION,
        schemas: vec![(ERRORS.schema, schema::record(json!({ "error": schema::string() })))],
        operations,
    }
}

/// The paths that ask a model, each with whether it names no version.
fn paths(about: &About, known: &Known) -> Vec<(String, bool)> {
    let (name, number) = (known.served.card.name, known.served.number());
    // Of the versions of one number the one that answers without it, or else the newest.
    let same = || about.all.iter().filter(|other| other.served.card.name == name && other.served.number() == number);
    let answers = same().find(|other| other.is_newest).or(same().next());
    let is_it = answers.is_some_and(|answers| answers.served.card.version == known.served.card.version);
    let newest = known.is_newest.then(|| (format!("/v1/models/{name}"), true));
    let version = number.filter(|_| is_it).map(|number| (format!("/v1/models/{name}/versions/{number}"), false));
    newest.into_iter().chain(version).chain(labelled(known).map(|path| (path, false))).collect()
}

fn numbers_of(about: &About, first: &Known) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for known in std::iter::once(first).chain(&about.all) {
        let number = known.served.number().map(|number| number.to_string()).filter(|number| !found.contains(number));
        found.extend(number);
    }
    found
}

/// Operations whose path names a model, whichever it is, and those of versions with a label.
fn named(about: &About, first: &Known) -> Vec<Operation> {
    let (names, versions) = (about.names(), numbers_of(about, first));
    let name = |operation: Operation| operation.path_parameter("name", &names, "A model.").refuses(ERRORS, &[404]);
    let version = |operation: Operation| name(operation).path_parameter("version", &versions, "A version of it.");
    let version_path = "/v1/models/{name}/versions/{version}";
    let first = &first.served;
    let mut operations = vec![
        state(version(Operation::get(version_path, "A version's state")), first),
        described(name(Operation::get("/v1/models/{name}/metadata", "A model's signature")), first),
        described(version(Operation::get(format!("{version_path}/metadata"), "A version's signature")), first),
    ];
    for (known, path) in about.all.iter().filter_map(|known| Some((known, labelled(known)?))) {
        let state_of = Operation::get(path.clone(), "The state of the version with a label");
        operations.push(state(state_of, &known.served));
        let signature = Operation::get(format!("{path}/metadata"), "The signature of that version");
        operations.push(described(signature, &known.served));
    }
    operations
}

/// The path of a version by its label.
fn labelled(known: &Known) -> Option<String> {
    known.served.label.map(|label| format!("/v1/models/{}/labels/{label}", known.served.card.name))
}

/// What is told of a version's state.
fn state(operation: Operation, model: &Served) -> Operation {
    let state = schema::record(json!({
        "version": schema::string(), "state": { "const": "AVAILABLE" },
        "status": schema::record(json!({
            "error_code": { "const": "OK" }, "error_message": schema::string(),
        })),
    }));
    let states = schema::record(json!({ "model_version_status": schema::list(state) }));
    operation
        .gives(200, "The state.", JSON, states)
        .answers(json!({ "model_version_status": [metadata::status(model)] }))
}

/// What is told of what a version takes and gives.
fn described(operation: Operation, model: &Served) -> Operation {
    let signature = json!({
        "type": "object", "required": ["model_spec", "metadata"],
        "properties": { "model_spec": { "type": "object" }, "metadata": { "type": "object" } },
    });
    operation
        .gives(200, "The signature `serving_default`; sizes are strings, `-1` is any.", JSON, signature)
        .answers(metadata::metadata(model))
}

fn ran(path: String, card: ModelCard, summary: &str, body: Value) -> Operation {
    Operation::post(path, format!("{summary} by `{}` {}", card.name, card.version))
        .timed()
        .takes(JSON, body)
        .refuses(ERRORS, &[400, 404, 429, 500, 504])
}

fn signature() -> Value {
    json!({ "enum": [SIGNATURE, "", null] })
}

fn predict(about: &About, model: &Shown, path: &str) -> Operation {
    let (text, texts) = (schema::text(model.facts.task), about.limits.texts);
    let named = |schema: &Value| json!({ "anyOf": [schema, schema::object(&[INPUT], json!({ INPUT: schema }))] });
    let body = json!({
        "type": "object", "properties": { "signature_name": signature() },
        "oneOf": schema::exactly_one(&[
            ("instances", schema::sized(named(&text), 0, texts)), ("inputs", named(&schema::sized(text, 0, texts))),
        ]),
    });
    let (by_row, by_column) = (rows(model, true), rows(model, false));
    let answer = json!({ "oneOf": [
        schema::record(json!({ "predictions": by_row })),
        schema::record(json!({ "outputs": by_column })),
    ] });
    let [first, second] = &model.asks;
    ran(format!("{path}:predict"), model.card, "Predictions", body)
        .described(PREDICT)
        .gives(200, "A row for each text.", JSON, answer)
        .shows(
            "instances",
            json!({ "instances": [first.text, second.text] }),
            json!({ "predictions": values(model, &[first, second], true) }),
        )
        .shows(
            "inputs",
            json!({ "inputs": { INPUT: [first.text] } }),
            json!({ "outputs": values(model, &[first], false) }),
        )
}

fn rows(model: &Shown, by_row: bool) -> Value {
    let (row, label) = (schema::row(model), schema::one_of(model.facts.labels));
    match (model.facts.task, by_row) {
        (Task::Embed, _) => schema::list(row),
        (Task::Score, _) => schema::list(json!({ "type": "number" })),
        (_, true) => schema::list(schema::record(json!({ "probabilities": row, "label": label }))),
        (_, false) => schema::record(json!({ "probabilities": schema::list(row), "label": schema::list(label) })),
    }
}

fn values(model: &Shown, asks: &[&Asked], by_row: bool) -> Value {
    let rows = asks.iter().map(|ask| numbers(&ask.row));
    let labels = asks.iter().map(|ask| model.label_of(&ask.row));
    match (model.facts.task, by_row) {
        (Task::Embed, _) => rows.collect(),
        (Task::Score, _) => asks.iter().map(|ask| number(ask.row[0])).collect(),
        (_, true) => rows.zip(labels).map(|(row, label)| json!({ "probabilities": row, "label": label })).collect(),
        (_, false) => json!({ "probabilities": rows.collect::<Value>(), "label": labels.collect::<Vec<_>>() }),
    }
}

fn examples(about: &About, model: &Shown, path: &str, verb: &str) -> Operation {
    let text = schema::text(model.facts.task);
    let own = schema::object(&[INPUT], json!({ INPUT: text }));
    let nothing = schema::object(&[], json!({}));
    let texts = about.limits.texts;
    let body = json!({
        "type": "object", "required": ["examples"],
        "properties": { "signature_name": signature() },
        "oneOf": [
            { "properties": { "examples": schema::sized(own.clone(), 0, texts), "context": { "type": "null" } } },
            { "required": ["context"], "properties": { "examples": schema::sized(nothing, 0, texts), "context": own } },
        ],
    });
    let row = match model.facts.task {
        Task::Score => json!({ "type": "number" }),
        _ => {
            let part = json!({ "anyOf": [schema::one_of(model.facts.labels), schema::probability()] });
            let pair = schema::sized(part, 2, 2);
            schema::sized(pair, model.facts.outputs, model.facts.outputs)
        }
    };
    let result = schema::list(row);
    let [first, second] = &model.asks;
    let shown = |ask: &Asked| match model.facts.task {
        Task::Score => number(ask.row[0]),
        _ => model.facts.labels.iter().zip(&ask.row).map(|(label, &score)| json!([label, number(score)])).collect(),
    };
    let both = json!([shown(first), shown(second)]);
    let request = json!({ "examples": [{ INPUT: first.text }, { INPUT: second.text }] });
    let summary = if verb == "classify" { "Labels" } else { "Scores" };
    ran(format!("{path}:{verb}"), model.card, summary, body)
        .described("The specification has the answer as `result`, the server itself as `results`: both are there.")
        .gives(200, "One for each example.", JSON, schema::record(json!({ "result": result, "results": result })))
        .shows("examples", request, json!({ "result": both, "results": both }))
}

//! The operations of the Open Inference Protocol v2.

mod rankers;

use super::tensors::{metadata, outputs};
use super::{EXTENSIONS, HEADER_LENGTH};
use crate::openapi::{About, Asked, Errors, JSON, Known, Operation, Section, Shown, numbers, schema};
use crate::protocols::tensor::INPUT;
use modeldeploy::format::Task;
use serde_json::{Value, json};

pub(in crate::protocols) const ERRORS: Errors = Errors {
    schema: "OipError",
    statuses: &[
        (400, "The body is wrong, or a text of it: what, and where."),
        (404, "There is no such model, or no such version of it."),
        (429, "Too much is waiting for an answer in time."),
        (500, "The model failed."),
        (501, "Models are compiled in: they are neither loaded nor unloaded."),
        (503, "The service is stopping."),
        (504, "The request's time was over before its answer."),
    ],
};

const DESCRIPTION: &str = "`data` has as many elements as `shape` says, nested or in one list. \
    The body may hold binary tensors after its JSON, whose length the header then says.";

const BINARY: &str = "application/octet-stream";

pub(in crate::protocols) fn section(about: &About) -> Section {
    let mut operations = server(about);
    if let Some(example) = about.example() {
        operations.extend(named(about, example));
        for model in &about.models {
            let card = model.card;
            if model.is_newest {
                let operation = infer(about, model, &about.alike(model), format!("/v2/models/{}/infer", card.name));
                operations.push(operation.chosen_of(&about.alike(model)));
            }
            for version in [card.version].into_iter().chain(model.label) {
                let path = format!("/v2/models/{}/versions/{version}/infer", card.name);
                operations.push(infer(about, model, &[model], path).answered_by(&[model]));
            }
        }
        operations.extend(rankers::operations(about));
    }
    let tensor = schema::record(json!({
        "name": schema::string(), "datatype": schema::string(),
        "shape": schema::list(json!({ "type": "integer" })),
    }));
    Section {
        name: "Open Inference Protocol",
        description: "Version 2, as KServe, Triton and MLServer speak it, with Triton's binary tensors and index.",
        schemas: vec![(ERRORS.schema, schema::record(json!({ "error": schema::string() }))), ("OipTensor", tensor)],
        operations,
    }
}

fn server(about: &About) -> Vec<Operation> {
    let (name, version) = about.service;
    let names = about.newest().map(|known| known.served.card.name).collect::<Vec<_>>();
    let cards = about.all.iter().map(|known| known.served.card);
    let index = cards.map(|card| json!({ "name": card.name, "version": card.version, "state": "READY", "reason": "" }));
    let index: Vec<Value> = index.collect();
    let flag = || json!({ "type": "boolean" });
    let ready = schema::record(json!({ "live": flag(), "ready": flag() }));
    let indexed = schema::record(json!({
        "name": schema::string(), "version": schema::string(),
        "state": { "const": "READY" }, "reason": schema::string(),
    }));
    let about_server = schema::record(json!({
        "name": schema::string(), "version": schema::string(), "extensions": schema::list(schema::string()),
    }));
    vec![
        Operation::get("/v2", "The service")
            .gives(200, "Its name, its version and what it does beyond the protocol.", JSON, about_server)
            .answers(json!({ "name": name, "version": version, "extensions": EXTENSIONS })),
        Operation::get("/v2/health/live", "Whether the service runs")
            .gives(200, "It does.", JSON, schema::record(json!({ "live": { "const": true } })))
            .answers(json!({ "live": true })),
        Operation::get("/v2/health/ready", "Whether the service answers")
            .gives(200, "It does.", JSON, ready.clone())
            .gives(503, "It is stopping.", JSON, ready)
            .answers(json!({ "live": true, "ready": true })),
        Operation::get("/v2/models", "The models")
            .gives(200, "Their names.", JSON, schema::record(json!({ "models": schema::list(schema::one_of(&names)) })))
            .answers(json!({ "models": names })),
        Operation::post("/v2/repository/index", "The models and their versions")
            .takes(JSON, schema::object(&[], json!({ "ready": schema::optional(flag()) })))
            .or_nothing()
            .gives(200, "A line for each version.", JSON, schema::list(indexed))
            .refuses(ERRORS, &[400])
            .shows("all", json!({}), json!(index)),
    ]
}

/// Operations whose path names a model, whichever it is.
fn named(about: &About, first: &Known) -> Vec<Operation> {
    let names = about.names();
    // Of the example's versions the newest first, then those of the others.
    let mut versions = vec![first.served.card.version.to_owned()];
    for Known { served, .. } in &about.all {
        if !versions.iter().any(|known| known == served.card.version) {
            versions.push(served.card.version.to_owned());
        }
    }
    let mut labels: Vec<&str> = about.all.iter().filter_map(|known| known.served.label).collect();
    labels.sort_unstable();
    labels.dedup();
    versions.extend(labels.into_iter().map(str::to_owned));
    let of = |operation: Operation| {
        let operation = operation.path_parameter("name", &names, "A model.");
        let has_version = operation.names_in_path().contains(&"version");
        if has_version {
            operation.path_parameter("version", &versions, "A version of it, or its label.")
        } else {
            operation
        }
    };
    let tensors = schema::list(json!({ "$ref": "#/components/schemas/OipTensor" }));
    let metadata = schema::record(json!({
        "name": schema::one_of(&names), "versions": schema::list(schema::string()),
        "platform": { "const": "modeldeploy_pack" }, "inputs": tensors, "outputs": tensors,
    }));
    let ready = schema::record(json!({ "name": schema::one_of(&names), "ready": { "const": true } }));
    let mut operations = vec![];
    for path in ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"] {
        let operation = of(Operation::get(path, "A model's tensors"))
            .gives(200, "Its versions, its inputs and its outputs; -1 is any size.", JSON, metadata.clone())
            .refuses(ERRORS, &[404])
            .answers(described(about, first));
        let readiness = of(Operation::get(format!("{path}/ready"), "Whether a model answers"))
            .gives(200, "It does.", JSON, ready.clone())
            .refuses(ERRORS, &[404, 503])
            .answers(json!({ "name": first.served.card.name, "ready": true }));
        operations.extend([operation, readiness]);
    }
    operations.extend(done(of));
    for verb in ["load", "unload"] {
        let path = format!("/v2/repository/models/{{name}}/{verb}");
        operations.push(
            of(Operation::post(path, format!("To {verb} a model, which is compiled in"))).refuses(ERRORS, &[404, 501]),
        );
    }
    operations
}

/// How a model is run and how it does, as Triton has them.
fn done(of: impl Fn(Operation) -> Operation) -> Vec<Operation> {
    let (object, number) = (|| json!({ "type": "object" }), || json!({ "type": "integer" }));
    let config = schema::object(
        &["name", "platform", "max_batch_size", "input", "output"],
        json!({
            "name": schema::string(), "platform": schema::string(), "backend": schema::string(),
            "version_policy": object(), "max_batch_size": number(), "input": schema::list(object()),
            "output": schema::list(object()), "instance_group": schema::list(object()), "parameters": object(),
        }),
    );
    let of_model = schema::object(
        &["name", "version", "last_inference", "inference_count", "execution_count", "inference_stats", "batch_stats"],
        json!({
            "name": schema::string(), "version": schema::string(), "last_inference": number(),
            "inference_count": number(), "execution_count": number(), "inference_stats": object(),
            "batch_stats": schema::list(object()),
        }),
    );
    let statistics = schema::object(&["model_stats"], json!({ "model_stats": schema::list(of_model) }));
    let counts = |operation: Operation| {
        operation.gives(200, "Counts, and times in nanoseconds, since the service began.", JSON, statistics.clone())
    };
    let mut operations = vec![counts(Operation::get("/v2/models/stats", "The requests and batches of all models"))];
    for path in ["/v2/models/{name}", "/v2/models/{name}/versions/{version}"] {
        let configured = of(Operation::get(format!("{path}/config"), "A model's configuration"))
            .gives(200, "In Triton's form; shapes are whole, -1 is any size.", JSON, config.clone())
            .refuses(ERRORS, &[404]);
        let counted = counts(of(Operation::get(format!("{path}/stats"), "A model's requests and batches")));
        operations.extend([configured, counted.refuses(ERRORS, &[404])]);
    }
    operations
}

fn described(about: &About, known: &Known) -> Value {
    let name = known.served.card.name;
    let versions = about.all.iter().map(|other| other.served.card).filter(|card| card.name == name);
    let (inputs, outputs) = metadata(&known.served);
    json!({
        "name": name, "versions": versions.map(|card| card.version).collect::<Vec<_>>(),
        "platform": "modeldeploy_pack", "inputs": inputs, "outputs": outputs,
    })
}

fn infer(about: &About, model: &Shown, versions: &[&Shown], path: String) -> Operation {
    let (name, version) = (model.card.name, model.card.version);
    let [first, second] = &model.asks;
    let length = json!({ "type": "integer", "minimum": 0 });
    Operation::post(path, format!("Outputs of `{name}` {version}"))
        .described(DESCRIPTION)
        .timed()
        .header(HEADER_LENGTH, length, "Bytes of the JSON before binary tensors.")
        .takes(JSON, request(about, model))
        .takes(BINARY, json!({ "type": "string", "format": "binary" }))
        .gives(200, "The outputs that were asked for, or all.", JSON, response(model, versions))
        .gives(200, "The outputs that were asked for, or all.", BINARY, json!({ "type": "string", "format": "binary" }))
        .refuses(ERRORS, &[400, 404, 429, 500, 504])
        .shows("one text", asked(&[first]), answered(model, &[first]))
        .shows("several", asked(&[first, second]), answered(model, &[first, second]))
}

fn request(about: &About, model: &Shown) -> Value {
    let any = json!({ "type": ["boolean", "number", "string"] });
    let open = |known: Value| json!({ "type": "object", "properties": known, "additionalProperties": any });
    let names: Vec<&str> = outputs(model.facts.task).iter().map(|output| output.name()).collect();
    let prompt = if model.facts.prompts.is_empty() { json!(false) } else { schema::one_of(model.facts.prompts) };
    let texts = json!({ "type": "integer", "minimum": 0, "maximum": about.limits.texts });
    let inner: &[u32] = match model.facts.task {
        Task::Embed => &[1],
        Task::Score => &[2],
        _ => &[1, 2],
    };
    let shape = json!({
        "type": "array", "prefixItems": [texts, { "enum": inner }], "items": false,
        "minItems": if model.facts.task == Task::Score { 2 } else { 1 }, "maxItems": 2,
    });
    let rows =
        json!({ "type": "array", "items": schema::string(), "minItems": inner[0], "maxItems": inner[inner.len() - 1] });
    let input = schema::object(
        &["name", "shape", "datatype", "data"],
        json!({
            "name": { "const": INPUT }, "shape": shape, "datatype": { "const": "BYTES" },
            "parameters": open(json!({ "binary_data_size": false })),
            "data": { "anyOf": [schema::list(schema::string()), schema::list(rows)] },
        }),
    );
    let output = schema::object(
        &["name"],
        json!({
            "name": schema::one_of(&names),
            "parameters": open(json!({ "binary_data": { "type": "boolean" }, "classification": false })),
        }),
    );
    schema::object(
        &["inputs"],
        json!({
            "id": schema::optional(schema::string()),
            "parameters": open(json!({ "binary_data_output": { "type": "boolean" }, "prompt": prompt })),
            "inputs": schema::sized(input, 1, 1),
            "outputs": schema::optional(schema::list(output)),
            "model_name": { "description": "Of no effect." }, "model_version": { "description": "Of no effect." },
        }),
    )
}

fn response(model: &Shown, versions: &[&Shown]) -> Value {
    let versions: Vec<&str> = versions.iter().map(|version| version.card.version).collect();
    let names: Vec<&str> = outputs(model.facts.task).iter().map(|output| output.name()).collect();
    let data = json!({ "type": "array", "items": { "type": ["number", "string"] } });
    let size = schema::record(json!({ "binary_data_size": schema::count() }));
    let output = schema::object(
        &["name", "datatype", "shape"],
        json!({
            "name": schema::one_of(&names), "datatype": schema::one_of(&["FP32", "BYTES"]),
            "shape": schema::sized(schema::count(), 1, 2), "parameters": size, "data": data,
        }),
    );
    schema::object(
        &["model_name", "model_version", "outputs"],
        json!({
            "model_name": { "const": model.card.name }, "model_version": schema::one_of(&versions),
            "id": schema::string(), "outputs": schema::list(output),
        }),
    )
}

fn asked(asks: &[&Asked]) -> Value {
    let is_pair = asks[0].text.is_array();
    let shape = if is_pair { json!([asks.len(), 2]) } else { json!([asks.len()]) };
    let data: Vec<&Value> = asks.iter().map(|ask| &ask.text).collect();
    json!({ "inputs": [{ "name": INPUT, "shape": shape, "datatype": "BYTES", "data": data }] })
}

fn answered(model: &Shown, asks: &[&Asked]) -> Value {
    let outputs = outputs(model.facts.task).iter().map(|output| {
        let is_rows = output.datatype() == "FP32";
        let shape = match model.facts.task {
            Task::Score => json!([asks.len()]),
            _ if is_rows => json!([asks.len(), model.facts.outputs]),
            _ => json!([asks.len()]),
        };
        let data = match is_rows {
            true => numbers(&asks.iter().flat_map(|ask| ask.row.iter().copied()).collect::<Vec<_>>()),
            false => asks.iter().map(|ask| json!(model.label_of(&ask.row))).collect(),
        };
        json!({ "name": output.name(), "datatype": output.datatype(), "shape": shape, "data": data })
    });
    json!({ "model_name": model.card.name, "model_version": model.card.version, "outputs": outputs.collect::<Vec<_>>() })
}

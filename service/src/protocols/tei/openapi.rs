//! The operations of Text Embeddings Inference.

use crate::openapi::{About, Errors, JSON, Operation, Section, Shown, number, numbers, schema};
use modeldeploy::format::Task;
use serde_json::{Value, json};

pub(in crate::protocols) const ERRORS: Errors = Errors {
    schema: "TeiError",
    statuses: &[
        (400, "`Empty`: there is no text where one must stand."),
        (422, "`Validation`: the body is wrong, or a text of it: what, and where."),
        (424, "`Backend`: no model here does it, or the model failed."),
        (429, "`Overloaded`: too much is waiting for an answer in time."),
        (503, "`Unhealthy`: the service is stopping."),
    ],
};

/// The headers that say where an answer's time went.
const HEADERS: [(&str, &str); 8] = [
    ("x-compute-type", "What computed."),
    ("x-compute-time", "Milliseconds in all."),
    ("x-compute-characters", "Characters of the texts."),
    ("x-compute-tokens", "Tokens of the texts."),
    ("x-total-time", "Milliseconds in all."),
    ("x-tokenization-time", "Milliseconds of tokenizing."),
    ("x-queue-time", "Milliseconds of waiting."),
    ("x-inference-time", "Milliseconds of the model."),
];

pub(in crate::protocols) fn section(about: &About) -> Section {
    let kinds = ["Unhealthy", "Backend", "Overloaded", "Validation", "Empty"];
    let error = json!({ "error": schema::string(), "error_type": schema::one_of(&kinds) });
    let health = Operation::get("/health", "Whether the service is healthy")
        .gives_nothing(200, "It is.")
        .refuses(ERRORS, &[503]);
    let models = [
        embed(about),
        similarity(about),
        embed_all(about),
        rerank(about),
        predict(about),
        tokenize(about),
        decode(about),
        info(about),
    ];
    Section {
        name: "Text Embeddings Inference",
        description: "Hugging Face's server. Its paths name no model: each is answered by the first model of its task.",
        schemas: vec![(ERRORS.schema, schema::object(&["error", "error_type"], error))],
        operations: models.into_iter().chain([health]).collect(),
    }
}

fn operation(path: &str, summary: &str, model: Option<&Shown>) -> Operation {
    let operation = Operation::post(path, summary);
    match model {
        Some(model) => operation.described(format!("Answered by `{}` {}.", model.card.name, model.card.version)),
        None => operation.described("No model of this service does it: it is answered with 424."),
    }
}

/// An operation that runs a model, or is refused where there is none of its task.
fn ran(
    about: &About,
    operation: Operation,
    model: Option<&Shown>,
    body: Value,
    answer: impl FnOnce(&Shown) -> Value,
) -> Operation {
    let operation = operation.timed().takes(JSON, body).refuses(ERRORS, &[400, 422, 424, 429]);
    let Some(model) = model else { return operation };
    let operation = operation.chosen_of(&about.alike(model)).gives(
        200,
        "The answer, with its times in headers.",
        JSON,
        answer(model),
    );
    HEADERS.iter().fold(operation, |operation, (name, meaning)| {
        let kind = if *name == "x-compute-type" { schema::string() } else { schema::count() };
        operation.with_header(200, name, kind, meaning)
    })
}

fn truncation() -> [Value; 2] {
    let directions = ["Left", "Right", "left", "right"];
    [schema::optional(json!({ "type": "boolean" })), schema::optional(schema::one_of(&directions))]
}

fn prompt(model: Option<&Shown>) -> Value {
    match model.map(|model| model.facts.prompts) {
        Some([]) | None => json!({ "type": "null" }),
        Some(prompts) => schema::optional(schema::one_of(prompts)),
    }
}

fn inputs(about: &About, model: Option<&Shown>) -> Value {
    let (filled, texts) = (schema::filled(), about.limits.texts);
    let mut kinds = vec![filled.clone(), schema::sized(filled, 1, texts)];
    if let Some(model) = model {
        kinds.extend([schema::ids(model), schema::sized(schema::ids(model), 1, texts)]);
    }
    json!({ "anyOf": kinds })
}

fn embed_body(about: &About, model: Option<&Shown>) -> Value {
    let [truncate, truncation_direction] = truncation();
    let most = model.map_or(1, |model| model.facts.outputs);
    schema::object(
        &["inputs"],
        json!({
            "inputs": inputs(about, model), "truncate": truncate, "truncation_direction": truncation_direction,
            "prompt_name": prompt(model), "normalize": schema::optional(json!({ "type": "boolean" })),
            "dimensions": schema::optional(json!({ "type": "integer", "minimum": 1, "maximum": most })),
        }),
    )
}

fn embed(about: &About) -> Operation {
    let model = about.first_of(Task::Embed);
    let operation = operation("/embed", "Vectors of texts", model);
    let vectors = |model: &Shown| {
        let most = model.facts.outputs;
        schema::list(schema::sized(json!({ "type": "number" }), 1, most))
    };
    let operation = ran(about, operation, model, embed_body(about, model), vectors);
    // At unit length where the model leaves it to the caller: an example is the engine's own.
    match model.filter(|model| model.facts.normalized) {
        Some(Shown { asks: [first, second], .. }) => {
            operation.shows("one text", json!({ "inputs": first.text }), json!([numbers(&first.row)])).shows(
                "several",
                json!({ "inputs": [first.text, second.text], "truncate": true }),
                json!([numbers(&first.row), numbers(&second.row)]),
            )
        }
        None => operation,
    }
}

fn embed_all(about: &About) -> Operation {
    let model = about.first_of(Task::Embed);
    let [truncate, truncation_direction] = truncation();
    let body = schema::object(
        &["inputs"],
        json!({
            "inputs": inputs(about, model), "truncate": truncate, "truncation_direction": truncation_direction,
            "prompt_name": prompt(model),
        }),
    );
    let operation = operation("/embed_all", "The rows of texts' tokens, from which vectors are pooled", model);
    ran(about, operation, model, body, |_| {
        let row = schema::list(json!({ "type": "number" }));
        schema::list(schema::list(row))
    })
}

fn similarity(about: &About) -> Operation {
    let model = about.first_of(Task::Embed);
    let [truncate, truncation_direction] = truncation();
    let parameters = schema::object(
        &[],
        json!({ "truncate": truncate, "truncation_direction": truncation_direction, "prompt_name": prompt(model) }),
    );
    let sentences = schema::sized(schema::filled(), 1, about.limits.texts - 1);
    let sentences = json!({ "source_sentence": schema::filled(), "sentences": sentences });
    let sentences = schema::object(&["source_sentence", "sentences"], sentences);
    let body = schema::object(&["inputs"], json!({ "inputs": sentences, "parameters": schema::optional(parameters) }));
    let operation = operation("/similarity", "Cosines of a text and others", model);
    // Rounding may take a cosine past 1.
    let operation = ran(about, operation, model, body, |_| {
        schema::list(json!({ "type": "number", "minimum": -1.0001, "maximum": 1.0001 }))
    });
    let Some(Shown { asks: [first, second], .. }) = model else { return operation };
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = dot(&first.row, &second.row) / (dot(&first.row, &first.row) * dot(&second.row, &second.row)).sqrt();
    let request = json!({ "inputs": { "source_sentence": first.text, "sentences": [second.text] } });
    operation.shows("two texts", request, json!([number(cosine as f32)]))
}

fn rerank(about: &About) -> Operation {
    let model = about.first_of(Task::Score);
    let [truncate, truncation_direction] = truncation();
    let has_sigmoid = model.is_some_and(|model| model.has_sigmoid);
    let body = schema::object(
        &["query", "texts"],
        json!({
            "query": schema::filled(), "texts": schema::sized(schema::filled(), 1, about.limits.texts),
            "truncate": truncate, "truncation_direction": truncation_direction,
            "raw_scores": schema::optional(json!({ "type": "boolean" })),
            "return_text": schema::optional(json!({ "type": "boolean" })),
        }),
    );
    let rank = json!({ "index": schema::count(), "text": schema::string(), "score": { "type": "number" } });
    let operation = operation("/rerank", "Texts by their relevance to a query, best first", model);
    let operation = ran(about, operation, model, body, |_| schema::list(schema::object(&["index", "score"], rank)));
    let Some(model) = model else { return operation };
    let mut ranks: Vec<(usize, f32)> = model.asks.iter().map(|ask| ask.row[0]).enumerate().collect();
    ranks.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (query, other) = model.texts;
    let squash = |score: f32| if has_sigmoid { score } else { 1.0 / (1.0 + (-score).exp()) };
    let ranks = ranks.into_iter().map(|(index, score)| json!({ "index": index, "score": number(squash(score)) }));
    operation.shows("two texts", json!({ "query": query, "texts": [other, query] }), ranks.collect())
}

fn predict(about: &About) -> Operation {
    let model = about.first_of(Task::Classify);
    let [truncate, truncation_direction] = truncation();
    // One of the two texts may be empty.
    let pair = |first: Value, second: Value| {
        let parts = [first, second];
        json!({ "type": "array", "prefixItems": parts, "items": false, "minItems": 2, "maxItems": 2 })
    };
    let (filled, any) = (schema::filled(), schema::string());
    let pairs = [pair(filled.clone(), any.clone()), pair(any, filled.clone())];
    let lists = json!({ "anyOf": [schema::sized(filled.clone(), 1, 1), pairs[0], pairs[1]] });
    let many = schema::sized(lists.clone(), 1, about.limits.texts);
    let body = schema::object(
        &["inputs"],
        json!({
            "inputs": { "anyOf": [filled, lists, many] },
            "truncate": truncate, "truncation_direction": truncation_direction,
            "raw_scores": schema::optional(json!({ "type": "boolean" })),
        }),
    );
    let operation =
        operation("/predict", "Labels with their probabilities, or what these are made of, likeliest first", model);
    let labels = |model: &Shown| {
        let count = model.facts.labels.len();
        let prediction = json!({ "label": schema::one_of(model.facts.labels), "score": { "type": "number" } });
        let all = schema::sized(schema::object(&["label", "score"], prediction), count, count);
        json!({ "anyOf": [all, schema::list(all.clone())] })
    };
    let operation = ran(about, operation, model, body, labels);
    let Some(model) = model else { return operation };
    let [first, second] = &model.asks;
    let of = |row: &[f32]| -> Value {
        model.ranked(row).into_iter().map(|(label, score)| json!({ "label": label, "score": number(score) })).collect()
    };
    operation.shows("one text", json!({ "inputs": first.text }), of(&first.row)).shows(
        "several",
        json!({ "inputs": [[first.text], [second.text]] }),
        json!([of(&first.row), of(&second.row)]),
    )
}

fn tokenize(about: &About) -> Operation {
    let body = schema::object(
        &["inputs"],
        json!({
            "inputs": { "anyOf": [schema::filled(), schema::some(schema::filled())] },
            "add_special_tokens": schema::optional(json!({ "type": "boolean" })),
            "prompt_name": prompt(about.first()),
        }),
    );
    let place = schema::optional(schema::count());
    let token = schema::record(json!({
        "id": schema::count(), "text": schema::string(), "special": { "type": "boolean" }, "start": place, "stop": place,
    }));
    let operation = operation("/tokenize", "The tokens of texts, none cut", about.first());
    let operation = operation.takes(JSON, body).refuses(ERRORS, &[400, 422, 424, 429]);
    match about.first() {
        Some(_) => operation.gives(200, "The tokens of each text.", JSON, schema::list(schema::list(token))),
        None => operation,
    }
}

fn decode(about: &About) -> Operation {
    let ids = about.first().map_or_else(|| json!({ "type": "integer" }), schema::id);
    let ids = schema::some(ids);
    let body = schema::object(
        &["ids"],
        json!({
            "ids": { "anyOf": [ids, schema::some(ids.clone())] },
            "skip_special_tokens": schema::optional(json!({ "type": "boolean" })),
        }),
    );
    let operation = operation("/decode", "The texts that tokens spell", about.first());
    let operation = operation.takes(JSON, body).refuses(ERRORS, &[400, 422, 424]);
    match about.first() {
        Some(_) => operation.gives(200, "A text for each list of ids.", JSON, schema::list(schema::string())),
        None => operation,
    }
}

fn info(about: &About) -> Operation {
    let operation = Operation::get("/info", "The facts of the first model").refuses(ERRORS, &[424]);
    let Some(model) = about.first() else { return operation };
    let nothing = || json!({ "type": "null" });
    let info = json!({
        "model_id": { "const": model.card.name }, "model_sha": { "const": model.card.digest },
        "model_dtype": { "const": "modeldeploy" },
        "model_type": { "type": "object", "minProperties": 1, "maxProperties": 1 },
        "max_concurrent_requests": schema::count(),
        "max_input_length": { "const": model.facts.max_tokens },
        "max_batch_tokens": schema::count(), "max_batch_requests": nothing(),
        "max_client_batch_size": { "const": about.limits.texts },
        "auto_truncate": { "const": false },
        "tokenization_workers": schema::count(),
        "version": { "const": about.service.1 }, "sha": nothing(), "docker_label": nothing(),
    });
    operation.gives(200, "The facts.", JSON, schema::record(info))
}

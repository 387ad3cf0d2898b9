//! The OpenAPI document: every operation of it is answered, and each of its examples as it says.

use crate::client::{Answer, get, router, send};
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

async fn document() -> Value {
    get("/openapi.json").await.json()
}

/// The operations: path, method, operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("an item");
        item.iter().map(|(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    each.collect()
}

/// The path with its parameters' examples in it.
fn example_path(path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let in_path = parameters.filter(|parameter| parameter["in"] == "path");
    in_path.fold(path.to_owned(), |path, parameter| {
        let name = parameter["name"].as_str().expect("a name");
        let example = parameter["example"].as_str().expect("an example");
        path.replace(&format!("{{{name}}}"), example)
    })
}

fn examples(media: &Value) -> impl Iterator<Item = (&String, &Value)> {
    media["examples"].as_object().into_iter().flatten()
}

async fn ask(method: &str, path: &str, body: Option<(&str, &Value)>) -> Answer {
    ask_with(method, path, &[], body).await
}

async fn ask_with(method: &str, path: &str, headers: &[(&str, &str)], body: Option<(&str, &Value)>) -> Answer {
    let request = Request::builder().method(method.to_uppercase().as_str()).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = match body {
        None => request.body(Body::empty()),
        Some((media, Value::String(text))) if media != "application/json" => {
            request.header("content-type", media).body(Body::from(text.clone()))
        }
        Some((media, value)) => request.header("content-type", media).body(Body::from(value.to_string())),
    };
    send(&router(), request.expect("a request")).await
}

/// Fails unless it is what the document shows under that name.
fn check(answer: &Answer, operation: &Value, name: &str, what: &str) {
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    let content = operation["responses"]["200"]["content"].as_object().expect("what is answered");
    let kind = answer.headers["content-type"].to_str().expect("ASCII").split(';').next().expect("a type");
    let expected = &content[kind]["examples"][name]["value"];
    let got = if kind == "application/json" { answer.json() } else { json!(answer.text()) };
    assert_eq!(&got, expected, "{what}");
}

#[tokio::test]
async fn every_example_is_answered_as_it_says() {
    let document = document().await;
    let mut seen = 0;
    for (path, method, operation) in operations(&document) {
        let path = example_path(path, operation);
        let bodies = operation["requestBody"]["content"].as_object();
        for (media, content) in bodies.into_iter().flatten() {
            for (name, example) in examples(content) {
                let what = format!("{method} {path}, {name}");
                let answer = ask(method, &path, Some((media, &example["value"]))).await;
                check(&answer, operation, name, &what);
                seen += 1;
            }
        }
        let answers = operation["responses"]["200"]["content"].as_object();
        let alone =
            answers.into_iter().flatten().flat_map(|(_, content)| examples(content)).any(|(name, _)| name == "answer");
        if alone {
            check(&ask(method, &path, None).await, operation, "answer", &format!("{method} {path}"));
            seen += 1;
        }
    }
    // Two for each way to ask a model, and one for each fact.
    assert!(seen > 60, "{seen} examples");
}

#[tokio::test]
async fn every_version_that_a_header_may_ask_for_answers_and_every_path_says_which_did() {
    let document = document().await;
    let (mut asked, mut paths) = (0, vec![]);
    for (path, method, operation) in operations(&document) {
        let answered = &operation["responses"]["200"]["headers"]["x-model-version"]["schema"]["enum"];
        let Some(answered) = answered.as_array() else { continue };
        let content = &operation["requestBody"]["content"]["application/json"];
        // What the engine computes on its way to a text's vector is in no example.
        let without = path == "/embed_all";
        let Some((_, example)) = examples(content).next() else {
            assert!(without, "{path} has no example");
            continue;
        };
        let parameters = operation["parameters"].as_array().expect("parameters").iter();
        let of = |name: &'static str| {
            let found = parameters.clone().find(|parameter| parameter["name"] == name);
            found.into_iter().flat_map(|found| found["schema"]["enum"].as_array().expect("a list"))
        };
        let headers = of("x-model-version").map(|value| ("x-model-version", value));
        let headers = headers.chain(of("x-model-label").map(|value| ("x-model-label", value)));
        for (name, value) in headers.chain([("x-routing-key", &json!("a key"))]) {
            let value = value.as_str().expect("a string");
            let answer = ask_with(method, path, &[(name, value)], Some(("application/json", &example["value"]))).await;
            assert_eq!(answer.status, 200, "{path} {name} {value}: {}", answer.text());
            let version = answer.headers["x-model-version"].to_str().expect("ASCII");
            assert!(answered.contains(&json!(version)), "{path} {name} {value}: {version}");
            assert!(name != "x-model-version" || value.is_empty() || version == value, "{path} {value}: {version}");
            asked += 1;
        }
        paths.push(path);
    }
    for path in [
        "/v2/models/encoder/infer",
        "/v2/models/encoder/versions/previous/infer",
        "/v1/models/encoder/labels/previous:predict",
        "/predictions/encoder/previous",
        "/v1/embeddings",
        "/embed",
        "/rerank",
        "/invocations",
    ] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
    assert!(asked > 50, "{asked}");
}

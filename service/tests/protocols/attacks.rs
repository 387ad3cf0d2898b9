//! Every hostile body of the fuzz target's folder, sent: its protocol's own error with the cause, and the service goes on.

use crate::client::{Answer, post, post_to};
use crate::models::{Feed, Nearby};
use axum::http::StatusCode;
use modeldeploy_service::Service;
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/attacks/protocols");

/// The path and the headers of a body by its first line, and where the answer says what is wrong.
fn request<'a>(protocol: &str, beside: &'a str) -> (String, Vec<(&'a str, &'a str)>, &'static str) {
    let json = ("content-type", "application/json");
    match protocol {
        "mlflow" => ("/invocations".to_owned(), vec![("content-type", beside)], "/message"),
        "mlflow-ranked" => ("/invocations".to_owned(), vec![("content-type", beside)], "/message"),
        "oip-ranked" => ("/v2/models/feed/infer".to_owned(), vec![json], "/error"),
        "oip" if beside.is_empty() => ("/v2/models/encoder/infer".to_owned(), vec![json], "/error"),
        "oip" => {
            let headers = vec![("content-type", "application/octet-stream"), (HEADER, beside)];
            ("/v2/models/encoder/infer".to_owned(), headers, "/error")
        }
        "openai" => ("/v1/embeddings".to_owned(), vec![json], "/error/message"),
        "tei" => (beside.to_owned(), vec![json], "/error"),
        "oip-matched" => ("/v2/models/nearby/infer".to_owned(), vec![json], "/error"),
        "tfserving-matched" => (format!("/v1/models/nearby:{beside}"), vec![json], "/error"),
        "torchserve-matched" => ("/predictions/nearby".to_owned(), vec![("content-type", beside)], "/message"),
        "mlflow-matched" => ("/invocations".to_owned(), vec![("content-type", beside)], "/message"),
        // Examples are of a classifier.
        "tfserving" if beside == "classify" => ("/v1/models/mood:classify".to_owned(), vec![json], "/error"),
        "tfserving" => (format!("/v1/models/encoder:{beside}"), vec![json], "/error"),
        "tfserving-ranked" => (format!("/v1/models/feed:{beside}"), vec![json], "/error"),
        "torchserve-ranked" => ("/predictions/feed".to_owned(), vec![("content-type", beside)], "/message"),
        "torchserve" => ("/predictions/encoder".to_owned(), vec![("content-type", beside)], "/message"),
        _ => panic!("no protocol is called `{protocol}`"),
    }
}

const HEADER: &str = "inference-header-content-length";

#[tokio::test]
async fn every_hostile_body_is_refused_in_its_protocols_own_form() {
    let mut files: Vec<_> =
        Path::new(FOLDER).read_dir().expect("attacks").map(|entry| entry.expect("one").path()).collect();
    files.sort();
    // Their first models, which MLflow asks, are rankers.
    let alone = Service::new("shop", "1.2.3").model::<Feed>().into_router().expect("a router");
    let matched = Service::new("shop", "1.2.3").model::<Nearby>().into_router().expect("a router");
    assert!(files.len() >= 75, "{} attacks", files.len());
    for file in files {
        let bytes = std::fs::read(&file).expect("an attack");
        let end = bytes.iter().position(|&byte| byte == b'\n').expect("a first line");
        let line = std::str::from_utf8(&bytes[..end]).expect("UTF-8");
        let (protocol, beside) = line.split_once(' ').unwrap_or((line, ""));
        let (path, headers, message) = request(protocol, beside);
        let body = bytes[end + 1..].to_vec();
        let answer = match protocol {
            "mlflow-ranked" => post_to(&alone, &path, &headers, body).await,
            "mlflow-matched" => post_to(&matched, &path, &headers, body).await,
            _ => post(&path, &headers, body).await,
        };
        check(&file.file_name().expect("a name").to_string_lossy(), &answer, message);
    }
}

fn check(name: &str, answer: &Answer, message: &str) {
    // Not for the model, which is there: for what is asked of it.
    let is_refused = answer.status.is_client_error() && answer.status != StatusCode::NOT_FOUND;
    assert!(is_refused, "{name}: {} {}", answer.status, answer.text());
    let json = answer.json();
    let said = json.pointer(message).and_then(|message| message.as_str());
    assert!(said.is_some_and(|said| said.len() > 10), "{name}: {}", answer.text());
}

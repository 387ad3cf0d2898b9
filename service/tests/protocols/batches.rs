//! Batching cannot be seen in an answer: whatever came together, each text's row has the bits that the engine alone gives.

use crate::client::{post, rows_of};
use crate::models::{Encoder2, Mood};
use axum::http::StatusCode;
use modeldeploy::model::Model;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Barrier;

const LENGTH: &str = "inference-header-content-length";

/// Texts of 0 to 30 characters, some far beyond the model's length, a few in Chinese.
fn texts(request: usize, count: usize) -> Vec<String> {
    let text = |i: usize| match (request * 31 + i * 7) % 11 {
        10 => "手机".repeat(i % 3),
        other => "abcdefghijklmnopqrstuvwxyz0123"[..(other * 3) % 31].to_owned() + &(request + i).to_string(),
    };
    (0..count).map(text).collect()
}

/// The bytes of the output of rows, as a client that wants binary data gets them.
async fn infer(model: &'static str, output: &'static str, texts: Vec<String>) -> Vec<u8> {
    let body = json!({
        "inputs": [{"name": "text", "shape": [texts.len()], "datatype": "BYTES", "data": texts}],
        "outputs": [{"name": output, "parameters": {"binary_data": true}}],
    });
    let answer =
        post(&format!("/v2/models/{model}/infer"), &[("x-request-timeout-ms", "600000")], body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
    let length: usize = answer.headers[LENGTH].to_str().expect("ASCII").parse().expect("a length");
    answer.body[length..].to_vec()
}

fn expected<M: Model>(texts: &[String]) -> Vec<u8> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    rows_of::<M>(&texts).concat().iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_of_mixed_lengths_get_the_engines_bits() {
    // From one text to more than a batch, of two models, all at once.
    let counts = [1, 2, 3, 40, 1, 200, 1, 7, 128, 1];
    let all = counts.len() * 12;
    let barrier = Arc::new(Barrier::new(all));
    let requests: Vec<_> = (0..all)
        .map(|request| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                let texts = texts(request, counts[request % counts.len()]);
                barrier.wait().await;
                match request % 3 {
                    0 => assert!(infer("mood", "probabilities", texts.clone()).await == expected::<Mood>(&texts)),
                    _ => assert!(infer("encoder", "embedding", texts.clone()).await == expected::<Encoder2>(&texts)),
                }
            })
        })
        .collect();
    for request in requests {
        request.await.expect("the engine's bits");
    }
}

#[tokio::test]
async fn texts_that_are_tokenized_aside_get_the_engines_bits() {
    let texts = vec!["abc ".repeat(20_000), "short".to_owned(), "手".repeat(5_000)];
    assert!(infer("encoder", "embedding", texts.clone()).await == expected::<Encoder2>(&texts));
}

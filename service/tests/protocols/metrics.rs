//! What every protocol does is counted by its route, its model and its stages.

use crate::client::{get, post};
use axum::http::StatusCode;
use serde_json::Value;

async fn snapshot() -> Value {
    let router = crate::client::router();
    let request = axum::http::Request::get("/metrics").header("accept", "application/json");
    crate::client::send(&router, request.body(axum::body::Body::empty()).expect("a request")).await.json()
}

fn route<'a>(snapshot: &'a Value, route: &str) -> &'a Value {
    let routes = snapshot["routes"].as_array().expect("a list");
    routes.iter().find(|own| own["route"] == route).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_request_of_each_protocol_has_its_stages() {
    for (path, named, body) in [
        (
            "/v2/models/ranker/infer",
            "/v2/models/{name}/infer",
            r#"{"inputs": [{"name": "text", "shape": [1, 2], "datatype": "BYTES", "data": ["a", "b"]}]}"#,
        ),
        ("/v1/embeddings", "/v1/embeddings", r#"{"model": "encoder", "input": "a"}"#),
        ("/rerank", "/rerank", r#"{"query": "a", "texts": ["b", "c"]}"#),
        ("/v1/models/mood:predict", "/v1/models/{name}", r#"{"instances": ["a"]}"#),
        ("/predictions/mood", "/predictions/{name}", r#"{"data": "a"}"#),
        ("/invocations", "/invocations", r#"{"inputs": ["a"]}"#),
    ] {
        let answer = post(path, &[("content-type", "application/json")], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let text = get("/metrics").await;
        let stages = ["tokenize", "queue", "infer", "serialize"];
        for stage in stages {
            let (start, end) = (
                format!("modeldeploy_request_stage_duration_seconds_count{{route=\"{named}\","),
                format!("stage=\"{stage}\"}}"),
            );
            let line = text.text().lines().find(|line| line.starts_with(&start) && line.contains(&end));
            assert!(
                line.is_some_and(|line| line.contains("model=\"") && line.contains("version=\"")),
                "{path} {stage}: {line:?}"
            );
        }
        assert!(route(&snapshot().await, named)["whole"]["count"].as_u64() >= Some(1), "{path}");
    }
}

#[tokio::test]
async fn names_of_others_are_chosen_by_the_query_and_unknown_ones_refused() {
    for (compat, name) in [
        ("tfs", ":tensorflow:serving:request_count{"),
        ("triton", "nv_inference_request_success{"),
        ("tei", "te_request_count{"),
    ] {
        let answer = get(&format!("/metrics?compat={compat}")).await;
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        assert!(answer.text().contains(name) && !answer.text().contains("modeldeploy_"), "{}", answer.text());
    }
    let refused = get("/metrics?compat=mlserver").await;
    let message = refused.json()["error"].as_str().expect("a message").to_owned();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(message.contains("`mlserver`") && message.contains("`tfs`, `triton`, `tei`"), "{message}");
    assert_eq!(get("/monitoring/prometheus/metrics").await.status, StatusCode::OK);
}

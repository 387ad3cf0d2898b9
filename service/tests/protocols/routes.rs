//! Where a service has a route of its own, that one answers; and all are measured.

use crate::client::send;
use crate::models::service;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};

#[tokio::test]
async fn a_services_own_routes_go_before_those_of_the_protocols() {
    let own = Router::new()
        .route("/v2/models", get("own\n"))
        .route("/v2/models/{name}/infer", post(async || "own\n"))
        .route("/predict", post(async || "own\n"));
    let router = service().routes(own).into_router().expect("a router");
    let ask =
        |method: &str, path: &str| Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
    for (method, path) in [("GET", "/v2/models"), ("POST", "/v2/models/encoder/infer"), ("POST", "/predict")] {
        let answer = send(&router, ask(method, path)).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "own\n"), "{path}");
    }
    // The others are there as ever.
    assert_eq!(send(&router, ask("GET", "/v2/models/encoder/ready")).await.status, StatusCode::OK);
    assert_eq!(send(&router, ask("GET", "/v2/nowhere")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(send(&router, ask("DELETE", "/v2/models/encoder/ready")).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let metrics = send(&router, ask("GET", "/metrics")).await;
    for line in [
        r#"modeldeploy_requests_total{route="/v2/models",status="200"} 1"#,
        r#"modeldeploy_requests_total{route="/v2/models/{name}/ready",status="200"} 1"#,
        r#"modeldeploy_requests_total{route="/v2/models/{name}/ready",status="405"} 1"#,
        r#"modeldeploy_requests_total{route="other",status="404"} 1"#,
    ] {
        assert!(metrics.text().contains(line), "{line} is not in\n{}", metrics.text());
    }
}

#[tokio::test]
async fn a_service_without_an_end_to_its_deadline_answers() {
    let limits = modeldeploy_service::Limits { deadline: std::time::Duration::MAX, ..Default::default() };
    let router = service().limits(limits).into_router().expect("a router");
    let body = r#"{"inputs": "a"}"#;
    let ask = Request::post("/embed").body(Body::from(body)).expect("a request");
    assert_eq!(send(&router, ask).await.status, StatusCode::OK);
}

//! The routes that every service has, and its own beside them, without a socket.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use http_body_util::BodyExt;
use modeldeploy_service::{JsonBody, MAX_BODY_BYTES, Refusal, Service};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Doubles a number; refuses odd ones.
async fn double(JsonBody(number): JsonBody<u32>) -> Result<Json<u32>, Refusal> {
    if number % 2 == 1 {
        return Err(Refusal::bad_request(format!("{number} is odd")));
    }
    Ok(Json(number * 2))
}

fn service() -> Router {
    Service::new("shop", "1.2.3").routes(Router::new().route("/double", post(double))).into_router().expect("a router")
}

async fn answer(router: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn post_json(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header(header::CONTENT_TYPE, "application/json").body(body.into()).expect("a request")
}

/// Of a service with one thread for connections, what is answered while a route holds that thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_long_body_holds_up_no_other_request() {
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Arc::new(std::sync::Mutex::new(gone));
    // As a route that has much to read, it gives its thread to nobody.
    let hold = async move |body: axum::body::Bytes| {
        gone.lock().expect("no panic").recv_timeout(std::time::Duration::from_secs(60)).expect("another is answered");
        body.len().to_string()
    };
    let routes = Router::new().route("/hold", post(hold)).route("/double", post(double));
    let router = Service::new("shop", "1.2.3").routes(routes).into_router().expect("a router");
    let long = 20_000;
    let held = tokio::spawn({
        let router = router.clone();
        async move { answer(&router, post_json("/hold", vec![b' '; long])).await }
    });
    tokio::task::yield_now().await;
    let other = tokio::spawn(async move { answer(&router, post_json("/double", "4")).await });
    assert_eq!(other.await.expect("answered"), (StatusCode::OK, "8".to_owned()));
    go.send(()).expect("it waits");
    assert_eq!(held.await.expect("answered"), (StatusCode::OK, long.to_string()));
}

#[tokio::test]
async fn health_answers_and_unknown_routes_are_refused_in_json() {
    let router = service();
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(answer(&router, get(path)).await, (StatusCode::OK, "ok\n".into()), "{path}");
    }
    for (request, status) in
        [(get("/nowhere"), StatusCode::NOT_FOUND), (get("/double"), StatusCode::METHOD_NOT_ALLOWED)]
    {
        let (got, body) = answer(&router, request).await;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert!(got == status && body["error"].is_string(), "{status}: {got} {body}");
    }
}

#[tokio::test]
async fn the_services_own_routes_answer_and_refuse() {
    let router = service();
    assert_eq!(answer(&router, post_json("/double", "4")).await, (StatusCode::OK, "8".into()));
    let long = " ".repeat(MAX_BODY_BYTES + 1);
    for (body, status, message) in [
        ("3", StatusCode::BAD_REQUEST, "3 is odd"),
        ("x", StatusCode::BAD_REQUEST, "line 1 column 1"),
        ("-1", StatusCode::BAD_REQUEST, "invalid value"),
        (long.as_str(), StatusCode::PAYLOAD_TOO_LARGE, "longer than 1048576 bytes"),
    ] {
        let (got, answer) = answer(&router, post_json("/double", body.to_owned())).await;
        assert!(got == status && answer.contains(message), "{message}: {got} {answer}");
    }
    let plain = Request::post("/double").body(Body::from("4")).expect("a request");
    assert_eq!(answer(&router, plain).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for (kind, status) in [
        ("application/json; charset=utf-8", StatusCode::OK),
        ("Application/JSON", StatusCode::OK),
        ("application/vnd.shop+json", StatusCode::OK),
        ("application/jsonl", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("text/json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let said = Request::post("/double").header(header::CONTENT_TYPE, kind).body(Body::from("4"));
        assert_eq!(answer(&router, said.expect("a request")).await.0, status, "{kind}");
    }
}

/// A search, as services have them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    query: String,
    limit: Option<u32>,
    #[serde(default)]
    tags: Vec<String>,
    order: Option<Order>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Price,
}

async fn search(JsonBody(search): JsonBody<Search>) -> String {
    let order = search.order.map_or("none", |Order::Price| "price");
    format!("{} {:?} {:?} {order}", search.query, search.limit, search.tags)
}

#[tokio::test]
async fn a_struct_is_read_from_an_object_alone() {
    let router = Service::new("shop", "1.2.3")
        .routes(Router::new().route("/search", post(search)).route("/list", post(async |_: JsonBody<Vec<u32>>| "list")))
        .into_router()
        .expect("a router");
    for (body, expected) in [
        (r#"{"query": "shoes"}"#, "shoes None [] none"),
        (r#"{"query": "shoes", "limit": null, "order": null}"#, "shoes None [] none"),
        (r#"{"order": "price", "tags": ["red"], "limit": 3, "query": "shoes"}"#, r#"shoes Some(3) ["red"] price"#),
    ] {
        assert_eq!(answer(&router, post_json("/search", body)).await, (StatusCode::OK, expected.into()), "{body}");
    }
    assert_eq!(answer(&router, post_json("/list", "[1, 2]")).await, (StatusCode::OK, "list".into()));
    let keys = "expected an object with the keys `query`, `limit`, `tags`, `order`";
    for (body, message) in [
        (r#"["shoes"]"#, keys),
        (r#"["shoes", 3, [], "price"]"#, keys),
        ("[]", keys),
        (r#""shoes""#, keys),
        ("null", keys),
        (r#"{"limit": 3}"#, "missing field `query`"),
        (r#"{"query": "shoes", "limt": 3}"#, "`limt`: unknown field `limt`"),
        (r#"{"query": ["shoes"]}"#, "`query`: invalid type: sequence, expected a string"),
        (r#"{"query": "shoes", "limit": -3}"#, "the body cannot be read: `limit`: invalid value: integer `-3`"),
        (r#"{"query": "shoes", "tags": ["red", 1]}"#, "`tags[1]`: invalid type: integer `1`, expected a string"),
        (r#"{"query": "shoes"} {}"#, "the body cannot be read: trailing characters"),
    ] {
        let (status, answer) = answer(&router, post_json("/search", body)).await;
        assert!(status == StatusCode::BAD_REQUEST && answer.contains(message), "{body}: {status} {answer}");
    }
}

#[tokio::test]
async fn every_request_is_counted_and_timed_by_its_route() {
    let router = service();
    for body in ["2", "4", "3"] {
        answer(&router, post_json("/double", body)).await;
    }
    answer(&router, get("/nowhere?secret=1")).await;
    let (_, metrics) = answer(&router, get("/metrics")).await;
    for line in [
        r#"modeldeploy_requests_total{route="/double",status="200"} 2"#,
        r#"modeldeploy_requests_total{route="/double",status="400"} 1"#,
        r#"modeldeploy_requests_total{route="other",status="404"} 1"#,
        r#"modeldeploy_request_duration_seconds_count{route="/double"} 3"#,
        r#"modeldeploy_build_info{service="shop",version="1.2.3"} 1"#,
        r#"modeldeploy_request_failures_total{route="/double",reason="invalid_argument"} 1"#,
        r#"modeldeploy_request_failures_total{route="other",reason="not_found"} 1"#,
        // This one.
        "modeldeploy_requests_in_flight 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("secret"), "a query string is nobody's label");
}

#[tokio::test]
async fn a_service_without_models_says_so() {
    assert_eq!(answer(&service(), get("/models")).await, (StatusCode::OK, json!([]).to_string()));
}

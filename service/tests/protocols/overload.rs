//! A service of one model refuses by its head what cannot be answered in its time, and one of several only what it has read.

use crate::client::{Answer, router, send};
use crate::models::Encoder1;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use modeldeploy_service::Service;

/// No JSON: who reads it says so.
const UNREADABLE: &str = "{";

async fn post(router: &Router, path: &str, timeout: &str) -> Answer {
    let request =
        Request::post(path).header("content-type", "application/json").header("x-request-timeout-ms", timeout);
    send(router, request.body(Body::from(UNREADABLE)).expect("a request")).await
}

#[tokio::test]
async fn what_the_only_model_cannot_answer_in_time_is_refused_unread() {
    let one = Service::new("one", "1.0.0").model::<Encoder1>().into_router().expect("a router");
    let asks = [
        ("/embed", "/error"),
        ("/invocations", "/message"),
        ("/predictions/encoder", "/message"),
        ("/v1/embeddings", "/error/message"),
        ("/v1/models/encoder:predict", "/error"),
        ("/v2/models/encoder/infer", "/error"),
    ];
    for (path, message) in asks {
        let refused = post(&one, path, "0").await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}: {}", refused.text());
        assert_eq!(refused.headers["retry-after"], "1", "{path}");
        let said = refused.json().pointer(message).and_then(|said| said.as_str().map(str::to_owned));
        assert!(said.is_some_and(|said| said.starts_with("too much is waiting")), "{path}: {}", refused.text());
        for (router, timeout) in [(&one, "60000"), (&router(), "0")] {
            let read = post(router, path, timeout).await.status;
            assert!(read.is_client_error() && read != StatusCode::TOO_MANY_REQUESTS, "{path} {timeout}: {read}");
        }
    }
    // What asks no model is not held up by one.
    assert_eq!(post(&one, "/tokenize", "0").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let metrics = send(&one, Request::get("/metrics").body(Body::empty()).expect("a request")).await;
    let sheds =
        format!("modeldeploy_sheds_total{{model=\"encoder\",version=\"1.0.0\",reason=\"overload\"}} {}", asks.len());
    assert!(metrics.text().contains(&sheds), "{}", metrics.text());
    let statistics = send(&one, Request::get("/v2/models/encoder/stats").body(Body::empty()).expect("a request")).await;
    let failed = statistics.json()["model_stats"][0]["inference_stats"]["fail"]["count"].clone();
    assert_eq!(failed, asks.len(), "{}", statistics.text());
}

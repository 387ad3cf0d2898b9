//! A client of the hand-made service, without a socket.

use crate::models::{rows, service};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use modeldeploy::model::{Input, Model};
use serde_json::Value;
use std::sync::OnceLock;
use tower::ServiceExt;

/// It as a router, made once: its workers are shared by all tests.
pub(crate) fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    ROUTER.get_or_init(|| service().into_router().expect("a router")).clone()
}

/// The rows of texts without a prompt.
pub(crate) fn rows_of<M: Model>(texts: &[&str]) -> Vec<Vec<f32>> {
    rows::<M>(texts.iter().map(|&text| Input { text, ..Input::default() }))
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(path: &str) -> Answer {
    send(&router(), Request::get(path).body(Body::empty()).expect("a request")).await
}

pub(crate) async fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    post_to(&router(), path, headers, body).await
}

/// The answer of another service.
pub(crate) async fn post_to(router: &Router, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router, request.body(body.into()).expect("a request")).await
}

/// Numbers of JSON as the very f32 that they were written from.
#[track_caller]
pub(crate) fn floats(values: &Value) -> Vec<f32> {
    values.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number") as f32).collect()
}

/// The number of JSON that an answer has for a value.
pub(crate) fn number(value: f32) -> Value {
    serde_json::to_string(&value).and_then(|text| serde_json::from_str(&text)).expect("a number")
}

/// Whether all bits are equal.
#[track_caller]
pub(crate) fn same_bits(got: &[f32], expected: &[f32]) {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(got), bits(expected), "{got:?} {expected:?}");
}

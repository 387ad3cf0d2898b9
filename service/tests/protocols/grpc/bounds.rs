//! Time and length: the client's and the service's.

use super::client::{Running, shared};
use super::oip::request;
use crate::client::send;
use crate::models::service;
use axum::body::Body;
use axum::http::{self, StatusCode};
use modeldeploy_service::Limits;
use modeldeploy_service::wire::inference::{ModelInferRequest, ModelInferResponse};
use std::time::Duration;
use tonic::{Code, Request};
use tonic_types::StatusExt;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";

#[tokio::test]
async fn a_request_that_cannot_be_in_time_is_refused_with_the_time_to_try_again() {
    let client = shared().await;
    // The header itself: with a deadline of its own the client would give up first.
    let timed = |timeout: &'static str| {
        let mut asked = Request::new(request("encoder", &[1], &["a"], true));
        asked.metadata_mut().insert("grpc-timeout", timeout.parse().expect("ASCII"));
        client.unary::<ModelInferRequest, ModelInferResponse>(INFER, asked)
    };
    let raw = |timeout: &'static str| async move {
        let router = service().into_router().expect("a router");
        let body = framed(&prost::Message::encode_to_vec(&request("encoder", &[1], &["a"], true)));
        let asked =
            http::Request::post(INFER).header("content-type", "application/grpc").header("grpc-timeout", timeout);
        send(&router, asked.body(Body::from(body)).expect("a request")).await
    };
    timed("1M").await.expect("in time");
    let late = raw("1n").await;
    let status = tonic::Status::from_header_map(&late.headers).expect("a status");
    assert!(matches!(status.code(), Code::ResourceExhausted | Code::DeadlineExceeded), "{status:?}");
    if status.code() == Code::ResourceExhausted {
        let pushback: u64 = late.headers["grpc-retry-pushback-ms"].to_str().expect("ASCII").parse().expect("a number");
        let retry = status.get_details_retry_info().expect("a time").retry_delay;
        assert_eq!(retry, Some(Duration::from_millis(pushback)));
        assert_eq!(status.message(), "too much is waiting for this request to be answered in its time");
    }
    let wrong = raw("soon").await;
    let status = tonic::Status::from_header_map(&wrong.headers).expect("a status");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("the header `grpc-timeout` is \"soon\""), "{status:?}");
}

/// A message with its prefix.
fn framed(message: &[u8]) -> Vec<u8> {
    [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat()
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_with_the_limit() {
    let running = Running::with(Limits { body_bytes: 1000, ..Limits::default() });
    let client = running.client().await;
    let infer = |length: usize| {
        let text = "x".repeat(length);
        client.unary::<_, ModelInferResponse>(INFER, request("encoder", &[1], &[text.as_str()], true))
    };
    infer(900).await.expect("a vector");
    for length in [1000, 1_000_000] {
        let error = infer(length).await.expect_err("too long");
        let expected = (Code::ResourceExhausted, "the message is longer than 1000 bytes");
        assert_eq!((error.code(), error.message()), expected, "{length}");
    }
    // A prefix that promises too much is refused before memory is asked for.
    let router = service().limits(Limits { body_bytes: 1000, ..Limits::default() }).into_router().expect("a router");
    for (body, code, message) in [
        (b"\0\xff\xff\xff\xff".to_vec(), Code::ResourceExhausted, "the message is longer than 1000 bytes"),
        (b"\0\0\0\0\x09abc".to_vec(), Code::Internal, ""),
        (b"\x01\0\0\0\x01a".to_vec(), Code::Internal, ""),
        (framed(b"\xff\xff"), Code::Internal, "decode"),
        (vec![], Code::Internal, ""),
    ] {
        let asked =
            http::Request::post(INFER).header("content-type", "application/grpc").body(Body::from(body.clone()));
        let answer = send(&router, asked.expect("a request")).await;
        let status = tonic::Status::from_header_map(&answer.headers).unwrap_or_else(|| panic!("{body:?}: {answer:?}"));
        assert!(status.code() == code && status.message().contains(message), "{body:?}: {status:?}");
    }
}

#[tokio::test]
async fn a_message_that_does_not_come_is_given_up() {
    let limits = Limits { body: Duration::from_millis(100), ..Limits::default() };
    let router = service().limits(limits).into_router().expect("a router");
    let never = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let asked = http::Request::post(INFER).header("content-type", "application/grpc+proto").body(never);
    let answer = send(&router, asked.expect("a request")).await;
    let status = tonic::Status::from_header_map(&answer.headers).expect("a status");
    let expected = (Code::DeadlineExceeded, "the message did not come to its end within 0.1 s");
    assert_eq!((status.code(), status.message()), expected);
}

#[tokio::test]
async fn who_does_not_speak_grpc_is_told_so() {
    let router = service().into_router().expect("a router");
    for kind in ["application/json", "application/grpc-web", "application/grpc+json"] {
        let asked = http::Request::post(INFER).header("content-type", kind).body(Body::empty());
        let answer = send(&router, asked.expect("a request")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        assert!(answer.text().contains("`Content-Type: application/grpc`"), "{}", answer.text());
    }
    let asked = http::Request::get(INFER).body(Body::empty()).expect("a request");
    assert_eq!(send(&router, asked).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_method_is_measured_under_its_path() {
    let router = service().into_router().expect("a router");
    let body = framed(&prost::Message::encode_to_vec(&request("encoder", &[1], &["a"], true)));
    let asked = http::Request::post(INFER).header("content-type", "application/grpc").body(Body::from(body));
    assert_eq!(send(&router, asked.expect("a request")).await.status, StatusCode::OK);
    let metrics = http::Request::get("/metrics").body(Body::empty()).expect("a request");
    let metrics = send(&router, metrics).await;
    assert!(metrics.text().contains(&format!("route=\"{INFER}\"")), "{}", metrics.text());
}

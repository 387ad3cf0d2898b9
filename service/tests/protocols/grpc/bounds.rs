//! Time and length: the client's and the service's.

use super::client::{Running, shared};
use super::oip::request;
use crate::client::send;
use crate::models::service;
use axum::body::Body;
use axum::http::{self, StatusCode};
use futures_util::{FutureExt, stream};
use http_body_util::BodyExt;
use modeldeploy_service::Limits;
use modeldeploy_service::wire::inference::{ModelInferRequest, ModelInferResponse};
use prost::Message;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
const STREAM: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

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
        let body = framed(&request("encoder", &[1], &["a"], true).encode_to_vec());
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

/// The body of a request that sends what the test does.
fn sent(mut messages: mpsc::Receiver<Vec<u8>>) -> Body {
    Body::from_stream(stream::poll_fn(move |context| {
        messages.poll_recv(context).map(|next| next.map(Ok::<_, Infallible>))
    }))
}

#[tokio::test]
async fn bodies_have_no_more_than_their_room_together() {
    let limits = Limits { body_bytes: 1000, bodies_bytes: 1000, ..Limits::default() };
    let router = service().limits(limits).into_router().expect("a router");
    let post = |path: &str, body: Body| {
        let asked = http::Request::post(path).header("content-type", "application/grpc").body(body);
        router.clone().oneshot(asked.expect("a request"))
    };
    let text = "x".repeat(400);
    let message = || framed(&request("encoder", &[1], &[text.as_str()], true).encode_to_vec());
    let ended = async |path: &str| {
        let (parts, body) = post(path, Body::from(message())).await.expect("an answer").into_parts();
        let trailers = body.collect().await.expect("a body").trailers().cloned().unwrap_or_default();
        let status = Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&parts.headers));
        status.expect("a status")
    };
    // A request that is not at its end holds most of it.
    let (send, receive) = mpsc::channel(1);
    let mut slow = Box::pin(post(INFER, sent(receive)));
    send.send(message()[..400].to_vec()).await.expect("it reads");
    assert!((&mut slow).now_or_never().is_none());
    for path in [INFER, STREAM] {
        assert_eq!(ended(path).await.code(), Code::Ok, "{path}: there is room for another");
    }
    let (other, receive) = mpsc::channel(1);
    let mut also = Box::pin(post(INFER, sent(receive)));
    other.send(message()[..300].to_vec()).await.expect("it reads");
    assert!((&mut also).now_or_never().is_none());
    for path in [INFER, STREAM] {
        let refused = ended(path).await;
        assert_eq!(refused.code(), Code::ResourceExhausted, "{path}: {refused:?}");
        assert!(refused.message().contains("the bodies of all requests together are too long"), "{refused:?}");
        assert_eq!(refused.metadata().get("grpc-retry-pushback-ms").expect("a time"), "1000");
    }
    drop(also);
    send.send(message()[400..].to_vec()).await.expect("it reads");
    drop(send);
    assert_eq!(slow.await.expect("an answer").status(), StatusCode::OK);
    for path in [INFER, STREAM] {
        assert_eq!(ended(path).await.code(), Code::Ok, "{path}: all of it is given back");
    }
}

#[tokio::test]
async fn a_stream_gives_back_what_its_answered_messages_held() {
    let limits = Limits { body_bytes: 1000, bodies_bytes: 1000, ..Limits::default() };
    let router = service().limits(limits).into_router().expect("a router");
    let (send, receive) = mpsc::channel(1);
    let asked = http::Request::post(STREAM).header("content-type", "application/grpc").body(sent(receive));
    let mut answers = router.oneshot(asked.expect("a request")).await.expect("an answer").into_body();
    let text = "x".repeat(500);
    for at in 0..20 {
        send.send(framed(&request("encoder", &[1], &[text.as_str()], true).encode_to_vec())).await.expect("it reads");
        let frame = answers.frame().await.expect("an answer").expect("a frame");
        assert!(frame.is_data(), "message {at}: {frame:?}");
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
async fn a_stream_may_rest_between_messages_and_not_within_one() {
    let limits = Limits { body: Duration::from_millis(100), ..Limits::default() };
    let router = service().limits(limits).into_router().expect("a router");
    let (send, receive) = mpsc::channel(1);
    let asked = http::Request::post(STREAM).header("content-type", "application/grpc").body(sent(receive));
    let answers = router.oneshot(asked.expect("a request")).await.expect("an answer").into_body();
    let message = framed(&request("encoder", &[1], &["a"], true).encode_to_vec());
    let sending = tokio::spawn(async move {
        // Each message in two pieces, with less than its time between them; all of them together take longer.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let (first, second) = message.split_at(message.len() / 2);
            send.send(first.to_vec()).await.expect("it reads");
            tokio::time::sleep(Duration::from_millis(10)).await;
            send.send(second.to_vec()).await.expect("it reads");
        }
        // A whole one, and the first byte of the next.
        send.send([&message[..], &message[..1]].concat()).await.expect("it reads");
        send
    });
    let answers = answers.collect().await.expect("a body");
    // The client is still there.
    let _sender = sending.await.expect("no panic");
    let status = Status::from_header_map(answers.trailers().expect("trailers")).expect("a status");
    let expected = (Code::DeadlineExceeded, "the message did not come to its end within 0.1 s");
    assert_eq!((status.code(), status.message()), expected);
    let (bytes, mut answered) = (answers.to_bytes(), 0);
    let mut rest = &bytes[..];
    while let Some((prefix, after)) = rest.split_first_chunk::<5>() {
        let [_, length @ ..] = *prefix;
        rest = &after[u32::from_be_bytes(length) as usize..];
        answered += 1;
    }
    assert_eq!((answered, rest), (4, &[][..]));
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
    let body = framed(&request("encoder", &[1], &["a"], true).encode_to_vec());
    let asked = http::Request::post(INFER).header("content-type", "application/grpc").body(Body::from(body));
    assert_eq!(send(&router, asked.expect("a request")).await.status, StatusCode::OK);
    let metrics = http::Request::get("/metrics").body(Body::empty()).expect("a request");
    let metrics = send(&router, metrics).await;
    assert!(metrics.text().contains(&format!("route=\"{INFER}\"")), "{}", metrics.text());
}

#[tokio::test]
async fn a_code_in_trailers_is_counted_as_that_code() {
    let router = service().limits(Limits { body_bytes: 1000, ..Limits::default() }).into_router().expect("a router");
    let text = "x".repeat(1000);
    for (path, text, code) in [
        (INFER, "a", "OK"),
        (INFER, &*text, "RESOURCE_EXHAUSTED"),
        (STREAM, "a", "OK"),
        (STREAM, &*text, "RESOURCE_EXHAUSTED"),
    ] {
        let body = Body::from(framed(&request("encoder", &[1], &[text], true).encode_to_vec()));
        let asked = http::Request::post(path).header("content-type", "application/grpc").body(body);
        send(&router, asked.expect("a request")).await;
        let metrics = http::Request::get("/metrics").body(Body::empty()).expect("a request");
        let metrics = send(&router, metrics).await;
        let counted = metrics.text().lines().filter(|line| line.starts_with("modeldeploy_requests_total{"));
        // A stream is of no model; its messages are.
        let is_it =
            |line: &&str| line.contains(&format!("route=\"{path}\"")) && (path != STREAM || !line.contains("model="));
        let counted: Vec<&str> = counted.filter(is_it).collect();
        let of_code = counted.iter().filter(|line| line.contains(&format!("\"{code}\"")));
        assert!(
            of_code.clone().count() == 1 && of_code.clone().all(|line| line.ends_with(" 1")),
            "{code}: {counted:?}"
        );
    }
}

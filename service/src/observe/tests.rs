//! The layer around a service that answers at once.

use super::*;
use crate::ModelCard;
use crate::inference::{Answer, Fault, Times};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, StatusCode};
use axum::response::Response;
use futures_util::{FutureExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower::{Layer, Service, service_fn};

const CARD: ModelCard = ModelCard { name: "encoder", version: "1.0.0", digest: "sha256:00", space: "" };

fn observer() -> Observer {
    Observer::new(Metrics::new("shop", "1.2.3", &[CARD]), None)
}

fn answer() -> Result<Answer, Fault> {
    let millis = Duration::from_millis;
    let times = Times { tokenize: millis(1), queue: millis(2), infer: millis(3) };
    Ok(Answer::of(vec![4, 5], times, 2))
}

/// Answers a request, with what `note` notes meanwhile.
fn respond(observer: &Observer, request: Request, response: Response, note: impl Fn()) -> Response {
    let (mut response, note) = (Some(response), &note);
    let mut service = ObserveLayer(observer.clone()).layer(service_fn(move |_| {
        let response = response.take().expect("one request");
        async move {
            note();
            Ok::<_, Infallible>(response)
        }
    }));
    let answer = pin!(service.call(request));
    match answer.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => panic!("it is ready"),
    }
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[test]
fn observing_a_request_allocates_nothing() {
    let (observer, answer) = (observer(), answer());
    let ask = || {
        let (request, response) = (Request::new(Body::empty()), status(StatusCode::OK));
        allocation_counter::measure(|| {
            respond(&observer, request, response, || {
                Record::ask(0, 2);
                Record::answer(&answer);
            });
        })
        .count_total
    };
    // The first makes the place where such requests are counted.
    ask();
    assert_eq!([ask(), ask()], [0, 0]);
}

#[test]
fn what_models_did_is_counted_with_the_request_and_a_failure_by_its_reason() {
    let observer = observer();
    let late = Err(Fault::Late);
    let asked = |answer: &Result<Answer, Fault>| {
        Record::ask(0, 2);
        Record::answer(answer);
    };
    respond(&observer, Request::new(Body::empty()), status(StatusCode::OK), || asked(&answer()));
    // The protocol's own status says less than the fault.
    respond(&observer, Request::new(Body::empty()), status(StatusCode::FAILED_DEPENDENCY), || asked(&late));
    respond(&observer, Request::new(Body::empty()), status(StatusCode::NOT_FOUND), || ());
    let snapshot = observer.metrics().snapshot();
    let reasons: Vec<_> = snapshot.failures.iter().map(|failure| (failure.reason, failure.rate.total)).collect();
    assert_eq!(reasons, [("deadline_exceeded", 1), ("not_found", 1)]);
    let model = &snapshot.models[0];
    assert_eq!((model.requests.total, model.stages.whole.count, model.stages.infer.count), (2, 2, 1));
    let means = [model.stages.tokenize, model.stages.queue, model.stages.infer].map(|stage| stage.mean);
    assert_eq!(means, [1.0, 2.0, 3.0]);
    assert_eq!((snapshot.in_flight, snapshot.requests.total), (0, 3));
}

#[test]
fn what_is_noted_before_there_is_anything_to_poll_is_counted_too() {
    let observer = observer();
    let mut service = ObserveLayer(observer.clone()).layer(service_fn(|_| {
        Record::ask(0, 1);
        std::future::ready(Ok::<_, Infallible>(status(StatusCode::TOO_MANY_REQUESTS)))
    }));
    let answer = pin!(service.call(Request::new(Body::empty())));
    assert!(answer.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(observer.metrics().snapshot().models[0].requests.total, 1);
}

#[test]
fn a_client_that_goes_is_counted_as_cancelled() {
    let observer = observer();
    let mut service = ObserveLayer(observer.clone()).layer(service_fn(async |_| {
        Record::ask(0, 1);
        std::future::pending::<Result<Response, Infallible>>().await
    }));
    let mut answer = Box::pin(service.call(Request::new(Body::empty())));
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(observer.metrics().snapshot().in_flight, 1);
    drop(answer);
    let snapshot = observer.metrics().snapshot();
    assert_eq!((snapshot.in_flight, snapshot.models[0].failures[0].reason), (0, "cancelled"));
}

#[test]
fn a_grpc_answer_is_counted_by_its_own_status() {
    let message = || Frame::data(Bytes::from_static(b"message"));
    let trailers =
        |code: u16| Frame::trailers([(HeaderName::from_static("grpc-status"), code.into())].into_iter().collect());
    let headed = |code: u16| {
        let mut response = status(StatusCode::OK);
        response.headers_mut().insert("grpc-status", code.into());
        response
    };
    let streamed = |frames: Vec<Frame<Bytes>>| {
        Response::new(Body::new(StreamBody::new(stream::iter(frames.into_iter().map(Ok::<_, Infallible>)))))
    };
    for (response, is_read, expected) in [
        (headed(8), true, &[("resource_exhausted", 1)][..]),
        (headed(0), true, &[]),
        (streamed(vec![message(), trailers(0)]), true, &[]),
        (streamed(vec![message(), trailers(13)]), true, &[("internal", 1)]),
        (streamed(vec![message()]), true, &[("unknown", 1)]),
        (streamed(vec![message(), trailers(0)]), false, &[("cancelled", 1)]),
    ] {
        let observer = observer();
        let has_trailers = !response.headers().contains_key("grpc-status");
        let request =
            Request::post("/inference.GRPCInferenceService/ModelInfer").header("content-type", "application/grpc");
        let answer = respond(&observer, request.body(Body::empty()).expect("a request"), response, || ());
        assert_eq!(observer.metrics().snapshot().in_flight, u64::from(has_trailers));
        let mut body = answer.into_body();
        while is_read && body.frame().now_or_never().flatten().is_some() {}
        drop(body);
        let snapshot = observer.metrics().snapshot();
        let reasons: Vec<_> = snapshot.failures.iter().map(|failure| (failure.reason, failure.rate.total)).collect();
        assert_eq!((&reasons[..], snapshot.in_flight, snapshot.requests.total), (expected, 0, 1));
    }
}

#[test]
fn statuses_and_their_keys_are_one_to_one() {
    let all = (100..600).map(Status::Http).chain(Code::all().map(Status::Grpc));
    for status in all {
        assert_eq!(Status::from_key(status.key()), status);
    }
}

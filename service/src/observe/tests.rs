//! The layer around a service that answers at once.

use super::*;
use crate::ModelCard;
use crate::inference::{Answer, Fault, Times};
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
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
fn respond(observer: &Observer, request: Request, response: Response, note: impl Fn()) {
    let (mut response, note) = (Some(response), &note);
    let mut service = ObserveLayer(observer.clone()).layer(service_fn(move |_| {
        let response = response.take().expect("one request");
        async move {
            note();
            Ok::<_, Infallible>(response)
        }
    }));
    let answer = pin!(service.call(request));
    let Poll::Ready(Ok(_)) = answer.poll(&mut Context::from_waker(Waker::noop())) else { panic!("it is ready") };
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
    let observer = observer();
    let request = || {
        let request =
            Request::post("/inference.GRPCInferenceService/ModelInfer").header("content-type", "application/grpc");
        request.body(Body::empty()).expect("a request")
    };
    let mut refused = status(StatusCode::OK);
    refused.headers_mut().insert("grpc-status", 8.into());
    respond(&observer, request(), refused, || ());
    respond(&observer, request(), status(StatusCode::OK), || ());
    let snapshot = observer.metrics().snapshot();
    assert_eq!((snapshot.failures.len(), snapshot.failures[0].reason), (1, "resource_exhausted"));
    assert_eq!(snapshot.requests.total, 2);
}

#[test]
fn statuses_and_their_keys_are_one_to_one() {
    let all = (100..600).map(Status::Http).chain(Code::all().map(Status::Grpc));
    for status in all {
        assert_eq!(Status::from_key(status.key()), status);
    }
}

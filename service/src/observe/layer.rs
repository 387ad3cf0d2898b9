//! The layer around every route: it knows when a request began, which route it matched and how it ended.

use super::record::RECORD;
use super::trailed::Trailed;
use super::{Code, Ended, Observer, Record, Status};
use crate::traces::Span;
use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::Response;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::task::futures::TaskLocalFuture;
use tower::{Layer, Service};

/// How gRPC says its code: in trailers or, where an answer has no message, in its head.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Tells an [`Observer`] of every request.
#[derive(Clone, Debug)]
pub(crate) struct ObserveLayer(pub(crate) Observer);

/// A service under an [`ObserveLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Observe<S> {
    inner: S,
    observer: Observer,
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner, observer: self.0.clone() }
    }
}

impl<S> Service<Request> for Observe<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Answer<S::Future> {
        let seen = Seen::new(&self.observer, &request);
        // What is refused by its head alone is noted before there is anything to poll.
        let (record, inner) = (Cell::new(Record::default()), &mut self.inner);
        let (answer, noted) = RECORD.sync_scope(record, || (inner.call(request), RECORD.with(Cell::get)));
        let answer = RECORD.scope(Cell::new(noted), answer);
        Answer { answer, seen: Some(seen) }
    }
}

/// The code that a head or trailers say.
pub(super) fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get(GRPC_STATUS)?.to_str().ok()?.parse().ok().map(Code::from_number)
}

/// What is known of a request when it comes.
pub(super) struct Seen {
    observer: Observer,
    begun: Instant,
    route: Option<MatchedPath>,
    method: Method,
    is_grpc: bool,
    span: Option<Span>,
}

impl Seen {
    fn new(observer: &Observer, request: &Request) -> Seen {
        observer.metrics().begun();
        let kind = request.headers().get(header::CONTENT_TYPE);
        let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        Seen {
            begun: Instant::now(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            method: request.method().clone(),
            is_grpc,
            span: observer.tracer().and_then(|tracer| tracer.begin(request)),
            observer: observer.clone(),
        }
    }

    pub(super) fn end(self, status: Status, record: Record) {
        let code = record.failure.unwrap_or(status.code());
        let status = match status {
            Status::Grpc(_) => Status::Grpc(code),
            status => status,
        };
        let route = self.route.as_ref().map(MatchedPath::as_str);
        let ended = Ended {
            route,
            method: self.method.as_str(),
            status,
            code,
            record,
            begun: self.begun,
            ended: Instant::now(),
        };
        self.observer.ended(&ended);
        if let Some(span) = self.span {
            span.end(self.observer.metrics(), &ended);
        }
    }

    /// The status that a head says; none if trailers will say it.
    fn status_of(&self, response: &Response) -> Option<Status> {
        let http = response.status().as_u16();
        if !self.is_grpc {
            return Some(Status::Http(http));
        }
        match code_in(response.headers()) {
            None if response.status() == StatusCode::OK && !response.body().is_end_stream() => None,
            code => Some(Status::Grpc(code.unwrap_or(Code::from_http(http)))),
        }
    }
}

pin_project! {
    /// The answer to come; if it is dropped before, its client has gone.
    pub(crate) struct Answer<F> {
        #[pin]
        answer: TaskLocalFuture<Cell<Record>, F>,
        seen: Option<Seen>,
    }

    impl<F> PinnedDrop for Answer<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(seen) = this.seen.take() {
                let mut record = this.answer.take_value().unwrap_or_default().get();
                record.failure = Some(Code::CANCELLED);
                let status = if seen.is_grpc { Status::Grpc(Code::CANCELLED) } else { Status::Http(499) };
                seen.end(status, record);
            }
        }
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Answer<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Ok(mut response) = ready!(this.answer.as_mut().poll(context));
        if let Some(seen) = this.seen.take() {
            let record = this.answer.take_value().unwrap_or_default().get();
            if let Some(span) = &seen.span {
                span.announce(response.headers_mut());
            }
            match seen.status_of(&response) {
                Some(status) => seen.end(status, record),
                None => response = response.map(|body| Trailed::around(body, seen, record)),
            }
        }
        Poll::Ready(Ok(response))
    }
}

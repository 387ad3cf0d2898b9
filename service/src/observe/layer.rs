//! The layer around every route: it knows when a request began, which route it matched and how it ended.

use super::record::RECORD;
use super::{Code, Ended, Observer, Record, Status};
use crate::traces::Span;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, Method, Uri, header};
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

/// How gRPC says its code in the head of an answer that has no message.
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
        let answer = RECORD.scope(Cell::new(Record::default()), self.inner.call(request));
        Answer { answer, seen: Some(seen) }
    }
}

/// What is known of a request when it comes.
struct Seen {
    observer: Observer,
    begun: Instant,
    route: Option<MatchedPath>,
    method: Method,
    /// Of a gRPC method, whose route has a wildcard in its place.
    path: Option<Uri>,
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
            path: is_grpc.then(|| request.uri().clone()),
            span: observer.tracer().and_then(|tracer| tracer.begin(request)),
            observer: observer.clone(),
        }
    }

    fn end(self, status: Status, record: Record) {
        let code = record.failure.unwrap_or(status.code());
        let status = match status {
            Status::Grpc(_) => Status::Grpc(code),
            status => status,
        };
        let route = self.route.as_ref().map(MatchedPath::as_str);
        // A method that is none may have any path, and must not have a series of its own.
        let path = self.path.as_ref().filter(|_| route.is_some() && code != Code::UNIMPLEMENTED).map(Uri::path);
        let ended = Ended {
            route: path.or(route),
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

    fn status_of(&self, response: &Response) -> Status {
        let Some(_grpc) = &self.path else { return Status::Http(response.status().as_u16()) };
        let number = response.headers().get(GRPC_STATUS).and_then(|number| number.to_str().ok()?.parse().ok());
        // Without a code in its head the answer has a message, and the code comes after it.
        Status::Grpc(number.map_or(Code::from_http(response.status().as_u16()), Code::from_number))
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
                let status = if seen.path.is_some() { Status::Grpc(Code::CANCELLED) } else { Status::Http(499) };
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
            let status = seen.status_of(&response);
            if let Some(span) = &seen.span {
                span.announce(response.headers_mut());
            }
            seen.end(status, record);
        }
        Poll::Ready(Ok(response))
    }
}

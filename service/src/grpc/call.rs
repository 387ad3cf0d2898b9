//! A method as a route: `POST /package.Service/Method`.
//!
//! Messages and trailers are tonic's. A message is read before anything waits for it, within the limits that bodies of HTTP have; a
//! stream's messages are read one by one, each within the same length, and all of them within the room for all bodies.

use super::messages::{Messages, Weighed, Weighing};
use super::timeout::timeout as given;
use super::{is_grpc, overloaded};
use crate::aside::{self, LONG_BODY};
use crate::bodies::{self, AGAIN, Bodies, Full, Metered, Share};
use crate::models::Served;
use crate::protocols::Shared;
use crate::reading::{Broken, Reading};
use crate::{Limits, Refusal};
use axum::BoxError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use futures_util::Stream;
use http_body_util::BodyExt;
use prost::Message;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Code, Extensions, Response as Answer, Status};
use tonic_prost::ProstCodec;

/// What a method is given.
#[derive(Debug)]
pub(crate) struct Call<Q> {
    pub(crate) served: Shared,
    /// The message, or the stream of them.
    pub(crate) message: Q,
    /// What is left of the time that the client gives, where it gives any.
    pub(crate) timeout: Option<Duration>,
    /// Its metadata.
    pub(crate) headers: HeaderMap,
}

/// A stream of answers.
pub(crate) type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// What a method answers with: a message, or a message with metadata.
pub(crate) trait Reply {
    type Message: Message + 'static;

    fn into_answer(self) -> Answer<Self::Message>;
}

impl<A: Message + 'static> Reply for A {
    type Message = A;

    fn into_answer(self) -> Answer<A> {
        Answer::new(self)
    }
}

/// What a version of a model answers: the metadata say which version, as headers of REST do.
#[derive(Debug)]
pub(crate) struct OfModel<A> {
    pub(crate) model: Served,
    pub(crate) message: A,
}

impl<A: Message + 'static> Reply for OfModel<A> {
    type Message = A;

    fn into_answer(self) -> Answer<A> {
        let metadata = MetadataMap::from_headers(self.model.header().into_iter().collect());
        Answer::from_parts(metadata, self.message, Extensions::default())
    }
}

/// The answer to come.
type Pending<A> = Pin<Box<dyn Future<Output = Result<Answer<A>, Status>> + Send>>;

/// Bytes before a message: whether it is compressed, and its length.
pub(super) const PREFIX: usize = 5;

/// A method that answers a message by a message.
pub(crate) fn unary<Q, A, E, F, R>(method: F) -> MethodRouter<Shared>
where
    Q: Message + Default + 'static,
    A: Reply + 'static,
    E: Into<Status> + 'static,
    F: Fn(Call<Q>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<A, E>> + Send + 'static,
{
    post(move |State(served): State<Shared>, request: Request| async move {
        let limits = served.inference.limits();
        match whole(limits, &served.bodies, request).await {
            Ok(Read { request, timeout, share: _held }) => {
                let method = Method { method, served, timeout };
                finished(limits, grpc::<A::Message, Q>(limits).unary(method, request).await)
            }
            Err(refused) => refused.into_response(),
        }
    })
}

/// A method that answers a message by a stream.
pub(crate) fn server_streaming<Q, A, F>(method: F) -> MethodRouter<Shared>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    F: Fn(Call<Q>) -> Answers<A> + Clone + Send + Sync + 'static,
{
    post(move |State(served): State<Shared>, request: Request| async move {
        let limits = served.inference.limits();
        match whole(limits, &served.bodies, request).await {
            Ok(Read { request, timeout, share: _held }) => {
                let method = Method { method, served, timeout };
                finished(limits, grpc::<A, Q>(limits).server_streaming(method, request).await)
            }
            Err(refused) => refused.into_response(),
        }
    })
}

/// A method that answers a stream by a stream.
pub(crate) fn streaming<Q, A, F>(method: F) -> MethodRouter<Shared>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    F: Fn(Call<Messages<Q>>) -> Answers<A> + Clone + Send + Sync + 'static,
{
    post(move |State(served): State<Shared>, request: Request| async move {
        let limits = served.inference.limits();
        match head(request.headers()) {
            Ok(timeout) => {
                let share = Arc::new(served.bodies.share());
                let codec = Weighing::new(share.clone());
                let request = request
                    .map(|body| Metered::new(body, share, limits.body).map_err(move |error| of_stream(limits, error)));
                let method = Method { method, served, timeout };
                Grpc::new(codec)
                    .max_decoding_message_size(limits.body_bytes)
                    .max_encoding_message_size(usize::MAX)
                    .streaming(method, request)
                    .await
                    .map(Body::new)
            }
            Err(refused) => refused.into_response(),
        }
    })
}

/// A method, and what it is given beside the message.
struct Method<F> {
    method: F,
    served: Shared,
    timeout: Option<Duration>,
}

impl<F> Method<F> {
    fn given<Q>(&self, request: tonic::Request<Q>) -> Call<Q> {
        let (metadata, _, message) = request.into_parts();
        Call { served: self.served.clone(), message, timeout: self.timeout, headers: metadata.into_headers() }
    }
}

impl<Q, A, E, F, R> UnaryService<Q> for Method<F>
where
    A: Reply + 'static,
    E: Into<Status> + 'static,
    F: Fn(Call<Q>) -> R,
    R: Future<Output = Result<A, E>> + Send + 'static,
{
    type Response = A::Message;
    type Future = Pending<A::Message>;

    fn call(&mut self, request: tonic::Request<Q>) -> Pending<A::Message> {
        let answer = (self.method)(self.given(request));
        Box::pin(async move { answer.await.map(A::into_answer).map_err(E::into) })
    }
}

impl<Q, A, F: Fn(Call<Q>) -> Answers<A>> ServerStreamingService<Q> for Method<F> {
    type Response = A;
    type ResponseStream = Answers<A>;
    type Future = std::future::Ready<Result<Answer<Answers<A>>, Status>>;

    fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
        std::future::ready(Ok(Answer::new((self.method)(self.given(request)))))
    }
}

impl<Q, A, F: Fn(Call<Messages<Q>>) -> Answers<A>> StreamingService<Weighed<Q>> for Method<F> {
    type Response = A;
    type ResponseStream = Answers<A>;
    type Future = std::future::Ready<Result<Answer<Answers<A>>, Status>>;

    fn call(&mut self, request: tonic::Request<Messages<Q>>) -> Self::Future {
        std::future::ready(Ok(Answer::new((self.method)(self.given(request)))))
    }
}

fn grpc<A: Message + 'static, Q: Message + Default + 'static>(limits: Limits) -> Grpc<ProstCodec<A, Q>> {
    Grpc::new(ProstCodec::new()).max_decoding_message_size(limits.body_bytes).max_encoding_message_size(usize::MAX)
}

/// Why a method is not asked.
enum Refused {
    /// The request is none of gRPC.
    NoGrpc,
    Status(Status),
}

impl From<Status> for Refused {
    fn from(status: Status) -> Refused {
        Refused::Status(status)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let message = "the body is not said to be of gRPC; send the header `Content-Type: application/grpc`";
        match self {
            Refused::NoGrpc => Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response(),
            Refused::Status(status) => status.into_http(),
        }
    }
}

/// What the head says: how long the client waits.
fn head(headers: &HeaderMap) -> Result<Option<Duration>, Refused> {
    if is_grpc(headers) { Ok(given(headers)?) } else { Err(Refused::NoGrpc) }
}

/// A request whose body is read.
struct Read {
    request: Request,
    /// What is left of the client's time.
    timeout: Option<Duration>,
    /// What it has of the room for all bodies.
    share: Share,
}

async fn whole(limits: Limits, bodies: &Bodies, request: Request) -> Result<Read, Refused> {
    let time = head(request.headers())?;
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let most = time.map_or(limits.body, |time| time.min(limits.body));
    let mut reading =
        Reading::new(parts.version, body, bodies.share(), (limits.body_bytes.saturating_add(PREFIX), most));
    let body = match (&mut reading).await {
        Ok(body) => body,
        Err(Broken::TooLong) => return Err(too_long(limits).into()),
        Err(Broken::Full) => return Err(full().into()),
        Err(Broken::Other(error)) => {
            return Err(Status::cancelled(format!("the message cannot be read: {error}")).into());
        }
        Err(Broken::Late) => {
            return Err(late(most).into());
        }
    };
    aside::rest(body.len() > LONG_BODY).await;
    let share = reading.into_share();
    let timeout = time.map(|time| time.saturating_sub(begun.elapsed()));
    Ok(Read { request: Request::from_parts(parts, Body::from(body)), timeout, share })
}

/// Why a stream is not read on.
fn of_stream(limits: Limits, error: BoxError) -> BoxError {
    match error {
        error if error.is::<Full>() => full().into(),
        error if error.is::<bodies::Late>() => late(limits.body).into(),
        error => error,
    }
}

fn late(most: Duration) -> Status {
    Status::deadline_exceeded(format!("the message did not come to its end within {} s", most.as_secs_f64()))
}

fn full() -> Status {
    overloaded(Full.to_string(), AGAIN)
}

/// The answer; where tonic refused a message for its length, in our words and with the code that others give it.
fn finished(limits: Limits, response: axum::http::Response<tonic::body::Body>) -> Response {
    let refused = |response: &axum::http::Response<_>| {
        Status::from_header_map(response.headers()).is_some_and(|status| status.code() == Code::OutOfRange)
    };
    if response.headers().contains_key("grpc-status") && refused(&response) {
        return too_long(limits).into_http();
    }
    response.map(Body::new)
}

fn too_long(limits: Limits) -> Status {
    Status::resource_exhausted(format!("the message is longer than {} bytes", limits.body_bytes))
}

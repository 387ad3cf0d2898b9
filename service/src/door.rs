//! The door before every route: a request is let in by its head, its body is read, and its route answers; a panic is that request's alone.
//!
//! A route that is given a long body, or that says that its answer is long, is polled [aside](crate::aside).
//!
//! All of it is one future around the route's own. A route that panics answers 500: without this, its connection would end without an
//! answer, and with it what else is under way on it in HTTP/2.

use crate::Limits;
use crate::aside::{LONG_BODY, aside, heard};
use crate::auth::Gate;
use crate::bodies::{AGAIN, Bodies, Full, Share};
use crate::protocols::{Whole, Wire};
use crate::reading::{Broken, Reading};
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use pin_project_lite::pin_project;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;
use tower::{Layer, Service};

/// How long the rest of a body that is too much is still read, and dropped: who sends it reads the answer only after.
const LINGER: Duration = Duration::from_secs(2);

/// What requests go through before their routes.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) gate: Gate,
    /// The room for bodies; none where routes read their own.
    pub(crate) bodies: Option<Bodies>,
}

/// Puts a [`Door`] before routes.
#[derive(Clone, Debug)]
pub(crate) struct DoorLayer(pub(crate) Arc<Door>);

/// A route behind a door.
#[derive(Clone, Debug)]
pub(crate) struct Behind<S> {
    door: Arc<Door>,
    route: S,
}

impl<S> Layer<S> for DoorLayer {
    type Service = Behind<S>;

    fn layer(&self, route: S) -> Behind<S> {
        Behind { door: self.0.clone(), route }
    }
}

impl<S> Service<Request> for Behind<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Passing<S>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Passing<S> {
        let Door { gate, bodies } = &*self.door;
        let wire = gate.form.of(request.uri().path(), request.headers());
        let state = match (gate.check(&request), bodies) {
            (Err(refused), _) => State::answered(refused.answer(wire)),
            (Ok(caller), bodies) => {
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                match bodies {
                    Some(bodies) if !request.body().is_end_stream() => {
                        let (parts, body) = request.into_parts();
                        let limits = (gate.limits.body_bytes, gate.limits.body);
                        let reading = Reading::new(parts.version, body, bodies.share(), limits);
                        // The route that is ready goes with it.
                        let next = self.route.clone();
                        let route = std::mem::replace(&mut self.route, next);
                        State::Reads { reads: Some(Reads { reading, parts, route, limits: gate.limits }) }
                    }
                    _ => State::running(&mut self.route, request, None, (wire, false)),
                }
            }
        };
        Passing { wire, state }
    }
}

/// A request whose body is being read.
struct Reads<S> {
    reading: Reading,
    parts: Parts,
    route: S,
    limits: Limits,
}

pin_project! {
    /// The answer to come.
    pub(crate) struct Passing<S: Service<Request>> {
        wire: Wire,
        #[pin]
        state: State<S, S::Future>,
    }
}

pin_project! {
    #[project = StateNow]
    enum State<S, F> {
        Reads { reads: Option<Reads<S>> },
        /// The share of the room for bodies is held until there is an answer.
        Runs { #[pin] answer: F, share: Option<Share>, is_long: bool },
        Answered { answer: Option<Response> },
    }
}

impl<S: Service<Request>> State<S, S::Future> {
    fn answered(answer: Response) -> State<S, S::Future> {
        State::Answered { answer: Some(answer) }
    }

    fn running(
        route: &mut S,
        request: Request,
        share: Option<Share>,
        (wire, is_long): (Wire, bool),
    ) -> State<S, S::Future> {
        match catch_unwind(AssertUnwindSafe(|| route.call(request))) {
            Ok(answer) => State::Runs { answer, share, is_long },
            Err(_panic) => State::answered(broken_off(wire)),
        }
    }
}

impl<S> Future for Passing<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Response, Infallible>> {
        let mut this = self.project();
        let wire = *this.wire;
        loop {
            let next = match this.state.as_mut().project() {
                StateNow::Reads { reads } => {
                    let read = ready!(Pin::new(&mut reads.as_mut().expect(ONCE).reading).poll(context));
                    let Reads { reading, parts, mut route, limits } = reads.take().expect(ONCE);
                    match read {
                        Ok(bytes) => {
                            let is_long = bytes.len() > LONG_BODY;
                            let request = Request::from_parts(parts, Body::from(bytes));
                            State::running(&mut route, request, Some(reading.into_share()), (wire, is_long))
                        }
                        Err(broken) => State::answered(unread(broken, reading, &parts, limits).answer(wire)),
                    }
                }
                StateNow::Runs { answer, is_long, .. } => {
                    let poll = AssertUnwindSafe(|| answer.poll(context));
                    match catch_unwind(|| if *is_long { (aside(poll), true) } else { heard(poll) }) {
                        Ok((Poll::Pending, rest_is_long)) => {
                            *is_long = rest_is_long;
                            return Poll::Pending;
                        }
                        Ok((Poll::Ready(Ok(answer)), _)) => State::answered(answer),
                        // It is not asked again. The panic's own words are on stderr, by the hook.
                        Err(_panic) => State::answered(broken_off(wire)),
                    }
                }
                StateNow::Answered { answer } => return Poll::Ready(Ok(answer.take().expect(ONCE))),
            };
            this.state.set(next);
        }
    }
}

/// Why nothing is there that a state takes: a future is not polled after its end.
const ONCE: &str = "it is taken once";

fn broken_off(wire: Wire) -> Response {
    Whole::new(StatusCode::INTERNAL_SERVER_ERROR, "the service broke off over this request").answer(wire)
}

/// Why a body was not read.
fn unread(broken: Broken, reading: Reading, parts: &Parts, limits: Limits) -> Whole {
    let mut rest = reading.into_rest();
    let is_too_much = matches!(broken, Broken::TooLong | Broken::Full);
    // Who asks first has sent nothing yet, and who is slow will not be faster.
    if is_too_much && !parts.headers.contains_key(header::EXPECT) {
        tokio::spawn(timeout(LINGER, async move { while let Some(Ok(_)) = rest.frame().await {} }));
    }
    match broken {
        Broken::TooLong => {
            let message = format!("the body is longer than {} bytes", limits.body_bytes);
            Whole::closing(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        Broken::Full => Whole::full(Full.to_string(), AGAIN),
        Broken::Late => {
            let message = format!("the body did not come to its end within {} s", limits.body.as_secs_f64());
            Whole::closing(StatusCode::REQUEST_TIMEOUT, message)
        }
        Broken::Other(error) => Whole::closing(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}")),
    }
}

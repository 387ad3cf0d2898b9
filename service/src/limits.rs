//! What clients may take of a service at most: connections, time and bytes.

use crate::bodies::{AGAIN, Bodies, Full, Metered, Share};
use crate::protocols::{Whole, Whose};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The longest body of a request unless a service says otherwise; a longer one is answered with 413 before it is read to its end.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// What clients may take of a service at most, so that slow or greedy ones leave room for the others.
///
/// ```
/// use std::time::Duration;
/// let service = modeldeploy_service::Service::new("shop", "1.0.0").limits(modeldeploy_service::Limits {
///     head: Duration::from_secs(75),
///     ..Default::default()
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once. Those over it wait until one ends.
    pub connections: usize,
    /// Connections at once from one address. Those over it are closed at once.
    pub peer_connections: usize,
    /// From the begin of a connection, or from an answer, to the end of the next request's head; then the connection is closed.
    /// An idle one is therefore closed after it, too: behind a proxy that keeps its connections, it is longer than the proxy's. In
    /// HTTP/2 only the begin of a connection is measured so: whether an idle one is still there, [`ping`](Limits::ping) finds out.
    pub head: Duration,
    /// Headers of a request; more are answered with 431.
    pub headers: usize,
    /// Bytes of a request's head; a longer one is answered with 431. It is 8 KiB at least.
    pub head_bytes: usize,
    /// In HTTP/2: requests of a connection at once. Those over it are told to try again.
    pub streams: usize,
    /// In HTTP/2: how long a connection is silent before it is asked whether it is still there, and how long it may take to say so;
    /// then it is closed.
    pub ping: Duration,
    /// From the end of a request's head to the end of its body; then the answer is 408, and the connection is closed.
    pub body: Duration,
    /// Bytes of a request's body; a longer one is answered with 413 and the connection is closed.
    pub body_bytes: usize,
    /// Bytes of the bodies of all requests together, each counted from when it is read until its request is answered; a request that goes
    /// over them is refused, with 429. A body that is longer alone is never answered.
    pub bodies_bytes: usize,
    /// Texts of a request to a model.
    pub texts: usize,
    /// Tokens of a request to a model, all of its texts together.
    pub tokens: usize,
    /// Candidates of a request to a ranker.
    pub candidates: usize,
    /// From a request to a model to its answer, where the client does not say by the header `x-request-timeout-ms` how long it waits.
    /// What cannot be answered by then is refused at once, with 429.
    pub deadline: Duration,
    /// How long a client may take nothing of an answer that waits for it; then its connection is closed.
    pub write: Duration,
    /// A connection's age. It is closed after the answer that is under way then.
    pub age: Duration,
    /// What requests in flight may take to finish once their connection is of that age or the service is told to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 1024,
            peer_connections: 1024,
            head: Duration::from_secs(30),
            headers: 64,
            head_bytes: 64 << 10,
            streams: 128,
            ping: Duration::from_secs(20),
            body: Duration::from_secs(30),
            body_bytes: MAX_BODY_BYTES,
            bodies_bytes: 256 << 20,
            texts: 2048,
            // As OpenAI's embeddings.
            tokens: 300_000,
            // A whole shelf; a mebibyte of JSON has no more of them.
            candidates: 10_000,
            deadline: Duration::from_secs(5),
            write: Duration::from_secs(30),
            age: Duration::from_secs(600),
            grace: Duration::from_secs(10),
        }
    }
}

/// How long the rest of a body that is too much is still read, and dropped: who sends it reads the answer only after.
const LINGER: Duration = Duration::from_secs(2);

/// Within what, of which room, and in which form what is not is refused.
pub(crate) type Within = (Limits, Bodies, Whose);

/// Reads the body before anything waits for it, within the limits.
pub(crate) async fn read_body(State((limits, bodies, form)): State<Within>, request: Request, next: Next) -> Response {
    let (parts, mut body) = request.into_parts();
    let share = Arc::new(bodies.share());
    let refused = match within(limits, &share, &mut body).await {
        // The share is held until there is an answer.
        Ok(bytes) => return next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refused) => refused,
    };
    drop(share);
    let is_too_much = matches!(refused.status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS);
    // Who asks first has sent nothing yet, and who is slow will not be faster.
    if is_too_much && !parts.headers.contains_key(header::EXPECT) {
        tokio::spawn(timeout(LINGER, async move { while let Some(Ok(_)) = body.frame().await {} }));
    }
    refused.answer(form.of(parts.uri.path(), &parts.headers))
}

async fn within(limits: Limits, share: &Arc<Share>, body: &mut Body) -> Result<Bytes, Whole> {
    let too_long = || {
        let message = format!("the body is longer than {} bytes", limits.body_bytes);
        Whole::closing(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    // What its head promises.
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(too_long());
    }
    let body = Metered::new(body, share.clone());
    match timeout(limits.body, Limited::new(body, limits.body_bytes).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(error)) if error.is::<Full>() => Err(Whole::full(Full.to_string(), AGAIN)),
        Ok(Err(error)) => Err(Whole::closing(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}"))),
        Err(_elapsed) => {
            let message = format!("the body did not come to its end within {} s", limits.body.as_secs_f64());
            Err(Whole::closing(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}

//! What clients may take of a service at most: connections, time and bytes.

use std::time::Duration;

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

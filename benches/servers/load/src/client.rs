//! A connection: it sends, waits for the answer, and is made again when it broke.

use crate::work::Work;
use crate::{Dues, Outcome};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;

/// Where requests go.
#[derive(Clone)]
pub struct Target {
    pub authority: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

/// Sends what is due, or one request after the other where nothing says when, until the end.
pub async fn connection(
    (target, grpc): (&Target, bool),
    at: usize,
    work: &Work,
    dues: Option<Dues>,
    end: Instant,
    outcomes: UnboundedSender<Outcome>,
) {
    let mut sender = None;
    // Not all at once.
    tokio::time::sleep(Duration::from_micros(50 * at as u64)).await;
    loop {
        let due = match &dues {
            Some(dues) => match dues.next().await {
                Some(due) => due,
                None => return,
            },
            None if Instant::now() >= end => return,
            None => Instant::now(),
        };
        let Some(one) = work.next() else { return };
        let sent = Instant::now();
        let path = one.path.as_ref().unwrap_or(&target.path);
        // HTTP/2 has the authority in the address.
        let request = match grpc {
            true => Request::post(format!("http://{}{path}", target.authority)).header("te", "trailers"),
            false => Request::post(path).header("host", &target.authority),
        };
        let mut request = request
            .header("content-type", if grpc { "application/grpc" } else { "application/json" });
        let headers = request.headers_mut().expect("a path and headers that are some");
        for (name, value) in target.headers.iter().chain(&one.headers) {
            let name: hyper::header::HeaderName = name.parse().expect("a header's name");
            headers.insert(name, value.parse().expect("a header's value"));
        }
        let request = request.body(Full::new(one.body.clone())).expect("a request");
        let status = answer((target, grpc), &mut sender, request).await;
        let outcome = Outcome { status, expected: one.expect, took: due.elapsed(), answered_in: sent.elapsed() };
        if outcomes.send(outcome).is_err() {
            return;
        }
    }
}

/// The side of a connection that sends.
enum Sender {
    Http(http1::SendRequest<Full<Bytes>>),
    Grpc(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    async fn new(target: &Target, grpc: bool) -> Option<Sender> {
        let stream = TcpStream::connect(&target.authority).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let stream = TokioIo::new(stream);
        if grpc {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.ok()?;
            tokio::task::spawn_local(connection);
            return Some(Sender::Grpc(sender));
        }
        let (sender, connection) = http1::handshake(stream).await.ok()?;
        tokio::task::spawn_local(connection);
        Some(Sender::Http(sender))
    }

    async fn is_ready(&mut self) -> bool {
        match self {
            Sender::Http(sender) => sender.ready().await.is_ok(),
            Sender::Grpc(sender) => sender.ready().await.is_ok(),
        }
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Sender::Http(sender) => sender.send_request(request).await,
            Sender::Grpc(sender) => sender.send_request(request).await,
        }
    }
}

async fn answer((target, grpc): (&Target, bool), kept: &mut Option<Sender>, request: Request<Full<Bytes>>) -> Option<u16> {
    let usable = match kept.take() {
        Some(mut sender) => sender.is_ready().await.then_some(sender),
        None => None,
    };
    let mut sender = match usable {
        Some(sender) => sender,
        None => Sender::new(target, grpc).await?,
    };
    let response = sender.send(request).await.ok()?;
    let (status, head) = (response.status().as_u16(), code(response.headers()));
    let body = response.into_body().collect().await.ok()?;
    *kept = Some(sender);
    match grpc {
        true => head.or_else(|| code(body.trailers()?)).map(of_code),
        false => Some(status),
    }
}

/// gRPC's code, where there is one.
fn code(headers: &HeaderMap) -> Option<u8> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// The status of HTTP that says as much as a code of gRPC.
fn of_code(code: u8) -> u16 {
    match code {
        0 => 200,
        3 => 400,
        4 => 504,
        5 => 404,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

//! A connection: it sends, waits for the answer, and is made again when it broke.

use crate::work::Work;
use crate::{Dues, Outcome};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
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
    target: &Target,
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
        let one = work.next();
        let sent = Instant::now();
        let mut request = Request::post(one.path.as_ref().unwrap_or(&target.path))
            .header("host", &target.authority)
            .header("content-type", "application/json");
        let headers = request.headers_mut().expect("a path and headers that are some");
        for (name, value) in target.headers.iter().chain(&one.headers) {
            let name: hyper::header::HeaderName = name.parse().expect("a header's name");
            headers.insert(name, value.parse().expect("a header's value"));
        }
        let request = request.body(Full::new(Bytes::from(one.body.clone()))).expect("a request");
        let status = answer(target, &mut sender, request).await;
        let outcome = Outcome { status, expected: one.expect, took: due.elapsed(), answered_in: sent.elapsed() };
        if outcomes.send(outcome).is_err() {
            return;
        }
    }
}

async fn answer(target: &Target, kept: &mut Option<SendRequest<Full<Bytes>>>, request: Request<Full<Bytes>>) -> Option<u16> {
    let usable = match kept.take() {
        Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
        None => None,
    };
    let mut sender = match usable {
        Some(sender) => sender,
        None => {
            let stream = TcpStream::connect(&target.authority).await.ok()?;
            stream.set_nodelay(true).ok()?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
            tokio::task::spawn_local(connection);
            sender
        }
    };
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    response.into_body().collect().await.ok()?;
    *kept = Some(sender);
    Some(status)
}

//! Connections: accepted up to a number, each with a clock over it, all of them closed when the service stops.
//!
//! HTTP/1.1 and HTTP/2 share the port: a client of HTTP/2 begins with that protocol's preface.

mod again;
mod clock;
mod peers;
mod preface;

use crate::Limits;
use crate::metrics::Metrics;
use crate::tls::Tls;
use again::Again;
use axum::Router;
use clock::Clock;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use peers::Peers;
use preface::InTime;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

/// What hyper takes of a head at most unless it is told otherwise, in headers and in bytes. A request over it is answered with a bare 431;
/// those between it and the service's own limits get their protocol's form.
const HEADERS: usize = 100;
const HEAD_BYTES: usize = 8192 + 4096 * 100;

/// So many headers over the service's limit are read, to be refused in a form that a client reads.
const MORE: usize = 32;

/// Serves `router` on `listener` until `stop` ends, then takes no more connections and waits for the answers under way, within
/// [`Limits::grace`].
pub(crate) async fn serve(
    listener: TcpListener,
    (router, metrics): (Router, Metrics),
    (limits, tls): (Limits, Option<Arc<Tls>>),
    stop: impl Future<Output = ()>,
) {
    let (slots, peers) = (Arc::new(Semaphore::new(limits.connections)), Peers::new(limits.peer_connections));
    let stopping = watch::Sender::new(false);
    let mut stop = pin!(stop);
    loop {
        let (stream, peer, slot) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        // Who has as many as it may is closed at once.
        let Some(guest) = peers.enter(peer) else { continue };
        let (router, stopping, tls, counted) =
            (router.clone(), stopping.subscribe(), tls.clone(), metrics.connection());
        tokio::spawn(async move {
            open(stream, tls, router, limits, stopping).await;
            drop((guest, slot, counted));
        });
    }
    drop(listener);
    stopping.send_replace(true);
    // Those that take longer end with the process.
    let _late = timeout(limits.grace, stopping.closed()).await;
}

/// The next connection, once there is a slot for it.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, IpAddr, OwnedSemaphorePermit) {
    let slot = slots.clone().acquire_owned().await.expect("the slots are never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip(), slot),
            Err(error) if is_of_the_connection(&error) => {}
            // The process has too many open files, say: some of them will be closed.
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers a connection, after its handshake where there is TLS.
async fn open(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    // An answer in HTTP/2 is several writes, and must not wait for the client to acknowledge the first.
    let _as_it_is = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write));
    let stream = Box::pin(stream);
    let Some(tls) = tls else { return attend(stream, router, limits, stopping).await };
    let handshake = timeout(limits.head, TlsAcceptor::from(tls.current()).accept(stream));
    let stream = tokio::select! {
        // Who talks no TLS, or has no certificate that is asked for, is told so by its alert.
        shaken = handshake => shaken.ok().and_then(Result::ok),
        _told = stopping.wait_for(|stopping| *stopping) => None,
    };
    if let Some(stream) = stream {
        attend(stream, router, limits, stopping).await;
    }
}

/// Answers the requests of a connection until its end, its age or the service's end.
async fn attend<S>(stream: S, router: Router, limits: Limits, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let http = http(limits);
    let stream = TokioIo::new(InTime::new(stream, limits.head));
    let connection = http.serve_connection_with_upgrades(stream, TowerToHyperService::new(router));
    let (mut connection, again) = (pin!(connection), Again::new());
    tokio::select! {
        biased;
        // A client that breaks off or talks no HTTP is no news to anybody.
        _ended = poll_fn(|context| again.poll(connection.as_mut(), context)) => return,
        _told = stopping.wait_for(|stopping| *stopping) => {}
        () = sleep(limits.age) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _late = timeout(limits.grace, connection).await;
}

/// Both protocols for a connection, within the limits of each.
fn http(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(Clock::default())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_BYTES.max(limits.head_bytes + limits.head_bytes / 2));
    if limits.headers > HEADERS - MORE {
        http.http1().max_headers(limits.headers + MORE);
    }
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping)
        .max_concurrent_streams(u32::try_from(limits.streams).unwrap_or(u32::MAX))
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
    http
}

#[cfg(test)]
mod tests;

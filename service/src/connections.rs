//! Connections: accepted up to a number, each with a clock over it, all of them closed when the service stops.
//!
//! HTTP/1.1 and HTTP/2 share the port: a client of HTTP/2 begins with that protocol's preface.

mod preface;

use crate::Limits;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use preface::InTime;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Serves `router` on `listener` until `stop` ends, then takes no more connections and waits for the answers under way, within
/// [`Limits::grace`].
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let stopping = watch::Sender::new(false);
    let mut stop = pin!(stop);
    loop {
        let (stream, slot) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (router, stopping) = (router.clone(), stopping.subscribe());
        tokio::spawn(async move {
            attend(stream, router, limits, stopping).await;
            drop(slot);
        });
    }
    drop(listener);
    stopping.send_replace(true);
    // Those that take longer end with the process.
    let _late = timeout(limits.grace, stopping.closed()).await;
}

/// The next connection, once there is a slot for it.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = slots.clone().acquire_owned().await.expect("the slots are never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
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

/// Answers the requests of a connection until its end, its age or the service's end.
async fn attend(stream: TcpStream, router: Router, limits: Limits, mut stopping: watch::Receiver<bool>) {
    // An answer in HTTP/2 is several writes, and must not wait for the client to acknowledge the first.
    let _as_it_is = stream.set_nodelay(true);
    let http = http(limits);
    let stream = TokioIo::new(InTime::new(stream, limits.head));
    let connection = http.serve_connection_with_upgrades(stream, TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        // A client that breaks off or talks no HTTP is no news to anybody.
        _ended = connection.as_mut() => return,
        _told = stopping.wait_for(|stopping| *stopping) => {}
        () = sleep(limits.age) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _late = timeout(limits.grace, connection).await;
}

/// Both protocols, within the limits of each.
fn http(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
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

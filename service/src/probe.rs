//! `--probe`: asks the service that runs here with this configuration whether it takes requests, for those who start services without
//! a client beside them, such as Docker in an image from scratch.

use crate::config::Config;
use crate::{Error, tls};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::HOST;
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long the answer may take. Docker waits for 30 s, Kubernetes for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const LONGEST: usize = 4096;

/// Asks, and gives the address that answered.
///
/// # Errors
///
/// If a file of the configuration cannot be used; if nobody answers there, or not by the configured certificate, or who does takes no
/// requests.
pub(crate) fn probe(config: &Config) -> Result<SocketAddr, Error> {
    let address = reached(config.listen).map_err(Error::Options)?;
    let pinned = tls::pinned(&config.tls).map_err(Error::File)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::System)?;
    let asked = runtime.block_on(async { timeout(PATIENCE, ask(address, pinned)).await });
    match asked {
        Ok(Ok(())) => Ok(address),
        Ok(Err(why)) => Err(Error::Probe { address, why }),
        Err(_late) => Err(Error::Probe { address, why: format!("no answer within {} s", PATIENCE.as_secs()) }),
    }
}

/// Where a service that listens on `address` is reached from its own machine.
fn reached(address: SocketAddr) -> Result<SocketAddr, String> {
    if address.port() == 0 {
        return Err("--probe needs the port that the service listens on, and --listen leaves it open".to_owned());
    }
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Ok(SocketAddr::new(ip, address.port()))
}

async fn ask(address: SocketAddr, pinned: Option<Arc<ClientConfig>>) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let Some(pinned) = pinned else { return get(stream, address).await };
    let name = ServerName::IpAddress(address.ip().into());
    let stream = TlsConnector::from(pinned).connect(name, stream).await.map_err(|error| error.to_string())?;
    get(stream, address).await
}

async fn get(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, address: SocketAddr) -> Result<(), String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let driven = tokio::spawn(connection);
    let request = Request::get("/readyz").header(HOST, address.to_string()).body(Body::empty());
    let answer =
        sender.send_request(request.expect("a path and an address")).await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|error| error.to_string())?;
    driven.abort();
    if status.is_success() {
        return Ok(());
    }
    Err(format!("{status}: {}", String::from_utf8_lossy(&body.to_bytes()).trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_asked_where_its_own_machine_reaches_it() {
        for (listens, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("10.0.0.7:1", "10.0.0.7:1"),
            ("127.0.0.1:80", "127.0.0.1:80"),
        ] {
            assert_eq!(
                reached(listens.parse().expect("an address")),
                Ok(asked.parse().expect("an address")),
                "{listens}"
            );
        }
        assert!(reached("127.0.0.1:0".parse().expect("an address")).is_err());
    }
}

//! HTTP as this crate speaks it: bounded in time and size, redirects by rule, no credentials but to whom they belong.
//!
//! Redirects are followed by hand. What decides something (lists, manifests, tokens, uploads) may be redirected within its host
//! alone. The bytes of a file, which their digest proves, may come from elsewhere, as registries keep them in object stores: then by
//! HTTPS, or on this machine where the registry is too, and without credentials.

mod address;
mod body;

pub(crate) use address::Address;
pub(crate) use body::Steady;

use crate::error::{Error, Kind};
use crate::options::Options;
use std::time::Duration;
use ureq::http::{HeaderMap, Request, Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Body};

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// What an answer may be redirected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The same host.
    Host,
    /// Any host: a digest proves what comes.
    Anywhere,
}

/// A client.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    /// For what comes whole: all of it within one time.
    documents: Agent,
    /// For files: as long as they come steadily.
    files: Agent,
    pub(crate) options: Options,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'static str,
    pub(crate) address: Address,
    pub(crate) headers: Vec<(&'a str, String)>,
    /// The value of `Authorization`, for this host alone.
    pub(crate) authorization: Option<String>,
}

impl Ask<'_> {
    pub(crate) fn get(address: Address) -> Ask<'static> {
        Ask { method: "GET", address, headers: vec![], authorization: None }
    }
}

/// What was answered, by which address.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) address: Address,
}

impl Web {
    pub(crate) fn new(options: Options) -> Web {
        let config = || {
            Agent::config_builder()
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .accept_encoding("identity")
                .user_agent(concat!("cargo-modeldeploy/", env!("CARGO_PKG_VERSION")))
                .max_response_header_size(64 << 10)
                .timeout_connect(Some(options.connect))
                .timeout_resolve(Some(options.connect))
                .timeout_recv_response(Some(options.answer))
                .timeout_per_read(Some(options.pause.max(Duration::from_millis(1))))
                .timeout_per_write(Some(options.pause.max(Duration::from_millis(1))))
                .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        };
        Web {
            documents: config().timeout_global(Some(options.answer)).build().new_agent(),
            files: config().build().new_agent(),
            options,
        }
    }

    /// A path of a registry's host.
    pub(crate) fn of_registry(&self, host: &str, path: &str) -> Address {
        Address::of_registry(host, path, self.options.plain_http)
    }

    /// Asks, and follows redirects as far as `reach` lets it.
    pub(crate) fn ask(&self, ask: &Ask<'_>, reach: Reach) -> Result<Answer, Error> {
        let agent = if reach == Reach::Anywhere { &self.files } else { &self.documents };
        let mut address = ask.address.clone();
        for _ in 0..=REDIRECTS {
            let authorization = ask.authorization.as_ref().filter(|_| address.is_same_host(&ask.address));
            let answer = send(agent, ask, &address, authorization, ())?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = location
                .and_then(|location| address.join(location))
                .ok_or_else(|| lie("the registry redirects to no address that can be read", &address))?;
            check(&ask.address, &next, reach)?;
            address = next;
        }
        Err(lie("the registry redirects in circles", &ask.address))
    }

    /// Sends a body. Nothing is followed.
    pub(crate) fn send(&self, ask: &Ask<'_>, body: impl AsSendBody) -> Result<Answer, Error> {
        send(&self.files, ask, &ask.address, ask.authorization.as_ref(), body)
    }

    /// A document, whole.
    pub(crate) fn document(&self, answer: &mut Answer) -> Result<Vec<u8>, Error> {
        body::whole(answer, self.options.document)
    }
}

fn send(
    agent: &Agent,
    ask: &Ask<'_>,
    address: &Address,
    authorization: Option<&String>,
    body: impl AsSendBody,
) -> Result<Answer, Error> {
    let mut request = Request::builder().method(ask.method).uri(address.to_string());
    for (name, value) in &ask.headers {
        request = request.header(*name, value);
    }
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = request
        .body(body)
        .map_err(|error| Error::new(Kind::Reference, format!("no request can be made: {error}")).at(address))?;
    let response: Response<Body> = agent.run(request).map_err(|error| failed(&error, address))?;
    let (parts, body) = response.into_parts();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, address: address.clone() })
}

/// Whether a redirect may be followed.
fn check(from: &Address, to: &Address, reach: Reach) -> Result<(), Error> {
    if to.is_same_host(from) {
        return Ok(());
    }
    let help = "name the registry by the address that it redirects to, if that is the right one";
    if reach == Reach::Host {
        return Err(lie(&format!("the registry redirects to another host: {}", to.host()), from).help(help));
    }
    let is_safe = to.is_https() || (to.is_loopback() && from.is_loopback());
    if is_safe {
        Ok(())
    } else {
        Err(lie(&format!("the registry redirects to {to}, which is not HTTPS"), from).help(help))
    }
}

pub(crate) fn lie(what: &str, address: &Address) -> Error {
    Error::new(Kind::Lie, what).at(address)
}

/// What of ureq's a user should know.
fn failed(error: &ureq::Error, address: &Address) -> Error {
    let unreachable = |what: String, help: &str| Error::new(Kind::Unreachable, what).at(address).help(help);
    match error {
        ureq::Error::Timeout(which) => {
            unreachable(format!("the registry does not answer in time ({which})"), "try again, or ask who runs it")
        }
        ureq::Error::HostNotFound => {
            unreachable(format!("there is no host `{}`", address.host()), "check the name and the network")
        }
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) | ureq::Error::Protocol(_) => {
            lie(&format!("the registry does not speak HTTP as it must: {error}"), address)
        }
        other => unreachable(format!("the registry cannot be reached: {other}"), "check the address and the network"),
    }
}

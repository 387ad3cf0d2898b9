//! Getting in: what a registry asks for in `WWW-Authenticate`, and what it is given.
//!
//! A registry may send whoever has credentials to another host for a token, as Docker Hub does. That host is spoken to by HTTPS
//! alone, or on this machine where the registry is too.

use crate::credentials::Credentials;
use crate::error::{Error, Kind};
use crate::web::{Address, Answer, Ask, Reach, Web, lie};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::cell::RefCell;
use ureq::AsSendBody;
use ureq::http::header;

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Name and password.
    Basic,
    /// A token from another place.
    Bearer {
        /// That place.
        realm: String,
        /// Whom it is for.
        service: Option<String>,
        /// What it is to allow.
        scope: Option<String>,
    },
}

/// Reads a `WWW-Authenticate`.
pub fn challenge(value: &str) -> Option<Challenge> {
    let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (None, None, None);
    let mut rest = rest.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        match key.trim() {
            "realm" => realm = Some(value.to_owned()),
            "service" => service = Some(value.to_owned()),
            "scope" => scope = Some(value.to_owned()),
            _ => {}
        }
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Some(Challenge::Bearer { realm: realm?, service, scope })
}

/// A host, and what lets into it.
#[derive(Debug)]
pub(crate) struct Session {
    web: Web,
    host: Address,
    scope: String,
    credentials: Option<Credentials>,
    /// The value of `Authorization` that was last let in.
    authorization: RefCell<Option<String>>,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

impl Session {
    pub(crate) fn new(web: Web, host: &str, scope: String, credentials: Option<Credentials>) -> Session {
        let host = web.of_registry(host, "/");
        Session { web, host, scope, credentials, authorization: RefCell::new(None) }
    }

    pub(crate) fn web(&self) -> &Web {
        &self.web
    }

    /// Asks; where the registry wants to know who does, once more with that.
    pub(crate) fn ask(&self, mut ask: Ask<'_>, reach: Reach) -> Result<Answer, Error> {
        ask.authorization = self.authorization.borrow().clone();
        let answer = self.web.ask(&ask, reach)?;
        if answer.status != 401 || !answer.address.is_same_host(&self.host) {
            return Ok(answer);
        }
        ask.authorization = Some(self.answer(&answer, false)?);
        self.web.ask(&ask, reach)
    }

    /// Sends a body, likewise.
    pub(crate) fn send<B: AsSendBody>(
        &self,
        mut ask: Ask<'_>,
        body: impl Fn() -> Result<B, Error>,
    ) -> Result<Answer, Error> {
        ask.authorization = self.authorization.borrow().clone();
        let answer = self.web.send(&ask, body()?)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        ask.authorization = Some(self.answer(&answer, true)?);
        self.web.send(&ask, body()?)
    }

    /// What a refusal is answered with.
    fn answer(&self, refusal: &Answer, push: bool) -> Result<String, Error> {
        let asked = refusal.headers.get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let authorization = match asked.and_then(challenge) {
            Some(Challenge::Basic) => self.basic().ok_or_else(|| super::refused(401, &refusal.address))?,
            Some(Challenge::Bearer { realm, service, scope }) => {
                let own = if push { self.scope.replace(":pull", ":pull,push") } else { self.scope.clone() };
                let scope = scope.unwrap_or(own);
                self.token(&realm, service.as_deref(), &scope)?
            }
            None => return Err(super::refused(401, &refusal.address)),
        };
        *self.authorization.borrow_mut() = Some(authorization.clone());
        Ok(authorization)
    }

    fn basic(&self) -> Option<String> {
        match self.credentials.as_ref()? {
            Credentials::Password { user, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Credentials::Token(token) => Some(format!("Bearer {token}")),
        }
    }

    fn token(&self, realm: &str, service: Option<&str>, scope: &str) -> Result<String, Error> {
        let realm = Address::parse(realm)
            .filter(|realm| {
                realm.is_https() || (realm.is_loopback() && self.host.is_loopback()) || self.web.options.plain_http
            })
            .ok_or_else(|| {
                lie(&format!("the registry wants credentials sent to `{realm}`, which is not HTTPS"), &self.host)
            })?;
        let mut address = realm.clone();
        if let Some(service) = service {
            address = address.with_query("service", service);
        }
        if !scope.is_empty() {
            address = address.with_query("scope", scope);
        }
        let ask = Ask { authorization: self.basic(), ..Ask::get(address) };
        let mut answer = self.web.ask(&ask, Reach::Host)?;
        if answer.status != 200 {
            return Err(super::refused(answer.status, &self.host));
        }
        let bytes = self.web.document(&mut answer)?;
        let token: Token = serde_json::from_slice(&bytes)
            .map_err(|error| lie(&format!("what should be a token cannot be read: {error}"), &realm))?;
        let is_plain = token.token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain {
            return Err(Error::new(Kind::Lie, "what should be a token is none").at(&realm));
        }
        Ok(format!("Bearer {}", token.token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            Some(Challenge::Bearer { realm: realm.into(), service: owned(service), scope: owned(scope) })
        };
        for (value, read) in [
            ("Basic realm=\"a\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",scope=\"repository:a:pull,push\"",
                bearer("https://auth.docker.io/token", Some("registry.docker.io"), Some("repository:a:pull,push")),
            ),
            ("bearer realm=\"https://a\", other=b, service=c", bearer("https://a", Some("c"), None)),
            ("Bearer service=\"a\"", None),
            ("Bearer realm=\"a", None),
            ("Bearer realm", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(challenge(value), read, "{value}");
        }
    }
}

//! Before anything is read of a request: is it one that may be asked, by its head alone?

use super::{Auth, Tokens};
use crate::protocols::{self, Shared, Whole, Whose};
use crate::watched::Watched;
use crate::{Limits, page};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use std::sync::Arc;
use std::time::Instant;

/// What says no more than that the process lives or is ready: those who ask have no token.
const HEALTH: [&str; 9] = [
    "/healthz",
    "/livez",
    "/readyz",
    "/health",
    "/ping",
    "/v2/health/live",
    "/v2/health/ready",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

/// What metrics are at.
const METRICS: [&str; 2] = ["/metrics", "/monitoring/prometheus/metrics"];

/// By whose token a request came: a route can take it as an `Extension<Caller>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Arc<str>);

/// What a request goes through.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) auth: Auth,
    pub(crate) limits: Limits,
    /// In which form it refuses.
    pub(crate) form: Whose,
    /// The begin of the clock of rates.
    pub(crate) begun: Instant,
    /// Whose models its requests may ask: what would be late is refused; none where each route sees to that.
    pub(crate) models: Option<Shared>,
}

impl Auth {
    /// The tokens of which a request with this path must have one; none if it may come without.
    pub(crate) fn at(&self, path: &str, form: Whose) -> Option<&Watched<Tokens>> {
        let Auth::Tokens { tokens, open_metrics } = self else { return None };
        // Pages tell nothing by themselves; a route of the service's own at such a path may.
        let is_page = form == Whose::OfPath && page::is_part(path);
        let is_open = HEALTH.contains(&path) || is_page || (*open_metrics && METRICS.contains(&path));
        (!is_open).then_some(tokens)
    }
}

impl Gate {
    /// Lets a request through, and says by whose token it came where tokens are asked for.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(crate) fn check(&self, request: &Request) -> Result<Option<Caller>, Whole> {
        let caller = self.who(request)?;
        let overload = self.models.as_ref().and_then(|models| protocols::overload(models, request));
        overload.map_or(Ok(caller), Err)
    }

    /// Whose request it is, if it may be asked.
    fn who(&self, request: &Request) -> Result<Option<Caller>, Whole> {
        let headers = request.headers();
        if headers.len() > self.limits.headers {
            let message = format!("there are {} headers, and at most {} are taken", headers.len(), self.limits.headers);
            return Err(Whole::closing(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message));
        }
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        // With what stands between a name and its value and after that, as it came.
        let bytes = headers.iter().fold(target, |sum, (name, value)| sum + name.as_str().len() + value.len() + 4);
        if bytes > self.limits.head_bytes {
            let message = format!("the head is longer than {} bytes", self.limits.head_bytes);
            return Err(Whole::closing(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message));
        }
        let Some(tokens) = self.auth.at(request.uri().path(), self.form) else { return Ok(None) };
        let tokens = tokens.current();
        let token = bearer(headers).ok_or_else(|| {
            Whole::unauthorized("the request has no token; send the header `Authorization: Bearer TOKEN`")
        })?;
        let token = tokens.find(token).ok_or_else(|| Whole::unauthorized("the token is none of the service's"))?;
        if let Some(rate) = &token.rate {
            rate.take(self.begun.elapsed()).map_err(|wait| {
                Whole::too_often(format!("`{}` asks more often than its token may", token.name), wait)
            })?;
        }
        Ok(Some(Caller(token.name.clone())))
    }
}

/// The token of a request (RFC 6750); none if there is none, or several.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (all.next()?.as_bytes(), all.next()) else { return None };
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_is_read_as_it_is_specified() {
        for (values, token) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["BEARER a b"], Some("a b")),
            (&[], None),
            (&["Basic YTpi"], None),
            (&["Bearer"], None),
            (&["Bearerabc"], None),
            (&["Bearer abc", "Bearer abc"], None),
        ] {
            let headers = values.iter().map(|value| (header::AUTHORIZATION, value.parse().expect("a value"))).collect();
            assert_eq!(bearer(&headers), token.map(str::as_bytes), "{values:?}");
        }
    }
}

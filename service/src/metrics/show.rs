//! Where metrics are read: `GET /metrics`, and TensorFlow Serving's path for them; as text, or as a snapshot in JSON.

use super::exposition::{Exposition, Format};
use super::{Metrics, compat, own};
use crate::Refusal;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

/// The routes.
pub(crate) fn router(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(show)).route("/monitoring/prometheus/metrics", get(show)).with_state(metrics)
}

/// Whose names `?compat=` takes.
pub(crate) fn compat_names() -> [&'static str; compat::ALL.len()] {
    compat::ALL.map(|(name, _)| name)
}

async fn show(
    State(metrics): State<Metrics>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (format, write) = match (compat_of(query.as_deref().unwrap_or_default())?, wanted(&headers)) {
        (Some(write), _) => (Format::Prometheus, write),
        (None, Form::Text(format)) => (format, own::write as compat::Write),
        (None, Form::Json) => return Ok(Json(metrics.snapshot()).into_response()),
    };
    let mut exposition = Exposition::new(format);
    write(&metrics.0, &mut exposition);
    Ok(([(header::CONTENT_TYPE, format.content_type())], exposition.finish()).into_response())
}

/// Whose names the query asks for; none for the service's own.
fn compat_of(query: &str) -> Result<Option<compat::Write>, Refusal> {
    let names = || compat::ALL.map(|(name, _)| format!("`{name}`")).join(", ");
    let mut asked = None;
    for (key, value) in
        query.split('&').filter(|part| !part.is_empty()).map(|part| part.split_once('=').unwrap_or((part, "")))
    {
        if key != "compat" {
            let message = format!("there is no parameter `{key}`: `compat` takes one of {}", names());
            return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
        }
        let Some((_, write)) = compat::ALL.into_iter().find(|(name, _)| *name == value) else {
            let message = format!("`compat` is `{value}`, and takes one of {}", names());
            return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
        };
        asked = Some(write);
    }
    Ok(asked)
}

/// What metrics may be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text(Format),
    Json,
}

/// The form that a client would rather have: of equal weights the first, and without any Prometheus' own text.
fn wanted(headers: &HeaderMap) -> Form {
    let (mut best, mut form) = (0.0, Form::Text(Format::Prometheus));
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let found = match parts.next().unwrap_or_default() {
                "application/openmetrics-text" => Form::Text(Format::OpenMetrics),
                "text/plain" | "text/*" | "*/*" => Form::Text(Format::Prometheus),
                "application/json" => Form::Json,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > best {
                (best, form) = (quality, found);
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const TEXT: Form = Form::Text(Format::Prometheus);
    const OPEN: Form = Form::Text(Format::OpenMetrics);

    #[test]
    fn the_form_is_the_one_that_a_client_would_rather_have() {
        for (accept, expected) in [
            (None, TEXT),
            (Some("*/*"), TEXT),
            (Some("text/html, */*;q=0.1"), TEXT),
            (Some("application/openmetrics-text"), OPEN),
            // What Prometheus 2 and 3 send.
            (Some("application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"), OPEN),
            (Some("application/openmetrics-text;q=0.2,text/plain;q=0.8"), TEXT),
            (Some("application/openmetrics-text;q=x"), TEXT),
            (Some("application/json"), Form::Json),
            (Some("application/xml"), TEXT),
        ] {
            let headers = accept.map(|accept| (header::ACCEPT, HeaderValue::from_static(accept)));
            assert_eq!(wanted(&headers.into_iter().collect()), expected, "{accept:?}");
        }
    }
}

//! Pages and their parts, compiled in: no outside resource, and no script but the service's own.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// What a page may load: what this service sends, and nothing in line.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What all pages share: colours, type, the plainest elements.
pub(crate) const BASE: &str = include_str!("../page/base.css");

/// How all pages ask the service, with a token where it wants one.
pub(crate) const TOKEN: &str = include_str!("../page/token.js");

/// The sign of the service in a browser's tabs.
pub(crate) const ICON: &str = include_str!("../page/icon.svg");

/// A part of a page at a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

impl Part {
    pub(crate) const fn html(path: &'static str, text: &'static str) -> Part {
        Part { path, kind: "text/html; charset=utf-8", text }
    }

    pub(crate) const fn css(path: &'static str, text: &'static str) -> Part {
        Part { path, kind: "text/css; charset=utf-8", text }
    }

    pub(crate) const fn svg(path: &'static str, text: &'static str) -> Part {
        Part { path, kind: "image/svg+xml", text }
    }

    pub(crate) const fn js(path: &'static str, text: &'static str) -> Part {
        Part { path, kind: "text/javascript; charset=utf-8", text }
    }
}

/// Whether a path is that of a page or of a part of one, which say nothing of the service: what they show, they ask for.
pub(crate) fn is_part(path: &str) -> bool {
    crate::ui::PARTS.iter().chain(&crate::openapi::PARTS).any(|part| part.path == path)
}

/// The routes of a page's parts.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(parts: &[Part]) -> Router<S> {
    parts.iter().fold(Router::new(), |router, &Part { path, kind, text }| {
        let answer = async move || {
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
                (header::CACHE_CONTROL, "no-cache"),
            ];
            (headers, text).into_response()
        };
        router.route(path, get(answer))
    })
}

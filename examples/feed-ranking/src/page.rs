//! The page and its parts, compiled in.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// What the page may load: only what this service sends.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

pub(crate) fn router() -> Router {
    let part = |kind: &'static str, text: &'static str| {
        get(async move || {
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CACHE_CONTROL, "no-cache"),
            ];
            (headers, text).into_response()
        })
    };
    let script = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", part("text/html; charset=utf-8", include_str!("../page/index.html")))
        .route("/style.css", part("text/css; charset=utf-8", include_str!("../page/style.css")))
        .route("/app.js", part(script, include_str!("../page/app.js")))
        .route("/feed.js", part(script, include_str!("../page/feed.js")))
        .route("/drawings.js", part(script, include_str!("../page/drawings.js")))
}

//! `GET /openapi.json`, `/api-doc/openapi.json` where Text Embeddings Inference has it, and the page `/docs`.

use super::{About, document, own};
use crate::Refusal;
use crate::page::{self, BASE, ICON, Part, TOKEN};
use crate::protocols::{self, Shared};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The document, made when it is first asked for: its examples are run, and a service must be ready before that.
type Made = Arc<OnceCell<Bytes>>;

pub(crate) fn router() -> Router<Shared> {
    let made = Made::default();
    let show = get(async move |State(served): State<Shared>| {
        let body = made.get_or_try_init(|| make(served)).await?.clone();
        Ok::<_, Refusal>(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    });
    Router::new().route("/openapi.json", show.clone()).route("/api-doc/openapi.json", show).merge(page::router(&PARTS))
}

pub(crate) const PARTS: [Part; 9] = [
    Part::html("/docs", include_str!("../../page/docs/index.html")),
    Part::svg("/docs/icon.svg", ICON),
    Part::css("/docs/base.css", BASE),
    Part::css("/docs/style.css", include_str!("../../page/docs/style.css")),
    Part::js("/docs/docs.js", include_str!("../../page/docs/docs.js")),
    Part::js("/docs/make.js", include_str!("../../page/docs/make.js")),
    Part::js("/docs/schema.js", include_str!("../../page/docs/schema.js")),
    Part::js("/docs/token.js", TOKEN),
    Part::js("/docs/try.js", include_str!("../../page/docs/try.js")),
];

async fn make(served: Shared) -> Result<Bytes, Refusal> {
    let make = move || {
        let about =
            About::new(served.service, served.inference.limits(), served.auth.clone(), served.inference.models())?;
        let sections = std::iter::once(own::section(&about)).chain(protocols::sections(&about)).collect();
        let document = document(&about, sections, served.document.as_ref());
        Ok(Bytes::from(document.to_string()))
    };
    match tokio::task::spawn_blocking(make).await {
        Ok(made) => made.map_err(|error: modeldeploy::Error| Refusal::internal(error.to_string())),
        Err(_panic) => Err(Refusal::internal("the document cannot be made")),
    }
}

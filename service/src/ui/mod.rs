//! The dashboard at `/ui`: what the service does now, the models inside with what their gates measured, and a box to try them.
//!
//! Its files lie in `service/page/`; it asks three routes, which are its own and no protocol's:
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /ui/state` | a snapshot of the metrics |
//! | `GET /ui/models` | the models with their facts |
//! | `POST /ui/try` | tokens and rows of texts; its times stand in `Server-Timing` |

mod ask;
mod models;

use crate::page::{self, BASE, ICON, Part, TOKEN};
use crate::protocols::Shared;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/ui/state", get(async |State(served): State<Shared>| Json(served.metrics.snapshot())))
        .route("/ui/models", get(models::models))
        .route("/ui/try", post(ask::ask))
        .merge(page::router(&PARTS))
}

pub(crate) const PARTS: [Part; 11] = [
    Part::html("/ui", include_str!("../../page/ui/index.html")),
    Part::svg("/ui/icon.svg", ICON),
    Part::css("/ui/base.css", BASE),
    Part::css("/ui/style.css", include_str!("../../page/ui/style.css")),
    Part::js("/ui/main.js", include_str!("../../page/ui/main.js")),
    Part::js("/ui/live.js", include_str!("../../page/ui/live.js")),
    Part::js("/ui/models.js", include_str!("../../page/ui/models.js")),
    Part::js("/ui/try.js", include_str!("../../page/ui/try.js")),
    Part::js("/ui/chart.js", include_str!("../../page/ui/chart.js")),
    Part::js("/ui/token.js", TOKEN),
    Part::js("/ui/words.js", include_str!("../../page/ui/words.js")),
];

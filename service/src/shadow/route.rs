//! `GET /models/{name}/shadow`.

use super::Shadows;
use super::tally::Report;
use crate::Refusal;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use std::sync::Arc;

/// What is told of a model's shadows.
#[derive(Debug, Serialize)]
struct Reports {
    model: &'static str,
    shadows: Vec<Report>,
}

/// What the route answers from.
#[derive(Debug)]
struct Known {
    names: Vec<&'static str>,
    shadows: Option<Shadows>,
}

/// The route, for models of these names.
pub(crate) fn router(names: impl Iterator<Item = &'static str>, shadows: Option<&Shadows>) -> Router {
    let known = Known { names: names.collect(), shadows: shadows.cloned() };
    Router::new().route("/models/{name}/shadow", get(show)).with_state(Arc::new(known))
}

async fn show(
    State(known): State<Arc<Known>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Reports>, Refusal> {
    let Path(name) = name.map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    let Some(model) = known.names.iter().find(|known| **known == name) else {
        let message = format!("there is no model `{name}`; `/models` lists those that are compiled in");
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    };
    let shadows = known.shadows.as_ref().map(|shadows| shadows.reports(model)).unwrap_or_default();
    Ok(Json(Reports { model, shadows }))
}

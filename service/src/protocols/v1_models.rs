//! `GET /v1/models` and `/v1/models/{m}`, which three protocols have: one answer that is each one's own, by its own keys.
//!
//! | protocol | the list | a model |
//! | --- | --- | --- |
//! | OpenAI | `object`, `data` | `id`, `object`, `created`, `owned_by` |
//! | KServe v1 | `models` | `name`, `ready` |
//! | TensorFlow Serving | | `model_version_status` |

pub(super) mod openapi;

use super::{Shared, openai, tfserving};
use crate::models::Served;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) fn router() -> Router<Shared> {
    Router::new().route("/v1/models", get(list)).route("/v1/models/{name}", get(one))
}

/// A model as OpenAI lists it.
#[derive(Debug, Serialize)]
struct Listed {
    id: &'static str,
    object: &'static str,
    /// When it was made: a pack does not say, for it is the same whenever it is made.
    created: u64,
    owned_by: &'static str,
}

fn listed(name: &'static str) -> Listed {
    Listed { id: name, object: "model", created: 0, owned_by: "modeldeploy" }
}

/// The names, each once.
fn names(served: &Shared) -> Vec<&'static str> {
    let mut names: Vec<_> = served.inference.models().all().iter().map(|model| model.card.name).collect();
    names.dedup();
    names
}

async fn list(State(served): State<Shared>) -> Json<Value> {
    let names = names(&served);
    let data: Vec<_> = names.iter().map(|name| listed(name)).collect();
    Json(json!({ "object": "list", "data": data, "models": names }))
}

async fn one(State(served): State<Shared>, name: Result<Path<String>, PathRejection>) -> Result<Json<Value>, Response> {
    let no_model = |name: &str| openai::Error::no_model(name).into_response();
    let Path(name) = name.map_err(|rejection| no_model(&rejection.body_text()))?;
    if name.contains(':') {
        return Err(tfserving::Error::not_allowed("POST").into_response());
    }
    let models = served.inference.models();
    let place = models.find(&name, None).map_err(|_| no_model(&name))?;
    let all: Vec<&Served> = models.all().iter().filter(|model| model.card.name == name).collect();
    let status = json!({ "error_code": "OK", "error_message": "" });
    let versions = all.iter().map(|model| {
        let version = model.number().map_or_else(|| model.card.version.to_owned(), |number| number.to_string());
        json!({ "version": version, "state": "AVAILABLE", "status": status })
    });
    let versions: Vec<Value> = versions.collect();
    let Listed { id, object, created, owned_by } = listed(models.all()[place].card.name);
    Ok(Json(json!({
        "id": id, "object": object, "created": created, "owned_by": owned_by,
        "name": id, "ready": served.is_ready(),
        "model_version_status": versions,
    })))
}

//! TensorFlow Serving's REST, and KServe v1, whose `:predict` is the same.
//!
//! | route | answers |
//! | --- | --- |
//! | `POST /v1/models/{m}[/versions/{n}]:predict` | `instances` by `predictions`, `inputs` by `outputs` |
//! | `POST …:classify` | `examples` by each label's probability, of a model that classifies |
//! | `POST …:regress` | `examples` by a score, of a model that scores |
//! | `GET /v1/models/{m}/versions/{n}` | the version's state |
//! | `GET /v1/models/{m}[/versions/{n}]/metadata` | the signature `serving_default` |
//!
//! The one input is `text`, a string, or for pairs a list of two; the outputs are `embedding`, `score`, or `probabilities` and `label`.
//! Versions there are whole numbers: `1.4.2` is 1, and of several the newest.
//!
//! Specification: <https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md>.

mod decode;
mod error;
mod grpc;
mod handlers;
mod metadata;
pub(super) mod openapi;
mod tokens;

pub use decode::check;
#[cfg(test)]
pub(in crate::protocols) use error::Form;
pub(super) use error::whole;

pub(super) use error::Error;
pub(super) use grpc::router as grpc_router;
pub use grpc::{check_examples, check_predict};

use super::Shared;
use axum::Router;
use axum::routing::{get, post};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/v1/models/{name}", post(handlers::act))
        .route("/v1/models/{name}/versions/{version}", get(handlers::status).post(handlers::act_on_version))
        .route("/v1/models/{name}/labels/{label}", get(handlers::no_labels).post(handlers::no_labels))
        .route("/v1/models/{name}/metadata", get(handlers::metadata))
        .route("/v1/models/{name}/versions/{version}/metadata", get(handlers::metadata))
        .route("/v1/models/{name}/labels/{label}/metadata", get(handlers::no_labels))
}

/// The one signature.
const SIGNATURE: &str = "serving_default";

/// What a request for a version by its label is told.
const NO_LABELS: &str = "no version of a model here has a label";

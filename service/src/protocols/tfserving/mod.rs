//! TensorFlow Serving's REST, and KServe v1, whose `:predict` is the same.
//!
//! | route | answers |
//! | --- | --- |
//! | `POST /v1/models/{m}[/versions/{n}, /labels/{l}]:predict` | `instances` by `predictions`, `inputs` by `outputs` |
//! | `POST …:classify` | `examples` by each label's probability, of a model that classifies |
//! | `POST …:regress` | `examples` by a score, of a model that scores |
//! | `GET /v1/models/{m}/versions/{n}`, `…/labels/{l}` | the version's state |
//! | `GET /v1/models/{m}[/versions/{n}, /labels/{l}]/metadata` | the signature `serving_default` |
//!
//! The one input is `text`, a string, or for pairs a list of two; the outputs are `embedding`, `score`, or `probabilities` and `label`.
//! Versions there are whole numbers: `1.4.2` is 1, and of several the stable one or else the newest; a label is of one alone.
//!
//! Specification: <https://github.com/tensorflow/serving/blob/master/tensorflow_serving/g3doc/api_rest.md>.

mod decode;
mod error;
mod grpc;
mod handlers;
mod metadata;
pub(super) mod openapi;
mod tokens;

pub use decode::{check, check_ranked};
#[cfg(test)]
pub(in crate::protocols) use error::Form;
pub(super) use error::whole;

pub(super) use error::Error;
pub(super) use grpc::router as grpc_router;
pub use grpc::{check_examples, check_predict, check_predict_ranked};

use super::Shared;
use axum::Router;
use axum::routing::{get, post};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/v1/models/{name}", post(handlers::act).fallback(handlers::no_such_method))
        .route(
            "/v1/models/{name}/versions/{version}",
            get(handlers::status).post(handlers::act_on_version).fallback(handlers::no_such_method),
        )
        .route(
            "/v1/models/{name}/labels/{label}",
            get(handlers::status).post(handlers::act_on_label).fallback(handlers::no_such_method),
        )
        .route("/v1/models/{name}/metadata", get(handlers::metadata))
        .route("/v1/models/{name}/versions/{version}/metadata", get(handlers::metadata))
        .route("/v1/models/{name}/labels/{label}/metadata", get(handlers::metadata))
}

/// The one signature.
const SIGNATURE: &str = "serving_default";

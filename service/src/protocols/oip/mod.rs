//! Open Inference Protocol v2 over REST, as KServe, Triton and MLServer speak it, with Triton's binary tensors and its repository.
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /v2`, `/v2/health/live`, `/v2/health/ready` | the service |
//! | `GET /v2/models`, `POST /v2/repository/index` | the models |
//! | `GET /v2/models/{m}[/versions/{v}][/ready]` | a model: its tensors; whether it is ready |
//! | `GET /v2/models/{m}[/versions/{v}]/config` | its configuration, as Triton has it |
//! | `GET /v2/models/[{m}[/versions/{v}]/]stats` | its requests and batches, as Triton has them |
//! | `POST /v2/models/{m}[/versions/{v}]/infer` | its outputs for the input `text` |
//! | `POST /v2/repository/models/{m}/load`, `/unload` | 501: models are compiled in |
//!
//! The input is `text`, BYTES in UTF-8: of shape `[n]` for texts, `[n, 2]` for pairs. The outputs are FP32: `embedding` `[n, d]`,
//! `score` `[n]`, or `probabilities` `[n, labels]` with `label` `[n]` in BYTES. The parameter `prompt` names one of the model's
//! prompts, and `timeout` says in microseconds how long the client waits.
//!
//! A ranker takes a tensor for each of its features: of shape `[n]` with a value for each candidate, `[1]` with the user's, `[k]` with
//! those of the session's items; texts in BYTES, numbers in any type of them, NaN or `null` where one is missing. Its output is `scores`,
//! FP64, `[n]`, or `[n, outputs]` where a candidate has several.
//!
//! Specification: <https://github.com/kserve/open-inference-protocol> (`inference_rest.md`); Triton's `extension_binary_data.md` and
//! `extension_model_repository.md`.

mod bytes;
mod config;
mod decode;
mod encode;
mod error;
mod grpc;
mod handlers;
mod nested;
mod numbers;
pub(super) mod openapi;
mod statistics;
mod tensors;
mod wire;

pub use decode::{check, check_ranked};
#[cfg(test)]
pub(in crate::protocols) use error::Form;
pub(super) use error::whole;

pub(super) use grpc::router as grpc_router;
pub use grpc::{check as check_grpc, check_ranked as check_grpc_ranked};

use super::Shared;
use axum::Router;
use axum::routing::{get, post};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/v2", get(handlers::server))
        .route("/v2/health/live", get(handlers::live))
        .route("/v2/health/ready", get(handlers::ready))
        .route("/v2/models", get(handlers::models))
        .route("/v2/models/{name}", get(handlers::metadata))
        .route("/v2/models/{name}/versions/{version}", get(handlers::metadata))
        .route("/v2/models/{name}/ready", get(handlers::model_ready))
        .route("/v2/models/{name}/versions/{version}/ready", get(handlers::model_ready))
        .route("/v2/models/stats", get(handlers::all_statistics))
        .route("/v2/models/{name}/stats", get(handlers::statistics))
        .route("/v2/models/{name}/versions/{version}/stats", get(handlers::statistics))
        .route("/v2/models/{name}/config", get(handlers::config))
        .route("/v2/models/{name}/versions/{version}/config", get(handlers::config))
        .route("/v2/models/{name}/infer", post(handlers::infer))
        .route("/v2/models/{name}/versions/{version}/infer", post(handlers::infer))
        .route("/v2/repository/index", post(handlers::index))
        .route("/v2/repository/models/{name}/load", post(handlers::not_loaded))
        .route("/v2/repository/models/{name}/unload", post(handlers::not_loaded))
}

/// The length of the JSON before the tensors.
const HEADER_LENGTH: &str = "inference-header-content-length";

/// The extensions of Triton's that are here.
const EXTENSIONS: [&str; 4] = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"];

/// What models are made of.
const PLATFORM: &str = "modeldeploy_pack";

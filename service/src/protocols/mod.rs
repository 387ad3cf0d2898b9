//! The protocols that clients of today's model servers speak, each in a room of its own: its routes, its wire types, its errors.
//!
//! They share a port and some paths. A service's own routes go before all of theirs.

mod early;
mod error;
mod input;
mod mlflow;
mod node;
mod oip;
mod openai;
mod scored;
mod tei;
mod tensor;
mod tfserving;
mod torchserve;
mod v1_models;
mod whole;

pub(crate) use early::overload;
use scored::{Scored, scored};
pub(crate) use whole::{Whole, Whose, schema_of};

use crate::auth::Auth;
use crate::bodies::Bodies;
use crate::inference::Inference;
use crate::metrics::Metrics;
use crate::openapi::{self, About, Section};
use crate::readiness::Readiness;
use crate::ui;
use axum::Router;
use std::sync::Arc;

/// What every protocol answers from.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) inference: Inference,
    /// The room for the bodies of requests.
    pub(crate) bodies: Bodies,
    /// Who may ask.
    pub(crate) auth: Auth,
    /// The service's name and version.
    pub(crate) service: (&'static str, &'static str),
    /// Whether it was told to stop.
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    /// The OpenAPI document of its own routes.
    pub(crate) document: Option<serde_json::Value>,
}

/// What handlers are given.
pub(crate) type Shared = Arc<Served>;

impl Served {
    pub(crate) fn is_ready(&self) -> bool {
        self.readiness.is_ready()
    }
}

/// The routes of all protocols over HTTP.
pub(crate) fn router(served: Shared) -> Router {
    Router::new()
        .merge(mlflow::router())
        .merge(oip::router())
        .merge(openai::router())
        .merge(tei::router())
        .merge(tfserving::router())
        .merge(torchserve::router())
        .merge(v1_models::router())
        .merge(openapi::router())
        .merge(ui::router())
        .with_state(served)
}

/// The methods of all protocols over gRPC.
pub(crate) fn grpc_router(served: Shared) -> Router {
    Router::new()
        .merge(crate::grpc::router())
        .merge(oip::grpc_router())
        .merge(tfserving::grpc_router())
        .with_state(served)
}

/// The operations of all protocols, for the OpenAPI document.
pub(crate) fn sections(about: &About) -> Vec<Section> {
    vec![
        oip::openapi::section(about),
        openai::openapi::section(about),
        tei::openapi::section(about),
        tfserving::openapi::section(about),
        v1_models::openapi::section(about),
        torchserve::openapi::section(about),
        mlflow::openapi::section(about),
    ]
}

/// The decoders of requests, for the fuzz targets: from bytes to a request or to what is wrong with them. Those of rankers are told the
/// model's features.
pub mod decoders {
    pub use super::mlflow::{check as mlflow, check_ranked as mlflow_ranked};
    pub use super::oip::{check as oip, check_ranked as oip_ranked};
    pub use super::oip::{check_grpc as oip_grpc, check_grpc_ranked as oip_grpc_ranked};
    pub use super::openai::check as openai;
    pub use super::tei::check as tei;
    pub use super::tfserving::check_predict_ranked as tfserving_predict_ranked;
    pub use super::tfserving::{check as tfserving, check_ranked as tfserving_ranked};
    pub use super::tfserving::{check_examples as tfserving_examples, check_predict as tfserving_predict};
    pub use super::torchserve::{check as torchserve, check_ranked as torchserve_ranked};
}

//! The protocols that clients of today's model servers speak, each in a room of its own: its routes, its wire types, its errors.
//!
//! They share a port and some paths. A service's own routes go before all of theirs.

mod input;
mod mlflow;
mod node;
mod oip;
mod openai;
mod tei;
mod tfserving;
mod torchserve;
mod v1_models;

use crate::inference::Inference;
use crate::openapi::{self, About, Section};
use axum::Router;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What every protocol answers from.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) inference: Inference,
    /// The service's name and version.
    pub(crate) service: (&'static str, &'static str),
    /// Whether it was told to stop.
    pub(crate) stopping: Arc<AtomicBool>,
    /// The OpenAPI document of its own routes.
    pub(crate) document: Option<serde_json::Value>,
}

/// What handlers are given.
pub(crate) type Shared = Arc<Served>;

impl Served {
    fn is_ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed)
    }
}

/// The routes of all protocols.
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

/// The decoders of requests, for the fuzz targets: from bytes to a request or to what is wrong with them.
pub mod decoders {
    pub use super::mlflow::check as mlflow;
    pub use super::oip::check as oip;
    pub use super::openai::check as openai;
    pub use super::tei::check as tei;
    pub use super::tfserving::check as tfserving;
    pub use super::torchserve::check as torchserve;
}

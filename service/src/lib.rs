//! A model service in one process: the service's own routes, health, metrics, and a start and an end that operators expect.
//!
//! ```no_run
//! # mod search { pub fn router() -> axum::Router { axum::Router::new() } }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), modeldeploy_service::Error> {
//! modeldeploy_service::Service::new("product-search", env!("CARGO_PKG_VERSION"))
//!     .routes(search::router())
//!     .serve()
//!     .await
//! # }
//! ```
//!
//! Clients that are slow or take too much are cut off: [`Limits`].
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /healthz`, `/livez`, `/readyz` | 200 while the service runs; `/readyz` 503 once it is told to stop |
//! | `GET /metrics` | request counts and latencies by route and status, the models inside; the text format of Prometheus |
//! | `GET /models` | name, version, digest and space of each model inside |

#![forbid(unsafe_code)]

mod batch;
mod connections;
mod error;
mod inference;
mod limits;
mod metrics;
mod models;
mod object;
mod options;
mod protocols;
mod reply;
mod serve;

pub use error::Error;
pub use limits::{Limits, MAX_BODY_BYTES};
pub use metrics::Metrics;
pub use models::ModelCard;
#[doc(hidden)]
pub use protocols::decoders;
pub use reply::{JsonBody, Refusal};
pub use serve::Service;

//! A model service in one process: the service's own routes, health, metrics, and a start and an end that operators expect.
//!
//! ```no_run
//! # mod search { pub fn router() -> axum::Router { axum::Router::new() } }
//! fn main() -> Result<(), modeldeploy_service::Error> {
//!     modeldeploy_service::Service::new("product-search", env!("CARGO_PKG_VERSION")).routes(search::router()).run()
//! }
//! ```
//!
//! Flags, the environment and a file configure the rest: `--help` lists the options, `--print-config` says which hold and who set them.
//!
//! Clients that are slow or take too much are cut off: [`Limits`]. On a loopback address everybody may ask; on another the service does
//! not start without a file of tokens (`--tokens`) or the word that all may (`--no-auth`). With `--tls-cert` and `--tls-key` it speaks
//! TLS. Tokens and certificates are read again when their files change. Once it listens, the process gives up all of its system that it
//! does not use, which `--print-sandbox` prints; what a service's own routes need of it while they answer is said by [`Service::needs`].
//!
//! Told to stop, a service is not ready, answers what is in flight, and exits with 0; told again, it exits at once.
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /healthz`, `/livez`, `/readyz` | 200 while the service runs; `/readyz` 503 once it is told to stop |
//! | `GET /metrics` | request counts and latencies by route and status, the models inside; the text format of Prometheus |
//! | `GET /models` | name, version, digest and space of each model inside |
//!
//! Each model that is added answers the clients of today's model servers, too:
//!
//! | protocol | routes |
//! | --- | --- |
//! | Open Inference Protocol v2 (KServe, Triton), with binary tensors | `/v2/…` |
//! | OpenAI's embeddings | `/v1/embeddings`, `/v1/models` |
//! | Text Embeddings Inference | `/embed`, `/similarity`, `/rerank`, `/predict`, `/tokenize`, `/decode`, `/info`, `/health` |
//! | TensorFlow Serving's REST, KServe v1 | `/v1/models/{m}[/versions/{n}][:predict, :classify, :regress, /metadata]` |
//! | TorchServe | `/predictions/{m}[/{version}]`, `/ping` |
//! | MLflow | `/invocations`, `/version` |
//!
//! HTTP/1.1, HTTP/2 with prior knowledge and gRPC share the port. Over gRPC there are:
//!
//! | service | methods |
//! | --- | --- |
//! | `inference.GRPCInferenceService` (KServe, Triton) | those of `/v2/…`, and `ModelStreamInfer` |
//! | `tensorflow.serving.PredictionService`, `ModelService` | all |
//! | `grpc.health.v1.Health`, `grpc.reflection.v1` and `v1alpha` | all |
//!
//! The service's own routes ask its models by [`Batched`]. Where a service has a route of its own at one of these paths, its own answers. Texts of all requests are run together as they come,
//! by a worker on each core, and each has the bits that it would have alone. The header `x-request-timeout-ms` says how long a client
//! waits ([`Limits::deadline`] without it): a request that by the cost of what waits cannot be answered by then is refused at once, with
//! 429 and `Retry-After`, in its protocol's own form; over gRPC the header is `grpc-timeout`, and the answer RESOURCE_EXHAUSTED with
//! `grpc-retry-pushback-ms` and `google.rpc.RetryInfo`. Errors of a request as a whole (a body that is too long or too slow, a path that
//! is none) have the form `{"error": "…"}`.

#![forbid(unsafe_code)]

mod auth;
mod batch;
mod batched;
mod config;
mod connections;
mod error;
mod grpc;
mod inference;
mod lifecycle;
mod limits;
mod metrics;
mod models;
mod notice;
mod object;
mod openapi;
mod page;
mod panics;
mod processors;
mod protocols;
mod readiness;
mod reply;
mod sandbox;
mod serve;
mod tls;
mod watched;

pub use auth::Caller;
pub use batched::Batched;
pub use error::Error;
#[doc(hidden)]
pub use grpc::wire;
pub use limits::{Limits, MAX_BODY_BYTES};
pub use metrics::Metrics;
pub use models::ModelCard;
#[doc(hidden)]
pub use protocols::decoders;
pub use reply::{JsonBody, Refusal};
pub use sandbox::Need;
pub use serve::Service;

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
//! | `GET /metrics` | requests, stages, batches, queue, models and the process, as Prometheus' text, OpenMetrics or JSON by `Accept`; `?compat=tfs\|triton\|tei` by other servers' names |
//! | `GET /models` | name, version, digest, space, task, gate, label and share of each model inside |
//! | `GET /models/{name}/shadow` | what was found of its shadows |
//! | `GET /openapi.json` | the OpenAPI document of every route, with examples that the models inside answered; `/docs` to read and try it |
//! | `GET /ui` | a dashboard: what the service does now, the models with what their gates measured, and a box to try them |
//!
//! Each model that is added answers the clients of today's model servers, too:
//!
//! | protocol | routes |
//! | --- | --- |
//! | Open Inference Protocol v2 (KServe, Triton), with binary tensors | `/v2/…` |
//! | OpenAI's embeddings | `/v1/embeddings`, `/v1/models` |
//! | Text Embeddings Inference | `/embed`, `/similarity`, `/rerank`, `/predict`, `/tokenize`, `/decode`, `/info`, `/health` |
//! | TensorFlow Serving's REST, KServe v1 | `/v1/models/{m}[/versions/{n}, /labels/{l}][:predict, :classify, :regress, /metadata]` |
//! | TorchServe | `/predictions/{m}[/{version}]`, `/ping` |
//! | MLflow | `/invocations`, `/version` |
//!
//! Rankers ([`RankModel`](modeldeploy::rank::RankModel)) are asked by all of them but OpenAI's and Text Embeddings Inference, by the names
//! of their features: a tensor for each, or a row for each candidate. Their candidates are scored by workers of their own.
//!
//! HTTP/1.1, HTTP/2 with prior knowledge and gRPC share the port. Over gRPC there are:
//!
//! | service | methods |
//! | --- | --- |
//! | `inference.GRPCInferenceService` (KServe, Triton) | those of `/v2/…`, and `ModelStreamInfer` |
//! | `tensorflow.serving.PredictionService`, `ModelService` | all |
//! | `grpc.health.v1.Health`, `grpc.reflection.v1` and `v1alpha` | all |
//!
//! One service holds several versions of a model ([`Service::versions`]): paths and names (`…/labels/canary`, `…/versions/1.2.0`,
//! `query-encoder@canary`) and the headers `x-model-version` and `x-model-label` ask for one; else shares divide the requests, by the
//! header `x-routing-key` where there is one, so that a key stays with its version. The header `x-model-version` of an answer says which
//! one gave it. A shadow scores what others have answered, and `GET /models/{name}/shadow` tells how far it was from them.
//!
//! The service's own routes ask its models by [`Batched`]. Where a service has a route of its own at one of these paths, its own answers.
//! Texts of all requests are run together as they come,
//! by a worker on each core, and each has the bits that it would have alone. The header `x-request-timeout-ms` says how long a client
//! waits ([`Limits::deadline`] without it): a request that by the cost of what waits cannot be answered by then is refused at once, with
//! 429 and `Retry-After`, in its protocol's own form; over gRPC the header is `grpc-timeout`, and the answer RESOURCE_EXHAUSTED with
//! `grpc-retry-pushback-ms` and `google.rpc.RetryInfo`. Errors of a request as a whole (a body that is too long or too slow) have the form of
//! the protocol whose path it is, and elsewhere `{"error": "…"}`.

#![forbid(unsafe_code)]

mod aside;
mod auth;
mod batch;
mod batched;
mod bodies;
mod config;
mod connections;
mod door;
mod error;
mod grpc;
mod inference;
mod json;
mod lifecycle;
mod limits;
mod logs;
mod metrics;
mod models;
mod notice;
mod object;
mod observe;
mod openapi;
mod page;
mod priority;
mod probe;
mod processors;
mod protocols;
mod ranking;
mod readiness;
mod reading;
mod reply;
mod sandbox;
mod serve;
mod shadow;
mod tls;
mod traces;
mod ui;
mod watched;

pub use auth::Caller;
pub use batched::Batched;
pub use error::Error;
#[doc(hidden)]
pub use grpc::wire;
pub use limits::{Limits, MAX_BODY_BYTES};
pub use logs::redact;
pub use models::{ModelCard, Share, Version};
#[doc(hidden)]
pub use observe::observed;
#[doc(hidden)]
pub use protocols::decoders;
pub(crate) use reply::AsJson;
pub use reply::{JsonBody, Refusal};
pub use sandbox::Need;
pub use serve::Service;

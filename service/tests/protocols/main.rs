//! Every protocol over hand-made models, without a socket: the values are the engine's own, to the bit.

mod attacks;
mod batches;
mod candidates;
mod client;
mod embeddings;
mod grpc;
mod metrics;
mod mlflow;
#[macro_use]
mod models;
mod oip;
mod openai;
mod openapi;
mod overload;
mod own_routes;
#[path = "../../../runtime/tests/packs/mod.rs"]
mod packs;
mod ranker_versions;
mod rankers;
mod routes;
mod tei;
mod tfserving;
mod torchserve;
mod ui;
mod versions;

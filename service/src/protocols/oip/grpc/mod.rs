//! The protocol over gRPC: `inference.GRPCInferenceService`, as KServe and Triton have it.
//!
//! Tensors come in `contents`, or in `raw_input_contents` as REST's binary data, and are answered as they came. What a request means,
//! and what is wrong with it, is the same as over REST.
//!
//! Specification: <https://github.com/kserve/open-inference-protocol> (`inference_grpc.md`); Triton's `grpc_service.proto`.

mod decode;
mod describe;
mod encode;
mod infer;
mod repository;

pub use decode::{check, check_ranked};

use crate::grpc::{streaming, unary};
use crate::protocols::Shared;
use axum::Router;

pub(in crate::protocols) fn router() -> Router<Shared> {
    Router::new()
        .route("/inference.GRPCInferenceService/ServerLive", unary(describe::live))
        .route("/inference.GRPCInferenceService/ServerReady", unary(describe::ready))
        .route("/inference.GRPCInferenceService/ModelReady", unary(describe::model_ready))
        .route("/inference.GRPCInferenceService/ServerMetadata", unary(describe::server))
        .route("/inference.GRPCInferenceService/ModelMetadata", unary(describe::model))
        .route("/inference.GRPCInferenceService/ModelConfig", unary(describe::config))
        .route("/inference.GRPCInferenceService/ModelStatistics", unary(describe::statistics))
        .route("/inference.GRPCInferenceService/ModelInfer", unary(infer::infer))
        .route("/inference.GRPCInferenceService/ModelStreamInfer", streaming(infer::stream))
        .route("/inference.GRPCInferenceService/RepositoryIndex", unary(repository::index))
        .route("/inference.GRPCInferenceService/RepositoryModelLoad", unary(repository::load))
        .route("/inference.GRPCInferenceService/RepositoryModelUnload", unary(repository::unload))
}

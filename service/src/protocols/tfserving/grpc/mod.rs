//! TensorFlow Serving over gRPC: `tensorflow.serving.PredictionService` and `ModelService`.
//!
//! Tensors and examples have the names that they have over REST. Small tensors of floats are answered as `float_val`, which every client
//! reads, and large ones as `tensor_content`, which clients copy and do not walk; strings always as `string_val`.
//!
//! Specification: `tensorflow_serving/apis` in <https://github.com/tensorflow/serving>.

mod examples;
mod metadata;
mod multi;
mod predict;
mod spec;
mod tensor;

pub use examples::check as check_examples;
pub use predict::{check as check_predict, check_ranked as check_predict_ranked};

use crate::grpc::unary;
use crate::protocols::Shared;
use axum::Router;

pub(in crate::protocols) fn router() -> Router<Shared> {
    Router::new()
        .route("/tensorflow.serving.PredictionService/Predict", unary(predict::predict))
        .route("/tensorflow.serving.PredictionService/Classify", unary(examples::classify))
        .route("/tensorflow.serving.PredictionService/Regress", unary(examples::regress))
        .route("/tensorflow.serving.PredictionService/MultiInference", unary(multi::infer))
        .route("/tensorflow.serving.PredictionService/GetModelMetadata", unary(metadata::metadata))
        .route("/tensorflow.serving.ModelService/GetModelStatus", unary(metadata::status))
        .route("/tensorflow.serving.ModelService/HandleReloadConfigRequest", unary(metadata::reload))
}

//! Requests that an overload refuses by their heads: what cannot be answered in its time is not even read.

use super::{Shared, Whole};
use crate::grpc;
use crate::inference::{self, Fault};
use axum::extract::Request;

/// The methods of gRPC that ask a model once; a stream asks as it goes.
const METHODS: [&str; 5] = [
    "/inference.GRPCInferenceService/ModelInfer",
    "/tensorflow.serving.PredictionService/Classify",
    "/tensorflow.serving.PredictionService/MultiInference",
    "/tensorflow.serving.PredictionService/Predict",
    "/tensorflow.serving.PredictionService/Regress",
];

/// The paths of HTTP that ask a model, but for those that name it.
const PATHS: [&str; 8] =
    ["/embed", "/embed_all", "/embeddings", "/invocations", "/predict", "/rerank", "/similarity", "/v1/embeddings"];

/// Why a request is not read: the only model could not answer even one token of it in the time that its head gives.
pub(crate) fn overload(served: &Shared, request: &Request) -> Option<Whole> {
    let path = request.uri().path();
    let by_grpc = METHODS.contains(&path);
    if !by_grpc && (request.method().is_safe() || !asks(path)) {
        return None;
    }
    let headers = request.headers();
    // What is wrong with a time is said by who reads it.
    let timeout = if by_grpc { grpc::timeout::timeout(headers).ok()? } else { inference::timeout(headers).ok()? };
    let after = served.inference.overload(timeout)?;
    Some(Whole::too_often(Fault::Overloaded { after }.to_string(), after))
}

fn asks(path: &str) -> bool {
    PATHS.contains(&path)
        || path.starts_with("/predictions/")
        || (path.starts_with("/v1/models/") && path.contains(':'))
        || (path.starts_with("/v2/models/") && path.ends_with("/infer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_models_asks_none() {
        for path in [
            "/embed",
            "/v1/models/a:predict",
            "/v1/models/a/labels/b:classify",
            "/v2/models/a/versions/1/infer",
            "/predictions/a",
        ] {
            assert!(asks(path), "{path}");
        }
        for path in ["/tokenize", "/v1/models/a", "/v2/models/a/ready", "/v2/repository/index", "/metrics", "/embed/x"]
        {
            assert!(!asks(path), "{path}");
        }
    }
}

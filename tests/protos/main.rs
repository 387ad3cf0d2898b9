//! The messages of gRPC: generated from `service/proto`, and as their specifications have them.

mod generate;
mod specifications;

use std::path::{Path, PathBuf};

/// The files that have a service, and so name all the others.
const SERVICES: [&str; 4] = [
    "grpc/health/v1/health.proto",
    "inference/inference.proto",
    "tensorflow_serving/apis/model_service.proto",
    "tensorflow_serving/apis/prediction_service.proto",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the workspace").to_owned()
}

/// They, compiled, with all that they import.
fn compiled() -> protox::Compiler {
    let mut compiler = protox::Compiler::new([root().join("service/proto")]).expect("a folder of protos");
    compiler.include_imports(true);
    compiler.open_files(SERVICES).unwrap_or_else(|error| panic!("{error:?}"));
    compiler
}

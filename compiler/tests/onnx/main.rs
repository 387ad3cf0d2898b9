//! ONNX models: the operators against ONNX's own node tests, what is refused, real models.

mod encoders;
mod filled;
mod mutated;
mod ncf;
mod nodes;
mod operators;
mod rankers;
mod specified;

use std::path::{Path, PathBuf};

/// A folder of the shared data; where it is not here, that is said.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    modeldeploy_house::skipped(&format!("{} is not here", path.display()));
    None
}

/// A model that has no external data.
fn read(place: &str, bytes: Vec<u8>) -> Result<modeldeploy_compiler::onnx::Model, Vec<String>> {
    modeldeploy_compiler::onnx::read(place, bytes, &mut |_| Err("it has no files beside it".to_owned()))
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

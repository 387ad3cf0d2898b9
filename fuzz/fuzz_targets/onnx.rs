//! Any bytes as an ONNX model, as external data of one and as a tensor: errors, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_compiler::onnx::{read, read_tensor};
use std::sync::Arc;

fuzz_target!(|bytes: &[u8]| {
    let errors = read("model.onnx", bytes.to_vec(), &mut |name| match name {
        "w" => Ok(Arc::new(bytes.to_vec())),
        _ => Err("it is not there".to_owned()),
    })
    .err()
    .unwrap_or_default();
    let errors: Vec<String> = errors.iter().chain(&read_tensor("tensor.pb", bytes).err()).map(ToString::to_string).collect();
    assert!(errors.iter().all(|error| error.starts_with("error[MD")), "{errors:?}");
});

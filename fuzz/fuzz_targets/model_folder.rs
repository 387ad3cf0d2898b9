//! Any bytes as `config.json`, as a safetensors file and as an index of shards: errors, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_compiler::front::{config, weights};

fuzz_target!(|bytes: &[u8]| {
    let places: Vec<String> = [
        config::parse("config.json", bytes).err().unwrap_or_default(),
        weights::parse_header("model.safetensors", bytes).err().into_iter().collect(),
        weights::parse_index("model.safetensors.index.json", bytes).err().unwrap_or_default(),
    ]
    .iter()
    .flatten()
    .map(ToString::to_string)
    .collect();
    assert!(places.iter().all(|error| error.starts_with("error[MD0")), "{places:?}");
});

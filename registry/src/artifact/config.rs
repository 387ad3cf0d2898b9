//! A model's configuration, `application/vnd.cncf.model.config.v1+json`: what any tool that knows ModelPack shows of it.

use super::Facts;
use modeldeploy_format::Task;
use serde_json::{Value, json};

/// The configuration of a model. Layers are files as they are, so the digests of layers and of their contents are the same.
pub(super) fn of(facts: &Facts) -> Vec<u8> {
    let mut descriptor = json!({"name": facts.name, "version": facts.version.to_string()});
    if let Some(license) = &facts.license {
        descriptor["licenses"] = json!([license]);
    }
    let mut config = json!({"format": "safetensors"});
    if let Some(signature) = &facts.signature {
        let output = if signature.task == Task::Embed { "embedding" } else { "other" };
        config["architecture"] = "transformer".into();
        config["capabilities"] = json!({"inputTypes": ["text"], "outputTypes": [output]});
    }
    let digests: Vec<Value> = facts.files.iter().map(|file| file.digest.to_string().into()).collect();
    let config = json!({
        "descriptor": descriptor,
        "config": config,
        "modelfs": {"type": "layers", "diffIds": digests},
    });
    serde_json::to_vec(&config).expect("string keys and plain values")
}

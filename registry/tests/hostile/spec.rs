//! Our artifacts held against ModelPack: its schema of configurations, its media types and its keys, where the specification lies.

use crate::model::facts;
use modeldeploy_registry::artifact::{ARTIFACT, Artifact, CONFIG, FILE_PATH, Facts};
use serde_json::Value;
use std::path::PathBuf;

fn specification(path: &str) -> Option<String> {
    let usual = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/specs"));
    let root = std::env::var_os("MODELDEPLOY_SPECS").map_or(usual, PathBuf::from);
    let text = std::fs::read_to_string(root.join("modelpack").join(path)).ok();
    if text.is_none() {
        eprintln!("skipped: the ModelPack specification is not at {}", root.display());
    }
    text
}

#[test]
fn a_configuration_is_valid_under_the_specifications_schema() {
    let Some(schema) = specification("schema/config-schema.json") else { return };
    let schema: Value = serde_json::from_str(&schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let bare = Facts { license: None, signature: None, ..facts("1.0.0") };
    for facts in [facts("1.0.0"), bare] {
        let config: Value = serde_json::from_slice(&Artifact::of(&facts).config).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&config).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {config:#}");
        let digests = config["modelfs"]["diffIds"].as_array().map(Vec::len);
        assert_eq!(digests, Some(facts.files.len()));
    }
    // The schema does refuse something.
    assert!(!validator.is_valid(&serde_json::json!({"descriptor": {}, "config": {}})));
}

#[test]
fn media_types_and_keys_are_the_specifications() {
    let Some(types) = specification("specs-go/v1/mediatype.go") else { return };
    let keys = specification("specs-go/v1/annotations.go").expect("the other file of the specification");
    let manifest: Value = serde_json::from_slice(&Artifact::of(&facts("1.0.0")).manifest).expect("JSON");
    let layers = manifest["layers"].as_array().expect("layers");
    let used = layers.iter().filter_map(|layer| layer["mediaType"].as_str()).chain([ARTIFACT, CONFIG]);
    for used in used {
        assert!(types.contains(&format!("\"{used}\"")), "{used} is no media type of the specification");
    }
    assert!(keys.contains(&format!("\"{FILE_PATH}\"")));
    for key in layers.iter().filter_map(|layer| layer["annotations"].as_object()).flat_map(|it| it.keys()) {
        let of_oci = key == "org.opencontainers.image.title";
        assert!(of_oci || keys.contains(&format!("\"{key}\"")), "{key} is no key of the specification");
    }
}

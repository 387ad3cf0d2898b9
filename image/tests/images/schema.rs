//! The documents of an image, held against the specification's own schemas.

use crate::elf::program;
use crate::written::{PACKS, contents, name};
use jsonschema::{Retrieve, Uri, Validator};
use modeldeploy_image::write;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

/// Files of specifications, beside the checkout.
const SPECIFICATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/specs/oci/schema");

/// Finds the schemas that others refer to.
struct Beside;

impl Retrieve for Beside {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.path().as_str().rsplit('/').next().unwrap_or_default();
        Ok(serde_json::from_str(&fs::read_to_string(Path::new(SPECIFICATION).join(name))?)?)
    }
}

fn schema(name: &str) -> Validator {
    let text = fs::read_to_string(Path::new(SPECIFICATION).join(name)).expect(name);
    let schema = serde_json::from_str(&text).expect(name);
    jsonschema::options().with_retriever(Beside).build(&schema).expect(name)
}

#[test]
fn the_documents_are_valid_under_the_schemas() {
    if !Path::new(SPECIFICATION).is_dir() {
        eprintln!("{SPECIFICATION} is not here: skipped");
        return;
    }
    let folder = tempdir().expect("a folder");
    let program = program("shop");
    let image = write(&contents(&program, &PACKS), &name(), &folder.path().join("image")).expect("an image");
    let read =
        |path: &str| -> Value { serde_json::from_slice(&fs::read(image.folder.join(path)).expect(path)).expect(path) };
    let blob = |digest: &Value| read(&format!("blobs/{}", digest.as_str().expect("a digest").replace(':', "/")));
    let index = read("index.json");
    let manifest = blob(&index["manifests"][0]["digest"]);
    let config = blob(&manifest["config"]["digest"]);
    for (name, document) in [
        ("image-layout-schema.json", &read("oci-layout")),
        ("image-index-schema.json", &index),
        ("image-manifest-schema.json", &manifest),
        ("config-schema.json", &config),
    ] {
        let wrong: Vec<String> = schema(name).iter_errors(document).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{document:#}");
    }
    assert_eq!(config["config"]["User"], "65534:65534");
    assert_eq!(config["config"]["Entrypoint"], json!(["/shop"]));
    assert_eq!(config["config"]["Env"], json!(["MODELDEPLOY_LISTEN=0.0.0.0:8080", "MODELDEPLOY_PACKS=/packs"]));
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    // And the schemas find what is wrong.
    let mut wrong = manifest;
    wrong["layers"][0]["digest"] = "none".into();
    assert!(!schema("image-manifest-schema.json").is_valid(&wrong));
}

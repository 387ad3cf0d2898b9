//! The bills of materials of a program: CycloneDX's against its own schema; SPDX's is read by SPDX's own library in `.ci/shipped`.

use super::shop::Shop;
use modeldeploy_audit::{Audit, audit, cyclonedx, spdx};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{LockedFile, LockedGate, LockedIndex};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Files of specifications, beside the checkout.
const SPECIFICATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/specs/cyclonedx");

/// A program with all that a lock can say of a model, and an index.
fn rich() -> (Vec<u8>, Audit) {
    let program = Shop::new().program();
    let mut audited = audit(&program).expect("a program");
    let bill = audited.bill.as_mut().expect("a bill");
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, it)| ((*name).into(), (*it).into())).collect();
    let model = &mut bill.lock.models[0];
    model.license = Some("MIT OR Apache-2.0".into());
    model.recipe = pairs(&[("quantize", "int8")]);
    model.files = vec![LockedFile { path: "model.safetensors".into(), size: 3, digest: Digest::of(b"abc") }];
    model.gate = Some(LockedGate {
        suite: Digest::of(b"suite"),
        metric: "ndcg@10".into(),
        base: "0.847802".into(),
        got: "0.847609".into(),
        thresholds: pairs(&[("min-ratio", "0.99")]),
        figures: pairs(&[("cosine-min", "0.999953")]),
    });
    let second = bill.lock.models[1].packs[0].digest;
    bill.lock.indexes = vec![LockedIndex {
        name: "catalogue".into(),
        package: "shop".into(),
        model: "model-0".into(),
        space: Digest::of(b""),
        manifest: Digest::of(b""),
        source: "products.jsonl".into(),
        source_digest: Digest::of(b"products"),
        rows: 3,
        width: 1,
        size: 200,
        digest: second,
    }];
    (program, audited)
}

fn document() -> Value {
    let (program, audited) = rich();
    cyclonedx("shop", &Digest::of(&program), &audited)
}

#[test]
fn the_document_is_valid_under_the_schema() {
    let read = |name: &str| std::fs::read_to_string(Path::new(SPECIFICATIONS).join(name));
    let Ok(schema) = read("bom-1.6.schema.json") else {
        eprintln!("{SPECIFICATIONS} is not here: skipped");
        return;
    };
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("a schema");
    let mut registry = jsonschema::Registry::new();
    for name in ["spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json"] {
        let schema = parse(&read(name).expect(name));
        let id = format!("http://cyclonedx.org/schema/{name}");
        registry = registry.add(id, schema).expect(name);
    }
    let registry = registry.prepare().expect("schemas");
    let schema = jsonschema::options().with_registry(&registry).build(&parse(&schema)).expect("a schema");
    let none = audit(&super::elf::elf(super::elf::X86_64, &[(".text", 0, vec![1])])).expect("a program");
    for document in [document(), cyclonedx("shop", &Digest::of(b""), &none)] {
        let wrong: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
    }
    // And the schema finds what is wrong.
    let mut wrong = document();
    wrong["components"][1]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = 1.into();
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn it_has_the_crates_the_models_and_what_the_gate_measured() {
    let document = document();
    assert_eq!(document, self::document(), "the same program, the same text");
    let components = document["components"].as_array().expect("a list");
    let kinds: Vec<_> = components.iter().map(|it| it["type"].as_str().expect("a type")).collect();
    assert_eq!(kinds, ["library", "machine-learning-model", "machine-learning-model", "data"]);
    let model = &components[1];
    assert_eq!(model["licenses"][0]["expression"], "MIT OR Apache-2.0");
    assert_eq!(model["modelCard"]["modelParameters"]["task"], "score");
    let metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"].as_array().expect("a list");
    let metrics: Vec<_> = metrics.iter().map(|it| format!("{} {} {}", it["type"], it["value"], it["slice"])).collect();
    assert_eq!(
        metrics.join("; ").replace('"', ""),
        "ndcg@10 0.847609 pack; ndcg@10 0.847802 f32 reference; cosine-min 0.999953 pack"
    );
    assert_eq!(model["pedigree"]["ancestors"][0]["components"][0]["name"], "model.safetensors");

    let references: Vec<&str> = components.iter().map(|it| it["bom-ref"].as_str().expect("a name")).collect();
    let own = document["metadata"]["component"]["bom-ref"].as_str().expect("a name");
    let known: BTreeSet<&str> = references.iter().copied().chain([own]).collect();
    assert_eq!(known.len(), references.len() + 1, "a name twice");
    for needs in document["dependencies"].as_array().expect("a list") {
        let on = needs["dependsOn"].as_array().expect("a list");
        assert!(on.iter().chain([&needs["ref"]]).all(|it| known.contains(it.as_str().expect("a name"))), "{needs}");
    }
}

#[test]
fn all_that_spdx_relates_is_there_and_nothing_has_two_names() {
    let (program, audited) = rich();
    let digest = Digest::of(&program);
    let document = spdx("shop & till", &digest, &audited, "1970-01-01T00:00:00Z");
    assert_eq!(
        document,
        spdx("shop & till", &digest, &audited, "1970-01-01T00:00:00Z"),
        "the same program, the same text"
    );
    let graph = document["@graph"].as_array().expect("a list");
    let named: Vec<&str> = graph.iter().filter_map(|it| it["spdxId"].as_str()).collect();
    let known: BTreeSet<&str> = named.iter().copied().collect();
    assert_eq!((known.len(), named.len() + 1), (named.len(), graph.len()), "a name twice");
    assert!(known.iter().all(|name| name.starts_with("https://spdx.org/spdxdocs/shop%20%26%20till-")), "{known:?}");
    let kinds = |kind: &str| graph.iter().filter(|it| it["type"] == kind).count();
    let kinds = ["ai_AIPackage", "dataset_DatasetPackage", "software_File", "build_Build", "SpdxDocument"].map(kinds);
    // The suite and the index are datasets; one file has a model.
    assert_eq!(kinds, [2, 2, 1, 1, 1]);
    let mut relations = BTreeSet::new();
    for it in graph {
        let names =
            |key: &str| it[key].as_array().into_iter().flatten().filter_map(|it| it.as_str()).collect::<Vec<_>>();
        let from = it["from"].as_str();
        for name in ["to", "element", "rootElement"].iter().flat_map(|key| names(key)).chain(from) {
            assert!(known.contains(name), "{name}");
        }
        relations.extend(it["relationshipType"].as_str());
    }
    let expected = ["contains", "dependsOn", "descendantOf", "hasDeclaredLicense", "hasOutput", "testedOn"];
    assert_eq!(relations, expected.into());
    let model = graph.iter().find(|it| it["type"] == "ai_AIPackage").expect("a model");
    let entry = |key: &str, value: &str| serde_json::json!({"type": "DictionaryEntry", "key": key, "value": value});
    assert_eq!(
        model["ai_metric"],
        serde_json::json!([
            entry("ndcg@10", "0.847609"),
            entry("ndcg@10 of the f32 reference", "0.847802"),
            entry("cosine-min", "0.999953")
        ])
    );
    assert_eq!(model["ai_metricDecisionThreshold"], serde_json::json!([entry("min-ratio", "0.99")]));
}

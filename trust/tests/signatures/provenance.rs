//! Provenance: what is in it, that it is the same each time, and that it is of one build.

use crate::specifications;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::{Digest, lock};
use modeldeploy_trust::provenance::{Build, LOCAL_BUILDER, Source, contradiction, statement};
use modeldeploy_trust::statement::Statement;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;

/// The lock of this repository, of two models and an index.
fn lock() -> Lock {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(lock::FILE_NAME);
    Lock::parse(&std::fs::read_to_string(path).expect("Model.lock")).expect("a lock")
}

fn build(lock: &Lock) -> Build<'_> {
    static RELEASE: LazyLock<Vec<String>> = LazyLock::new(|| vec!["--profile=release".into(), "--package=shop".into()]);
    Build {
        name: "shop",
        program: Digest::of(b"a program"),
        lock,
        inside: vec!["query-encoder"],
        package: Some(("shop".into(), "1.2.3".into())),
        arguments: &RELEASE,
        rustc: "rustc 1.95.0",
        host: "x86_64-unknown-linux-gnu",
        modeldeploy: "0.1.0",
        cargo_lock: None,
        source: None,
        builder: LOCAL_BUILDER,
        finished: None,
    }
}

#[test]
fn every_file_of_every_model_is_a_dependency() {
    let lock = lock();
    let source =
        Source { repository: Some("https://git.shop.example/shop".into()), commit: "c0ffee".into(), modified: true };
    let cargo_lock = Digest::of(b"Cargo.lock");
    let made = statement(&Build { source: Some(source), cargo_lock: Some(cargo_lock), ..build(&lock) });
    let value: Value = serde_json::from_slice(&made.to_bytes()).expect("JSON");
    assert_eq!(value["subject"], json!([{"name": "shop", "digest": {"sha256": Digest::of(b"a program").hex()}}]));
    let list =
        value.pointer("/predicate/buildDefinition/resolvedDependencies").and_then(Value::as_array).expect("a list");
    let has = |name: &str, digest: &str| list.iter().any(|it| it["name"] == *name && it["digest"]["sha256"] == *digest);
    for model in &lock.models {
        for file in &model.files {
            assert!(has(&format!("{}/{}", model.name, file.path), &file.digest.hex()), "{}", file.path);
        }
    }
    assert!(has("Cargo.lock", &cargo_lock.hex()) && has("Model.lock", &Digest::of(lock.to_text().as_bytes()).hex()));
    let commit = list.iter().find(|it| it["name"] == "source").expect("the source");
    assert_eq!(commit["uri"], "git+https://git.shop.example/shop");
    assert_eq!((&commit["digest"]["gitCommit"], &commit["annotations"]["modified"]), (&json!("c0ffee"), &json!(true)));
    let inside = |model: &str| {
        list.iter().find(|it| it["annotations"]["model"] == *model).map(|it| it["annotations"]["inside"].clone())
    };
    assert_eq!((inside("query-encoder"), inside("re-ranker")), (Some(json!(true)), Some(json!(false))));
}

#[test]
fn it_has_no_time_of_its_own_and_its_form_is_the_specifications() {
    let lock = lock();
    let text = statement(&build(&lock)).to_bytes();
    assert_eq!(text, statement(&build(&lock)).to_bytes());
    let value: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(
        (&value["_type"], &value["predicateType"]),
        (&json!("https://in-toto.io/Statement/v1"), &json!("https://slsa.dev/provenance/v1"))
    );
    assert_eq!(value.pointer("/predicate/runDetails/metadata"), None);
    let timed = statement(&Build { finished: Some("2026-05-31T12:00:00Z".into()), ..build(&lock) });
    assert_eq!(timed.predicate["runDetails"]["metadata"]["finishedOn"], "2026-05-31T12:00:00Z");

    // Every field stands in the specification's schema.
    let Some(folder) = specifications::folder("slsa") else { return };
    let schema = std::fs::read_to_string(folder.join("spec/schema/provenance.proto")).expect("the schema");
    let declared = |key: &str| {
        // The proto's names have underscores.
        let snake: String = key
            .chars()
            .flat_map(|c| if c.is_ascii_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
            .collect();
        schema.contains(&format!(" {snake} = "))
    };
    for part in ["", "/buildDefinition", "/runDetails", "/runDetails/builder", "/runDetails/metadata"] {
        for key in timed.predicate.pointer(part).and_then(Value::as_object).expect(part).keys() {
            assert!(declared(key), "`{key}` of `{part}` is not in the schema");
        }
    }
    for needed in ["/buildDefinition/buildType", "/buildDefinition/externalParameters", "/runDetails/builder/id"] {
        assert!(timed.predicate.pointer(needed).is_some(), "{needed}");
    }
}

#[test]
fn a_statement_of_another_build_contradicts_the_program() {
    let lock = lock();
    let own = statement(&build(&lock));
    let signed = Build { cargo_lock: Some(Digest::of(b"x")), builder: "https://ci.shop.example", ..build(&lock) };
    let signed = Statement::parse(&statement(&signed).to_bytes()).expect("a statement");
    assert_eq!(contradiction(&signed, &own), None);
    let mut other = lock.clone();
    other.models[0].files[0].digest = Digest::of(b"other");
    for (what, build, said) in [
        ("another lock", build(&other), "what it was made of"),
        ("other arguments", Build { arguments: &[], ..build(&lock) }, "its parameters"),
        ("another compiler", Build { rustc: "rustc 1.0.0", ..build(&lock) }, "its toolchain"),
        ("other models inside", Build { inside: vec!["re-ranker"], ..build(&lock) }, "what it was made of"),
    ] {
        let found = contradiction(&statement(&build), &own).expect(what);
        assert!(found.contains(said), "{what}: {found}");
    }
}

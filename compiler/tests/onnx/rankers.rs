//! Recommenders that PyTorch exported become networks: the graph of each, and what each is given.

use crate::{read, shared};
use modeldeploy_compiler::front::onnx::ranker::{Column, Network, Role, inputs, network};
use modeldeploy_compiler::onnx::Model;
use modeldeploy_format::features::{Side, Takes};
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST: usize = 12;

fn exports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx/rankers")
}

fn model(path: &Path) -> Model {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read("model.onnx", bytes).unwrap_or_else(|errors| panic!("{}: {errors:?}", path.display()))
}

/// The roles of inputs, by their names.
fn roles(model: &Model) -> Vec<Role> {
    let side = |name: &str| match name {
        "user" | "age" | "profile" | "user_input_0" => Side::User,
        "session" | "dwell" => Side::Session,
        _ => Side::Candidate,
    };
    inputs(model).into_iter().map(|input| Role { side: side(&input.name), input: input.name }).collect()
}

fn imported(path: &Path) -> Network {
    let model = model(path);
    network(&model, "model.onnx", &roles(&model), LONGEST).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}: {}", path.display(), errors.join("\n"))
    })
}

#[test]
fn every_export_becomes_a_network() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(exports()).expect("the exports").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert_eq!(files.len(), 13);
    for path in files {
        let model = model(&path);
        let mut network = match network(&model, "model.onnx", &roles(&model), LONGEST) {
            Ok(n) => n,
            Err(e) => { println!("FAIL {}: {}", path.display(), e.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")); continue; }
        };
        modeldeploy_compiler::passes::run(&mut network.graph);
        println!("{}\n{}", path.display(), network.graph);
    }
}

//! Nodes of ONNX that test by `==`, `!=` and membership, and the operator of its fifth version: what ONNX Runtime gives, to the bit.

use crate::{check_packed, table};
use modeldeploy_compiler::onnx::read_tensor;
use modeldeploy_compiler::trees::{self, Node, Test};
use modeldeploy_format::forest::Forest;
use modeldeploy_format::pack::Aligned;
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees/onnx/questions")
}

#[test]
fn questions_of_onnx_give_what_onnx_runtime_gives() {
    let text = |name: &str| fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let rows = table(&text("rows.tsv"));
    let (mut models, mut members) = (0, 0);
    for entry in fs::read_dir(folder()).expect("the models") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let Some(model) = name.strip_suffix(".onnx") else { continue };
        let ensemble = trees::read_onnx(&name, fs::read(folder().join(&name)).expect("a model"));
        let ensemble = ensemble.unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        for (row, truth) in rows.iter().zip(table(&text(&format!("{model}.tsv")))) {
            // The outputs of TreeEnsembleRegressor are f32, whatever it adds in.
            let single = |value: f64| if model == "lists_mixed_double" { f64::from(value as f32) } else { value };
            let got: Vec<f64> = ensemble.predict(row).into_iter().map(single).collect();
            assert_eq!(got, truth, "{name}: {row:?}");
        }
        check_packed(&name, &ensemble, &rows);
        let nodes = ensemble.trees.iter().flat_map(|tree| tree.nodes());
        members +=
            nodes.filter(|node| matches!(node, Node::Split(split) if matches!(split.test, Test::Among(_)))).count();
        models += 1;
    }
    assert_eq!(models, 9);
    assert!(members > 50, "{members} questions for members");
}

#[test]
fn packs_that_ask_for_members_have_a_version_of_their_own() {
    let trees = |path: &str| {
        let bytes = fs::read(folder().join(path)).expect("a model");
        let ensemble = trees::read_onnx(path, bytes).expect("trees");
        trees::pack(&ensemble, path).expect("a forest")
    };
    let [members, others] = ["flat_member.onnx", "../lgb_regression.onnx"].map(trees);
    assert_eq!((members[4], others[4]), (2, 1));
    assert!(Forest::parse(&members).is_ok() && Forest::parse(&others).is_ok());
    // What a runtime of before would say of it.
    let mut older = Aligned::copy(&members).to_vec();
    older[4] = 1;
    assert!(Forest::parse(&Aligned::copy(&older)).is_err_and(|error| error.to_string().contains("lies outside")));
}

#[test]
fn onnx_s_own_test_of_membership_passes() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/onnx-node");
    let test = data.join("test_ai_onnx_ml_tree_ensemble_set_membership");
    if !test.is_dir() {
        eprintln!("skipped: {} is not there", test.display());
        return;
    }
    let ensemble = trees::read_onnx("model.onnx", fs::read(test.join("model.onnx")).expect("a model"));
    let ensemble = ensemble.unwrap_or_else(|errors| panic!("{errors:?}"));
    let numbers = |name: &str| {
        let bytes = fs::read(test.join("test_data_set_0").join(name)).expect(name);
        let (_, tensor) = read_tensor(name, &bytes).expect(name);
        tensor.as_f32().expect("an f32").iter().copied().map(f64::from).collect::<Vec<_>>()
    };
    let (given, expected) = (numbers("input_0.pb"), numbers("output_0.pb"));
    let rows: Vec<Vec<f64>> = given.chunks(ensemble.features.len()).map(<[f64]>::to_vec).collect();
    assert_eq!(rows.iter().flat_map(|row| ensemble.predict(row)).collect::<Vec<_>>(), expected);
    check_packed("set_membership", &ensemble, &rows);
}

#[test]
fn what_is_not_computed_of_the_fifth_version_is_refused_by_name() {
    let model = fs::read(folder().join("flat_mixed.onnx")).expect("a model");
    let after = |name: &str, model: &[u8]| {
        let at = model.windows(name.len()).position(|window| window == name.as_bytes()).expect(name);
        at + name.len()
    };
    for (name, value, said) in [
        ("aggregate_function", 2, "the aggregation `MIN`"),
        ("aggregate_function", 3, "the aggregation `MAX`"),
        ("aggregate_function", 4, "`aggregate_function` cannot be 4"),
        ("n_targets", 0, "`n_targets` is no number of outputs"),
        ("n_targets", 1, "a leaf adds to output 1, and there are 1"),
    ] {
        let mut changed = model.clone();
        // Its number follows the name, after a byte of its own.
        let at = after(name, &model) + 1;
        assert!(changed[at - 1] == 0x18 && changed[at] < 3, "{name}");
        changed[at] = value;
        let errors = trees::read_onnx("model.onnx", changed).expect_err(said);
        assert!(errors[0].to_string().contains(said), "{said}: {}", errors[0]);
    }
    for (from, to, said) in [
        ("nodes_splits", "nodes_sp1its", "it has no `nodes_splits`"),
        ("membership_values", "membership_va1ues", "`membership_values` has 0 lists that end with NaN for"),
        ("nodes_trueleafs", "nodes_true1eafs", "the lists of its nodes are of different lengths"),
        ("leaf_targetids", "leaf_targetid5", "the lists of its leaves are of different lengths"),
    ] {
        let mut changed = model.clone();
        let end = after(from, &model);
        changed[end - from.len()..end].copy_from_slice(to.as_bytes());
        let errors = trees::read_onnx("model.onnx", changed).expect_err(said);
        assert!(errors[0].to_string().contains(said), "{said}: {}", errors[0]);
    }
    for at in 0..model.len() {
        let mut changed = model.clone();
        changed[at] ^= 0x11;
        // Refused or read, and never a panic.
        let _read = trees::read_onnx("model.onnx", changed);
        let _cut = trees::read_onnx("model.onnx", model[..at].to_vec());
    }
}

//! Models that `models/make_scikit_trees.py` had several versions of scikit-learn save, in every protocol and by joblib.

use crate::{check_packed, table};
use modeldeploy_compiler::trees::{self, Link};
use std::fs;
use std::path::PathBuf;

/// The versions, and how many models of each.
const VERSIONS: [(&str, usize); 5] = [("1.2", 18), ("1.3", 19), ("1.4", 20), ("1.5", 20), ("1.9", 20)];

fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees/scikit").join(version)
}

#[test]
fn models_of_scikit_learn_give_its_predictions() {
    for (version, count) in VERSIONS {
        let folder = folder(version);
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut models = 0;
        for entry in fs::read_dir(&folder).expect("the models") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            let Some((model, "pkl" | "joblib")) = name.rsplit_once('.') else { continue };
            let shown = format!("{version}/{name}");
            let ensemble = trees::read(&name, &fs::read(folder.join(&name)).expect("a model"));
            let ensemble = ensemble.unwrap_or_else(|errors| panic!("{shown}: {errors:?}"));
            let rows = match model.rsplit('_').next() {
                Some("missing") => "rows_missing.tsv",
                Some("kinds") => "rows_kinds.tsv",
                _ => "rows.tsv",
            };
            let rows = table(&text(rows));
            let names = if model == "gradient" { ["a", "b", "c", "d"] } else { ["x0", "x1", "x2", "x3"] };
            assert_eq!(ensemble.features, names, "{shown}");
            // Sums have its bits, but where they begin with a logarithm, and functions of them those of the system's own.
            let off = |got: &[f64], truth: &[f64]| {
                assert_eq!(got.len(), truth.len(), "{shown}");
                got.iter().zip(truth).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
            };
            for (row, truth) in rows.iter().zip(table(&text(&format!("{model}.tsv")))) {
                let (got, bound) = (ensemble.predict(row), if ensemble.link == Link::Identity { 0.0 } else { 1e-15 });
                assert!(off(&got, &truth) <= bound, "{shown}: {got:?} is not {truth:?} ({row:?})");
            }
            if ensemble.link != Link::Identity {
                let bound = if model.starts_with("gradient") { 1e-15 } else { 0.0 };
                for (row, truth) in rows.iter().zip(table(&text(&format!("{model}.raw.tsv")))) {
                    let got = ensemble.raw(row);
                    assert!(off(&got, &truth) <= bound, "{shown}: the sums {got:?} are not {truth:?} ({row:?})");
                }
            }
            check_packed(&shown, &ensemble, &rows);
            models += 1;
        }
        assert_eq!(models, count, "{version}");
    }
}

#[test]
fn damaged_files_of_scikit_learn_are_refused_or_read_and_never_a_panic() {
    for name in
        ["tree_missing.pkl", "tree.pkl", "forest_classes.joblib", "forest_missing.joblib", "histogram_kinds.pkl"]
    {
        let model = fs::read(folder("1.9").join(name)).expect("a model");
        let mut refused = 0;
        for at in 0..model.len() {
            let mut changed = model.clone();
            changed[at] ^= 0x41;
            refused += usize::from(trees::read(name, &changed).is_err());
            assert!(trees::read(name, &model[..at]).is_err(), "{name}, cut at {at}");
        }
        assert!(refused > model.len() / 10, "{name}: {refused}");
    }
}

#[test]
fn what_is_no_model_of_trees_is_refused_by_name() {
    let histogram = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting\nHistGradientBoostingRegressor";
    for (pickle, said) in [
        ("csklearn.linear_model._ridge\nRidge\n)R}b.".to_owned(), "MD1604: the class `Ridge`"),
        ("csklearn.pipeline\nPipeline\n)R}b.".to_owned(), "the class `Pipeline`"),
        ("cshop.models\nForest\n)R}b.".to_owned(), "`shop.models.Forest` is nothing that models"),
        ("csklearn.ensemble._forest\nRandomForestRegressor\n)R}b.".to_owned(), "`n_features_in_` is missing"),
        (format!("c{histogram}\n)R}}b."), "with the loss `none`"),
        ("(Vx\nd.".to_owned(), "a key without a value"),
        ("I1\n.".to_owned(), "no instance of a class"),
    ] {
        let bytes = [b"\x80\x02", pickle.as_bytes()].concat();
        let errors = trees::read("model.pkl", &bytes).expect_err(&pickle);
        assert!(errors[0].to_string().replace("]: ", ": ").contains(said), "{said}: {}", errors[0]);
    }
}

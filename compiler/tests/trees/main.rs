//! Every model of trees gives the predictions that its own library gave, walked and packed: the small ones of `data/trees`, which
//! `models/make_trees.py` made with the libraries of today, and those of the shared data, which older ones made. Where that data is
//! absent, its test says so and passes.

mod questions;
mod scikit;

use modeldeploy::isa::Isa;
use modeldeploy::kernels::{ForestScratch, forest};
use modeldeploy_compiler::trees::{self, Ensemble, Link};
use modeldeploy_format::forest::Forest;
use std::fs;
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/models/gbdt");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

/// The rows of a file of numbers between spaces or tabs.
pub(crate) fn table(text: &str) -> Vec<Vec<f64>> {
    let number = |word: &str| word.parse().unwrap_or_else(|_| panic!("`{word}` is no number"));
    text.lines().map(|line| line.split_ascii_whitespace().map(number).collect()).collect()
}

/// The rows of a libsvm file, without their labels; what is absent is `absent`.
fn libsvm(text: &str, width: usize, absent: f64) -> Vec<Vec<f64>> {
    let row = |line: &str| {
        let mut row = vec![absent; width];
        for (at, value) in line.split_ascii_whitespace().skip(1).filter_map(|word| word.split_once(':')) {
            row[at.parse::<usize>().expect("an index")] = value.parse().expect("a value");
        }
        row
    };
    text.lines().map(row).collect()
}

/// How a row stands in its file.
#[derive(Clone, Copy)]
enum Form {
    Table,
    /// With a label before the features.
    Labelled,
    /// With the value of what is absent.
    Sparse(f64),
}

/// A model, its rows, and what its library said of them: the sums or the predictions.
struct Case {
    model: &'static str,
    rows: &'static str,
    form: Form,
    truth: &'static str,
    raw: bool,
    /// The most that a value may be off, of its own size or of 1.
    tolerance: f64,
}

const fn case(
    model: &'static str,
    rows: &'static str,
    form: Form,
    truth: &'static str,
    raw: bool,
    tolerance: f64,
) -> Case {
    Case { model, rows, form, truth, raw, tolerance }
}

/// f64 sums are those of the library to the last digits that it printed; f32 ones differ by how the first versions added the base.
const CASES: [Case; 16] = [
    case(
        "lg_dart_breast_cancer.model",
        "breast_cancer_test.tsv",
        Form::Table,
        "lg_dart_breast_cancer_true_predictions.txt",
        false,
        1e-15,
    ),
    case(
        "lg_dart_breast_cancer.json",
        "breast_cancer_test.tsv",
        Form::Table,
        "lg_dart_breast_cancer_true_predictions.txt",
        false,
        1e-15,
    ),
    case("lg_kddcup99.model", "kddcup99_test.tsv", Form::Table, "lg_kddcup99_true_predictions.txt", true, 1e-15),
    case("lg_rf_iris.model", "iris_test.libsvm", Form::Sparse(0.0), "lg_rf_iris_true_predictions.txt", false, 1e-15),
    case(
        "lgmulticlass.model",
        "multiclass_test.tsv",
        Form::Labelled,
        "lgmulticlass_true_predictions.txt",
        false,
        1e-15,
    ),
    case(
        "lgmulticlass.model",
        "multiclass_test.tsv",
        Form::Labelled,
        "lgmulticlass_true_raw_predictions.txt",
        true,
        1e-15,
    ),
    case(
        "genlin_fmtp_gamma_AvgClaimAmount.model",
        "genlin_fmtp_gamma_AvgClaimAmount_features.tsv",
        Form::Table,
        "genlin_fmtp_gamma_AvgClaimAmount_true_predictions.txt",
        false,
        1e-15,
    ),
    case(
        "genlin_fmtp_poisson_Frequency.model",
        "genlin_fmtp_poisson_Frequency_features.tsv",
        Form::Table,
        "genlin_fmtp_poisson_Frequency_true_predictions.txt",
        false,
        1e-15,
    ),
    case(
        "genlin_fmtp_tweedie_PurePremium.model",
        "genlin_fmtp_tweedie_PurePremium_features.tsv",
        Form::Table,
        "genlin_fmtp_tweedie_PurePremium_true_predictions.txt",
        false,
        1e-15,
    ),
    case(
        "xgagaricus.model",
        "agaricus_test.libsvm",
        Form::Sparse(f64::NAN),
        "xgagaricus_true_predictions.txt",
        false,
        1e-7,
    ),
    case(
        "xgblin_agaricus.model",
        "agaricus_test.libsvm",
        Form::Sparse(f64::NAN),
        "xgblin_agaricus_true_predictions.txt",
        false,
        1e-7,
    ),
    case(
        "xgblin_agaricus.model",
        "agaricus_test.libsvm",
        Form::Sparse(f64::NAN),
        "xgblin_agaricus_true_raw_predictions.txt",
        true,
        1e-7,
    ),
    case(
        "xgdermatology.model",
        "dermatology_test.libsvm",
        Form::Sparse(0.0),
        "xgdermatology_true_predictions.txt",
        true,
        1e-7,
    ),
    case("sk_iris.model", "iris_test.libsvm", Form::Sparse(0.0), "sk_iris_true_predictions.txt", true, 1e-15),
    case(
        "sk_gradient_boosting_classifier.model",
        "sk_gradient_boosting_classifier_test.libsvm",
        Form::Sparse(0.0),
        "sk_gradient_boosting_classifier_true_predictions.txt",
        true,
        1e-15,
    ),
    case(
        "xg_dart_agaricus.model",
        "agaricus_test.libsvm",
        Form::Sparse(f64::NAN),
        "xg_dart_agaricus_true_predictions.txt",
        true,
        1e-7,
    ),
];

/// The small models whose predictions are sums: these must come out to the bit. Those of the others have been through a function of
/// the system's, which may be off in its last bits.
const SUMS: [&str; 16] = [
    "lgb_category",
    "lgb_dart",
    "lgb_forest",
    "lgb_nothing_is_missing",
    "lgb_rank",
    "lgb_regression",
    "lgb_square_root",
    "lgb_square_root_l1",
    "lgb_zero_is_missing",
    "xgb_category",
    "xgb_dart",
    "xgb_forest",
    "xgb_logitraw",
    "xgb_onehot",
    "xgb_rank",
    "xgb_regression",
];

#[test]
fn models_of_todays_libraries_give_their_predictions() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees");
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (mut models, mut exact) = (0, 0);
    for entry in fs::read_dir(&folder).expect("the small models") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let Some((model, "json" | "ubj" | "txt")) = name.rsplit_once('.') else { continue };
        let ensemble = trees::read(&name, &fs::read(folder.join(&name)).expect("a model"));
        let ensemble = ensemble.unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        let rows = if model.starts_with("lgb") { "rows_lightgbm.tsv" } else { "rows.tsv" };
        let (rows, truth) = (table(&text(rows)), table(&text(&format!("{model}.tsv"))));
        let is_sum = SUMS.contains(&model) || model == "xgb_targets";
        let tolerance = if model.starts_with("lgb") { 1e-15 } else { 1e-6 };
        for (row, truth) in rows.iter().zip(&truth) {
            let got = ensemble.predict(row);
            let off = got.iter().zip(truth).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max);
            let same = got.len() == truth.len() && (off == 0.0 || (!is_sum && off <= tolerance));
            assert!(same, "{name}: {got:?} is not {truth:?} ({row:?})");
        }
        check_packed(&name, &ensemble, &rows);
        models += 1;
        exact += usize::from(is_sum);
    }
    assert_eq!((models, exact), (50, 34), "each model in two forms");
}

/// What old versions of LightGBM wrote, as `models/make_old_trees.py` had them do it, and whether it can be told what it means.
const OLD: [(&str, bool); 9] = [
    ("forest_binary_2_1_1", true),
    ("forest_binary_2_2_2", true),
    ("forest_binary_2_2_3", true),
    ("forest_poisson_2_1_1", true),
    // Its leaves are predictions, and could be sums.
    ("forest_poisson_2_2_2", false),
    ("forest_poisson_2_2_3", true),
    ("huber_sqrt_2_1_1", true),
    ("huber_sqrt_2_2_2", true),
    ("huber_sqrt_2_2_3", true),
];

#[test]
fn models_of_old_versions_give_their_predictions_or_are_refused() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees");
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let rows = table(&text("rows_lightgbm.tsv"));
    for (name, is_told) in OLD {
        let model = text(&format!("old/{name}.txt"));
        let ensemble = match trees::read(name, model.as_bytes()) {
            Err(errors) if !is_told => {
                assert!(errors[0].to_string().contains("MD1604"), "{name}: {errors:?}");
                continue;
            }
            read => read.unwrap_or_else(|errors| panic!("{name}: {errors:?}")),
        };
        assert!(is_told, "{name} was read");
        for (row, truth) in rows.iter().zip(table(&text(&format!("old/{name}.tsv")))) {
            let got = ensemble.predict(row);
            assert!((got[0] - truth[0]).abs() <= 1e-15 * truth[0].abs().max(1.0), "{name}: {got:?} is not {truth:?}");
        }
    }
    let unended = text("lgb_rank.txt").replace("end of trees", "");
    assert!(trees::read("unended", unended.as_bytes()).is_err(), "later versions write where the trees end");
    // What versions before 2.1 made of this is neither function alone.
    let poisson = text("lgb_poisson.txt").replacen("objective=poisson", "objective=poisson sqrt", 1);
    assert!(trees::read("poisson", poisson.as_bytes()).is_err_and(|errors| errors[0].to_string().contains("MD1604")));
}

#[test]
fn a_model_that_was_stopped_early_must_end_with_its_best_round() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees");
    for (name, rounds) in [("xgb_binary", 4), ("xgb_multiclass", 4), ("xgb_dart", 4), ("xgb_forest", 2)] {
        let text = fs::read_to_string(folder.join(format!("{name}.json"))).expect(name);
        let stopped = |best: usize| {
            let changed =
                text.replacen("\"attributes\":{}", &format!("\"attributes\":{{\"best_iteration\":\"{best}\"}}"), 1);
            assert_ne!(changed, text, "{name}");
            trees::read(name, changed.as_bytes())
        };
        assert!(stopped(rounds - 1).is_ok(), "{name}");
        let errors = stopped(rounds - 2).expect_err(name);
        assert!(errors[0].to_string().contains("booster.best_iteration + 1"), "{name}: {errors:?}");
    }
}

#[test]
fn what_is_added_in_f32_is_f32() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees");
    let bytes = fs::read(folder.join("xgb_regression.ubj")).expect("a model");
    let mut ensemble = trees::read("a model", &bytes).expect("trees");
    ensemble.base = vec![0.1];
    assert!(ensemble.check("a model").is_err(), "0.1 is no f32");
}

/// XGBoost adds the exponentials of a softmax in f64 and divides by the f32 of their sum: many small ones count, which in f32 would
/// each be lost beside 1.
#[test]
fn the_total_of_a_softmax_is_f64() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees");
    let bytes = fs::read(folder.join("xgb_multiclass.ubj")).expect("a model");
    let mut ensemble = trees::read("a model", &bytes).expect("trees");
    ensemble.trees.clear();
    ensemble.base = vec![-18.0; 1001];
    ensemble.base[0] = 0.0;
    let row = vec![0.0; ensemble.features.len()];
    let packed = trees::pack(&ensemble, "a model").expect("a forest");
    let packed = Forest::parse(&packed).expect("a forest");
    let mut got = vec![0.0; 1001];
    forest(Isa::SCALAR, &packed, &row, &mut got, &mut ForestScratch::new(&packed));
    // exp(-18) is 1.522998e-8: 1 / 1.00001522998.
    for first in [ensemble.predict(&row)[0], got[0]] {
        assert!((first - 0.999_984_770_25).abs() < 2e-7, "{first}");
    }
}

#[test]
fn a_learning_rate_may_be_a_whole_number() {
    let Some(folder) = folder() else { return };
    let bytes = fs::read(folder.join("sk_iris.model")).expect("a pickle");
    let (old, new) = (&b"Vlearning_rate\np7\nF0.1\n"[..], &b"Vlearning_rate\np7\nI1\n"[..]);
    let at = bytes.windows(old.len()).position(|window| window == old).expect("the learning rate");
    let changed = [&bytes[..at], new, &bytes[at + old.len()..]].concat();
    let [tenth, whole] = [bytes, changed].map(|bytes| trees::read("a pickle", &bytes).expect("trees"));
    let row = vec![1.0; whole.features.len()];
    for ((tenth, whole), base) in tenth.raw(&row).iter().zip(whole.raw(&row)).zip(&whole.base) {
        assert!(((tenth - base) * 10.0 - (whole - base)).abs() < 1e-12, "{tenth} and {whole}");
    }
}

#[test]
fn every_model_gives_its_true_predictions() {
    let Some(folder) = folder() else { return };
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for case in &CASES {
        let bytes = fs::read(folder.join(case.model)).expect(case.model);
        let mut ensemble =
            trees::read(case.model, &bytes).unwrap_or_else(|errors| panic!("{}: {errors:?}", case.model));
        match case.model {
            // The predictions are of half of the rounds (`ntree_limit=10`).
            "xg_dart_agaricus.model" => ensemble.trees.truncate(10),
            // `dump_model` of that version leaves the objective out.
            "lg_dart_breast_cancer.json" => ensemble.link = Link::Sigmoid(1.0),
            _ => {}
        }
        let rows = match case.form {
            Form::Table => table(&text(case.rows)),
            Form::Labelled => table(&text(case.rows)).into_iter().map(|row| row[1..].to_vec()).collect(),
            Form::Sparse(absent) => libsvm(&text(case.rows), ensemble.features.len(), absent),
        };
        let truth = table(&text(case.truth));
        assert_eq!(rows.len(), truth.len(), "{}", case.rows);
        check(case, &ensemble, &rows, &truth);
    }
}

fn check(case: &Case, ensemble: &Ensemble, rows: &[Vec<f64>], truth: &[Vec<f64>]) {
    let mut worst: f64 = 0.0;
    for (at, (row, truth)) in rows.iter().zip(truth).enumerate() {
        let got = if case.raw { ensemble.raw(row) } else { ensemble.predict(row) };
        assert_eq!(got.len(), truth.len(), "{}", case.model);
        for (got, truth) in got.iter().zip(truth) {
            let off = (got - truth).abs() / truth.abs().max(1.0);
            assert!(off <= case.tolerance, "{}: row {at}: {got} is not {truth} ({off:e})", case.model);
            worst = worst.max(off);
        }
    }
    eprintln!("{}: {} rows, {worst:e} off at most", case.model, rows.len());
    check_packed(case.model, ensemble, rows);
}

/// What is packed gives the reference's sums to the bit, on every instruction set.
pub(crate) fn check_packed(name: &str, ensemble: &Ensemble, rows: &[Vec<f64>]) {
    let ensemble = Ensemble { link: Link::Identity, ..ensemble.clone() };
    let bytes = trees::pack(&ensemble, name).expect(name);
    let packed = Forest::parse(&bytes).expect(name);
    let expected: Vec<f64> = rows.iter().flat_map(|row| ensemble.raw(row)).collect();
    for isa in Isa::available() {
        let mut got = vec![0.0; expected.len()];
        forest(isa, &packed, &rows.concat(), &mut got, &mut ForestScratch::new(&packed));
        let other = got.iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(other, None, "{name} on {isa}: a value that is not the reference's");
    }
}

#[test]
fn ensembles_in_onnx_give_what_onnx_runtime_gives() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees/onnx");
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut models = 0;
    for entry in fs::read_dir(&folder).expect("the models in ONNX") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        let Some(model) = name.strip_suffix(".onnx") else { continue };
        let ensemble = trees::read_onnx(&name, fs::read(folder.join(&name)).expect("a model"));
        let ensemble = ensemble.unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        let rows = table(&text(if model.starts_with("sk") { "rows.tsv" } else { "rows_missing.tsv" }));
        let exact = matches!(ensemble.link, Link::Identity);
        for (row, truth) in rows.iter().zip(table(&text(&format!("{model}.tsv")))) {
            let got = ensemble.predict(row);
            let off = got.iter().zip(&truth).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max);
            let same = got.len() == truth.len() && (off == 0.0 || (!exact && off <= 1e-6));
            assert!(same, "{name}: {got:?} is not {truth:?} ({row:?})");
        }
        check_packed(&name, &ensemble, &rows);
        models += 1;
    }
    assert_eq!(models, 14);
}

#[test]
fn what_onnx_has_beside_trees_or_in_their_nodes_is_refused_by_name() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trees/onnx");
    let model = fs::read(folder.join("lgb_regression.onnx")).expect("a model");
    // Names of one length, so that the file keeps its form.
    for (from, to, said) in [
        ("BRANCH_LEQ", "BRANCH_ODD", "nodes of the mode `BRANCH_ODD` are not supported"),
        ("Identity", "Identify", "operator `Identify`"),
        ("NONE", "NINE", "the function `NINE` of sums"),
        ("nodes_modes", "nodes_moods", "it has no `nodes_modes`"),
        ("target_weights", "target_wieghts", "its leaves have no weights"),
        ("target_treeids", "target_twigids", "the lists of its leaves are of different lengths"),
    ] {
        let mut changed = model.clone();
        let places: Vec<usize> =
            (0..model.len() - from.len()).filter(|&at| &model[at..at + from.len()] == from.as_bytes()).collect();
        assert!(!places.is_empty() && from.len() == to.len(), "{from}");
        places.iter().for_each(|&at| changed[at..at + to.len()].copy_from_slice(to.as_bytes()));
        let errors = trees::read_onnx("model.onnx", changed).expect_err(to);
        assert!(errors[0].to_string().contains(said), "{to}: {}", errors[0]);
    }
    for at in 0..model.len() {
        let mut changed = model.clone();
        changed[at] ^= 0xff;
        // Refused or read, and never a panic.
        let _read = trees::read_onnx("model.onnx", changed);
        let _cut = trees::read_onnx("model.onnx", model[..at].to_vec());
    }
}

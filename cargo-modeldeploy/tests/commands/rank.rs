//! A ranker from its folder to the program that has it: added, locked, held against its maker's scores, built, run and audited.

use crate::shop::{Said, Shop};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Two trees by hand. The first asks whether the brand is 0 or 2, else whether the price is at most 10, a missing price going left; the
/// second whether the price is at most 5, a missing price being 0.
const TREES: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\nobjective=lambdarank\n\
feature_names=unit_price VehBrand\nfeature_infos=[0:100] 0:1:2\ntree_sizes=300 200\n\n\
Tree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=1 0\nsplit_gain=1 1\nthreshold=0 10\ndecision_type=1 10\nleft_child=-1 -2\n\
right_child=1 -3\nleaf_value=0.5 1 2\ncat_boundaries=0 1\ncat_threshold=5\nis_linear=0\nshrinkage=1\n\n\
Tree=1\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=1\nthreshold=5\ndecision_type=2\nleft_child=-1\nright_child=-2\n\
leaf_value=0.25 -0.25\nis_linear=0\nshrinkage=0.1\n\nend of trees\n\nparameters:\n[boosting: gbdt]\nend of parameters\n";

const FEATURES: &str = "[feature.price]\ntype = \"number\"\ncolumn = \"unit_price\"\n\n\
[feature.brand]\ntype = \"category\"\ncolumn = \"VehBrand\"\nvocabulary = [\"acme\", \"globex\", \"initech\"]\n";

/// 0.5 + 0.25; 2 - 0.25; 1 - 0.25; 1 + 0.25, the price being missing; 1 + 0.25, the brand being in no vocabulary.
const GOLDEN: &str =
    "brand\tprice\tscore\nacme\t3\t0.75\nglobex\t20\t1.75\nglobex\t7\t0.75\nglobex\t\t1.25\nnobody\t3\t1.25\n";

const MAIN: &str = "#![forbid(unsafe_code)]\n#![deny(warnings)]\n\
#[modeldeploy::model(\"ranker\")]\npub struct Ranker;\n\n\
fn main() {\n    let row = |price, brand| RankerRow { price, brand };\n    \
let rows = [row(3.0, \"acme\"), row(20.0, \"globex\"), row(7.0, \"globex\"), row(f64::NAN, \"globex\"), row(3.0, \"nobody\")];\n    \
let ranked = Ranker::get().rank(&rows).expect(\"scores\");\n    \
println!(\"{:?}\", ranked.iter().map(|it| (it.row, it.score)).collect::<Vec<_>>());\n    \
println!(\"{:?}\", Ranker::get().scores(&rows).expect(\"scores\"));\n    \
println!(\"{} golden rows\", Ranker::get().self_test().expect(\"the same bits\"));\n}\n";

fn shop() -> Shop {
    let shop = Shop::empty();
    shop.write("models/ranker/model.txt", TREES);
    shop.write("models/ranker/features.toml", FEATURES);
    shop.write("models/ranker/golden.tsv", GOLDEN);
    shop
}

#[test]
fn a_ranker_is_added_locked_built_and_ranks() {
    let shop = shop();
    shop.run(&["add", "models/ranker", "--name", "ranker", "--task", "rank"])
        .code(0)
        .errs(&["2 trees, rank → 1 values"]);
    assert!(!shop.read("Cargo.toml").contains("quantize"), "trees are packed as they are");
    shop.run(&["lock"]).code(0);
    let lock = shop.read("Model.lock");
    for said in
        ["task = \"rank\"", "name = \"price\"", "kind = \"text\"", "path = \"features.toml\"", "path = \"golden.tsv\""]
    {
        assert!(lock.contains(said), "{said} is not in\n{lock}");
    }
    shop.run(&["lock", "--check"]).code(0);
    shop.run(&["lock", "--check", "--fresh"]).code(0);
    shop.run(&["inspect", "models/ranker", "--task", "rank"]).code(0).says(&["2 trees", "2 features", "5 candidates"]);
    let pack = shop.stored("pack");
    shop.run(&["inspect", &pack.display().to_string()]).code(0).says(&["2 trees, 3 questions", "16 golden rows"]);

    // A pack is made again from the store's files alone.
    let packed = fs::read(&pack).expect("the pack");
    fs::remove_file(&pack).expect("the pack is gone");
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    shop.append(
        "Cargo.toml",
        &format!("\n[dependencies]\nmodeldeploy = {{ path = {runtime:?} }}\n\n[profile.release]\nopt-level = 0\n"),
    );
    shop.write("src/main.rs", MAIN);
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(versions, shop.path("Cargo.lock")).expect("the versions that are here");
    let mut cargo = Command::new(env!("CARGO"));
    shop.prepare(cargo.args(["metadata", "--format-version=1"]));
    Said::of(&mut cargo).code(0);
    shop.run(&["build", "--release"]).code(0);
    assert!(fs::read(&pack).expect("the pack") == packed);
    let program = shop.path("target/release/shop");
    let said = Said::of(&mut Command::new(&program)).code(0).out;
    assert_eq!(
        said,
        "[(1, 1.75), (3, 1.25), (4, 1.25), (0, 0.75), (2, 0.75)]\n[0.75, 1.75, 0.75, 1.25, 1.25]\n16 golden rows\n"
    );
    shop.run(&["audit", &program.display().to_string()]).code(0).says(&[
        "ranker 0.1.0",
        "2 decision trees over 2 features",
        "every byte of its models is as locked",
    ]);

    // A feature that is missing, extra or of another type does not compile.
    let mistakes = "#[modeldeploy::model(\"ranker\")]\nstruct Ranker;\nfn main() {\n    \
                    let _ = RankerRow { price: 1.0 };\n    let _ = RankerRow { price: \"1\", brand: \"acme\" };\n    \
                    let _ = RankerRow { price: 1.0, brand: \"acme\", colour: 2 };\n}\n";
    shop.write("src/main.rs", mistakes);
    let said = shop.run(&["build", "--release"]);
    assert_ne!(said.code, Some(0), "{}", said.err);
    said.errs(&["missing field `brand`", "expected `f64`, found `&str`", "no field named `colour`"]);
}

#[test]
fn what_training_did_not_do_is_refused() {
    let shop = shop();
    shop.run(&["add", "models/ranker", "--name", "ranker", "--task", "rank"]).code(0);
    for (path, old, new, said) in [
        ("models/ranker/features.toml", "[\"acme\", \"globex\"", "[\"globex\", \"acme\"", "MD1606"),
        ("models/ranker/features.toml", "unit_price", "unit_prize", "did you mean `unit_price`"),
        ("models/ranker/golden.tsv", "1.75", "1.76", "golden.tsv:3"),
        ("models/ranker/model.txt", "right_child=1 -3", "right_child=1 -4", "a child is -4"),
        ("models/ranker/model.txt", "is_linear=0", "is_linear=1", "MD1604"),
        (
            "Cargo.toml",
            "task = \"rank\"",
            "task = \"rank\"\nquantize = \"int8\"",
            "trees are packed as they are: they have no `quantize`",
        ),
    ] {
        let text = shop.read(path);
        shop.edit(path, old, new);
        shop.run(&["lock"]).code(1).errs(&[said]);
        shop.write(path, &text);
    }
    shop.run(&["lock"]).code(0);
    shop.write("models/ranker/model.json", "{}");
    shop.run(&["lock"]).code(1).errs(&["several files of trees: model.txt, model.json"]);
}

/// A message of a protocol buffer: bytes shorter than 16 KiB under a number.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len();
    [&[number << 3 | 2, len as u8 | 0x80, (len >> 7) as u8], bytes].concat()
}

#[test]
fn trees_of_onnx_may_say_their_features_in_their_metadata() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/data/trees/onnx");
    let text = |name: &str| fs::read_to_string(data.join(name)).expect(name);
    let specification: String = ["price", "age", "stock", "clicks", "rating"]
        .iter()
        .enumerate()
        .map(|(at, name)| format!("[feature.{name}]\ntype = \"number\"\ncolumn = \"x{at}\"\n"))
        .collect();
    let shop = Shop::empty();
    let put = |specification: &str| {
        let entry = [field(1, b"modeldeploy.features"), field(2, specification.as_bytes())].concat();
        // `metadata_props` of the model, after all that it has.
        let model = [fs::read(data.join("lgb_regression.onnx")).expect("a model"), field(14, &entry)].concat();
        fs::write(shop.path("models/ranker/model.onnx"), model).expect("the model");
    };
    let rows = text("rows_missing.tsv").replace("nan", "");
    let scored = rows.lines().zip(text("lgb_regression.tsv").lines().map(str::to_owned).collect::<Vec<_>>());
    let golden: String = scored.map(|(row, score)| format!("{row}\t{score}\n")).collect();
    shop.write("models/ranker/golden.tsv", &format!("price\tage\tstock\tclicks\trating\tscore\n{golden}"));
    put(&specification);
    shop.run(&["add", "models/ranker", "--name", "ranker", "--task", "rank"]).code(0).errs(&["5 trees"]);
    shop.run(&["lock"]).code(0);
    let lock = shop.read("Model.lock");
    for name in ["price", "age", "stock", "clicks", "rating"] {
        assert!(lock.contains(&format!("name = \"{name}\"")), "{name} is not in\n{lock}");
    }
    shop.run(&["lock", "--check", "--fresh"]).code(0);

    // Its scores are held against what it computes, and errors say where the features stand.
    shop.edit("models/ranker/golden.tsv", "price\tage", "age\tprice");
    shop.run(&["lock"]).code(1).errs(&["MD1606", "golden.tsv:"]);
    shop.edit("models/ranker/golden.tsv", "age\tprice", "price\tage");
    put(&specification.replace("x4", "x5"));
    shop.run(&["lock"]).code(1).errs(&["MD1605", "metadata `modeldeploy.features`", "x5"]);
    // A file says more than the metadata.
    shop.write("models/ranker/features.toml", &specification);
    shop.run(&["lock"]).code(0);
    fs::remove_file(shop.path("models/ranker/features.toml")).expect("no file");
    put(&specification);

    // Trees are not scored in batches: there is nothing to bound.
    shop.edit("Cargo.toml", "task = \"rank\"", "task = \"rank\"\nmax-batch = 8");
    shop.run(&["lock"]).code(1).errs(&["MD0701", "trees are packed as they are: they have no `max-batch`"]);
}

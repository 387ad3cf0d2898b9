//! A recommender in ONNX from its folder to the program that has it: added, locked, held against its maker's scores and its suite, built, run
//! and audited.

use crate::shop::{Said, Shop};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Two towers of `compiler/tests/onnx/make_rankers.py`: a user and a profile of two numbers; items with a brand and a price.
const MODEL: &str = "../compiler/tests/data/onnx/rankers/towers-torchscript.onnx";

const FEATURES: &str = r#"[feature.user]
of = "user"
type = "id"
size = 20
unknown-id = 0
[feature.age]
of = "user"
column = "profile[0]"
type = "number"
default = 0
[feature.visits]
of = "user"
column = "profile[1]"
type = "number"
mean = 3
std = 2
default = 0
[feature.item]
type = "id"
size = 40
[feature.brand]
type = "category"
vocabulary = ["acme", "globex", "initech", "hooli", "umbrella"]
first-id = 1
unknown-id = 0
[feature.price]
type = "number"
mean = 10
std = 4
"#;

/// The scores are those of ONNX Runtime 1.23 for user 3 with the profile [0.5, -1] and (7, 1, 0.25), (0, 0, -0.5), (39, 5, 1.5).
const GOLDEN: &str = r#"{"user": {"user": 3, "age": 0.5, "visits": 1}, "candidates": [{"item": 7, "brand": "acme", "price": 11}, {"item": 0, "brand": "nobody", "price": 8}, {"item": 39, "brand": "umbrella", "price": 16}], "scores": [-3.4743382930755615, -4.173473358154297, -1.0734469890594482]}
"#;

const SUITE: &str = "kind = \"requests\"\nmetrics = [\"ndcg@10\", \"auc\"]\n[requests]\nfile = \"requests.jsonl\"\n";

const MAIN: &str = "#![forbid(unsafe_code)]\n#![deny(warnings)]\n\
#[modeldeploy::model(\"towers\")]\npub struct Towers;\n\n\
fn main() {\n    let row = |item, brand, price| TowersRow { item, brand, price };\n    \
let rows = [row(7.0, \"acme\", 11.0), row(0.0, \"nobody\", 8.0), row(39.0, \"umbrella\", 16.0)];\n    \
let user = TowersUser { user: 3.0, age: 0.5, visits: 1.0 };\n    \
let ranked = Towers::get().rank_for(&user, &rows).expect(\"scores\");\n    \
println!(\"{:?}\", ranked.iter().map(|it| it.row).collect::<Vec<_>>());\n    \
println!(\"{}\", Towers::get().scores_for(&user, &rows).expect(\"scores\").iter().map(f64::to_string).collect::<Vec<_>>().join(\" \"));\n    \
println!(\"{} golden requests\", Towers::get().self_test().expect(\"the same bits\"));\n    \
let error = Towers::get().rank_for(&user, &[row(40.0, \"acme\", 1.0)]).expect_err(\"no such item\");\n    \
println!(\"{error}\");\n}\n";

fn shop() -> Shop {
    let shop = Shop::empty();
    let model = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(MODEL)).expect("the model");
    shop.write("models/towers/features.toml", FEATURES);
    fs::write(shop.path("models/towers/model.onnx"), model).expect("the folder is there");
    shop.write("models/towers/golden.jsonl", GOLDEN);
    let labelled = GOLDEN
        .replace("\"scores\": [-3.4743382930755615, -4.173473358154297, -1.0734469890594482]", "\"labels\": [1, 0, 0]");
    shop.write("eval/requests.jsonl", &labelled);
    shop.write("eval/towers.toml", SUITE);
    shop
}

#[test]
fn a_network_is_added_locked_measured_built_and_ranks_for_a_user() {
    let shop = shop();
    shop.run(&["add", "models/towers", "--name", "towers", "--task", "rank"])
        .code(0)
        .errs(&["a network of ", "rank → 1 values"]);
    let gate = "gate = { suite = \"eval/towers.toml\", metric = \"auc\", min-ratio = 0.99 }";
    shop.edit("Cargo.toml", "task = \"rank\"", &format!("task = \"rank\"\n{gate}"));
    shop.run(&["lock"]).code(0).says(&["towers 0.1.0 (rank, int8)", "ndcg@10", "3 candidates, 1 requests measured"]);
    let lock = shop.read("Model.lock");
    for said in [
        "side = \"user\"",
        "quantize = \"int8\"",
        "path = \"model.onnx\"",
        "path = \"golden.jsonl\"",
        "metric = \"auc\"",
    ] {
        assert!(lock.contains(said), "{said} is not in\n{lock}");
    }
    shop.run(&["lock", "--check", "--fresh"]).code(0);
    shop.run(&["eval", "towers"]).code(0).says(&["auc", "1.000000"]);
    shop.run(&["inspect", "models/towers", "--task", "rank"]).code(0).says(&[
        "a network of",
        "6 features",
        "3 candidates",
    ]);
    let pack = shop.stored("pack");
    shop.run(&["inspect", &pack.display().to_string()]).code(0).says(&["linear_i8", "dot", "candidates, "]);

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
    let lines: Vec<&str> = said.lines().collect();
    let scores: Vec<f64> = lines[1].split(' ').map(|score| score.parse().expect("a number")).collect();
    assert_eq!(lines[0], "[2, 0, 1]");
    // In 8 bit, of a temperature that makes scores of 14 times a cosine.
    for (score, expected) in scores.iter().zip([-3.4743382930755615, -4.173473358154297, -1.0734469890594482]) {
        assert!((score - expected).abs() < 0.25, "{scores:?}");
    }
    assert_eq!(lines[2], "8 golden requests");
    assert_eq!(lines[3].split(" of ").next(), Some("row 0: 40"), "{said}");
    shop.run(&["audit", &program.display().to_string()]).code(0).says(&[
        "towers 0.1.0",
        "linear layers over 6 features",
        "every byte of its models is as locked",
    ]);
}

#[test]
fn tables_have_4_bits_where_the_manifest_says_so_and_layers_never() {
    let shop = shop();
    shop.run(&["add", "models/towers", "--name", "towers", "--task", "rank"]).code(0);
    let settings = "quantize = { default = \"int8\", embeddings = \"int4\" }\n\
        gate = { suite = \"eval/towers.toml\", metric = \"auc\", min-ratio = 0.99 }";
    shop.edit("Cargo.toml", "task = \"rank\"", &format!("task = \"rank\"\n{settings}"));
    shop.run(&["lock"]).code(0).says(&["auc", "1.000000"]);
    assert!(shop.read("Model.lock").contains("\"quantize.embeddings\" = \"int4\""), "{}", shop.read("Model.lock"));
    shop.run(&["lock", "--check", "--fresh"]).code(0);
    shop.edit("Cargo.toml", "quantize = { default = \"int8\", embeddings = \"int4\" }", "quantize = \"int4\"");
    shop.run(&["lock"]).code(1).errs(&["MD0506", "a linear layer cannot be `int4`", "embeddings = \"int4\""]);
}

#[test]
fn how_many_candidates_are_scored_together_is_for_the_manifest_to_say() {
    let shop = shop();
    shop.run(&["add", "models/towers", "--name", "towers", "--task", "rank", "--max-batch", "2"]).code(0);
    shop.run(&["lock"]).code(0);
    assert!(shop.read("Model.lock").contains("max-batch = \"2\""), "{}", shop.read("Model.lock"));
    shop.run(&["lock", "--check", "--fresh"]).code(0);
    for (batch, said) in [
        ("0", "a whole number from 1"),
        ("4097", "4097 candidates are too many to be scored together"),
        ("\"2\"", "a whole number from 1"),
    ] {
        let text = shop.read("Cargo.toml");
        shop.edit("Cargo.toml", "max-batch = 2", &format!("max-batch = {batch}"));
        shop.run(&["lock"]).code(1).errs(&["MD0701", said]);
        shop.write("Cargo.toml", &text);
    }
}

#[test]
fn what_is_not_the_network_that_was_trained_is_refused() {
    let shop = shop();
    shop.run(&["add", "models/towers", "--name", "towers", "--task", "rank", "--quantize", "f32", "--max-length", "9"])
        .code(0);
    let manifest = shop.read("Cargo.toml");
    assert!(manifest.contains("quantize = \"f32\"") && manifest.contains("max-length = 9"), "{manifest}");
    for (path, old, new, said) in [
        ("models/towers/features.toml", "\"acme\", \"globex\"", "\"globex\", \"acme\"", "MD1606"),
        ("models/towers/features.toml", "mean = 10", "mean = 11", "golden.jsonl:1"),
        (
            "models/towers/features.toml",
            "size = 40",
            "size = 41",
            "ids below 41, and the model's table for it has 40 rows",
        ),
        ("models/towers/features.toml", "profile[1]", "profile[2]", "the model has no feature `profile[2]`"),
        (
            "models/towers/features.toml",
            "[feature.item]\n",
            "[feature.item]\nof = \"session\"\n",
            "its axis `candidates` is that of the candidates",
        ),
        (
            "models/towers/features.toml",
            "\"umbrella\"]\nfirst-id = 1\nunknown-id = 0",
            "\"umbrella\"]",
            "an `unknown-id`",
        ),
        ("models/towers/golden.jsonl", "\"item\": 39", "\"item\": 40", "40 of feature `item` is no id below 40"),
        ("Cargo.toml", "max-length", "max-tokens", "a model that does `rank` has no `max-tokens`"),
    ] {
        let text = shop.read(path);
        shop.edit(path, old, new);
        shop.run(&["lock"]).code(1).errs(&[said]);
        shop.write(path, &text);
    }
    // A gate that the network is under.
    let gate = "gate = { suite = \"eval/towers.toml\", metric = \"auc\", min = 0.9 }";
    shop.edit("Cargo.toml", "task = \"rank\"", &format!("task = \"rank\"\n{gate}"));
    shop.run(&["lock"]).code(3).errs(&["MD0610", "`auc` of the pack is 0.500000, 0.400000 under 0.9"]);
    shop.edit("eval/requests.jsonl", "[1, 0, 0]", "[0, 0, 0]");
    shop.run(&["lock"]).code(1).errs(&["cannot be measured: no request has a relevant candidate"]);
}

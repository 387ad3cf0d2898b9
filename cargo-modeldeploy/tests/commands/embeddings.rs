//! A ranker that takes embeddings of an encoder of the same lock: locked against its space, locked again with it, refused without it.

use crate::shop::{Said, Shop};
use modeldeploy_format::Digest;
use modeldeploy_format::features::{EmbeddingOf, Kind};
use modeldeploy_format::lock::Lock;
use std::fs;
use std::path::Path;
use std::process::Command;

/// `matched` of `compiler/tests/onnx/make_embeddings.py`: a query and titles of 16 values, and a price.
const MODEL: &str = "../compiler/tests/data/onnx/rankers/matched.onnx";

const FEATURES: &str = r#"[feature.query]
of = "user"
type = "embedding"
model = "encoder"
[feature.title]
type = "embedding"
model = "encoder"
column = "title[0..16]"
[feature.price]
type = "number"
mean = 10
std = 4
"#;

const ENTRY: &str = "\n[package.metadata.modeldeploy.model.a-ranker]\nsource = \"models/matched\"\ntask = \"rank\"\n\
                     version = \"0.1.0\"\nquantize = \"f32\"\n";

/// Those of ONNX Runtime 1.32 for the vectors below and the prices 0.25 and -1.5, as they are after the feature's rule.
const SCORES: [f64; 2] = [-0.474_533_706_903_457_64, 0.071_345_746_517_181_4];

/// Sixteen values of a vector, which no two of these numbers have alike.
fn vector(times: usize, plus: usize) -> Vec<f32> {
    (0..16).map(|at| ((times * at + plus) % 16) as f32 / 16.0 - 0.5).collect()
}

fn golden() -> String {
    let [query, one, two] = [(7, 0), (5, 3), (3, 1)].map(|(times, plus)| vector(times, plus));
    format!(
        "{{\"user\": {{\"query\": {query:?}}}, \"candidates\": [{{\"title\": {one:?}, \"price\": 11}}, \
         {{\"title\": {two:?}, \"price\": 4}}], \"scores\": {SCORES:?}}}\n"
    )
}

const MAIN: &str = "#![forbid(unsafe_code)]\n#![deny(warnings)]\n\
#[modeldeploy::model(\"encoder\")]\npub struct Encoder;\n\
#[modeldeploy::model(\"a-ranker\", embeddings(query = Encoder, title = Encoder))]\npub struct Ranker;\n\n\
fn vector(times: usize, plus: usize) -> modeldeploy::Embedding<Encoder> {\n    \
let values = (0..16).map(|at| ((times * at + plus) % 16) as f32 / 16.0 - 0.5).collect();\n    \
modeldeploy::Embedding::from_values(values).expect(\"16 values\")\n}\n\n\
fn main() {\n    let (query, one, two) = (vector(7, 0), vector(5, 3), vector(3, 1));\n    \
let rows = [RankerRow { title: &one, price: 11.0 }, RankerRow { title: &two, price: 4.0 }];\n    \
let scores = Ranker::get().scores_for(&RankerUser { query: &query }, &rows).expect(\"scores\");\n    \
println!(\"{}\", scores.iter().map(f64::to_string).collect::<Vec<_>>().join(\" \"));\n    \
let tea = Encoder::get().embed(\"tea pot\").expect(\"a vector\");\n    \
let ranked = Ranker::get().rank_for(&RankerUser { query: &tea }, &rows).expect(\"an order\");\n    \
println!(\"{}\", ranked.len());\n    \
println!(\"{} golden requests\", Ranker::get().self_test().expect(\"the same bits\"));\n}\n";

/// A shop with an encoder and a ranker, which goes before it by name.
fn shop() -> Shop {
    let shop = Shop::with_encoder("");
    let model = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(MODEL)).expect("the model");
    shop.write("models/matched/features.toml", FEATURES);
    shop.write("models/matched/golden.jsonl", &golden());
    fs::write(shop.path("models/matched/model.onnx"), model).expect("the folder is there");
    shop.append("Cargo.toml", ENTRY);
    shop
}

/// The encoder's space, that of each embedding of the ranker, and the ranker's pack.
fn locked(shop: &Shop) -> (Digest, Vec<Digest>, Digest) {
    let lock = Lock::parse(&shop.read("Model.lock")).expect("a lock");
    let (encoder, ranker) = (lock.model("encoder").expect("it"), lock.model("a-ranker").expect("it"));
    let spaces = ranker.signature.embeddings().map(|of| of.space).collect();
    (encoder.space, spaces, ranker.packs[0].digest)
}

#[test]
fn a_ranker_takes_embeddings_of_the_locked_encoder_and_gives_its_makers_scores() {
    let shop = shop();
    shop.run(&["inspect", "models/matched", "--task", "rank"]).code(0).says(&[
        "3 features",
        "query (embedding of `encoder`, 16 values)",
        "2 candidates",
    ]);
    shop.run(&["lock"]).code(0);
    let (space, spaces, _) = locked(&shop);
    assert_eq!(spaces, [space; 2]);
    shop.run(&["lock"]).code(0).errs(&["Fresh 2 models"]);
    shop.run(&["lock", "--check", "--fresh"]).code(0);
    shop.run(&["inspect", "a-ranker"]).code(0).says(&["title (embedding of `encoder`, 16 values)"]);

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
    // A clone has no store: the encoder's and the ranker's packs are made again from their folders.
    fs::remove_dir_all(shop.path(".modeldeploy")).expect("removed");
    shop.run(&["build", "--release"]).code(0);
    let said = Said::of(&mut Command::new(shop.path("target/release/shop"))).code(0).out;
    let lines: Vec<&str> = said.lines().collect();
    let scores: Vec<f64> = lines[0].split(' ').map(|score| score.parse().expect("a number")).collect();
    assert_eq!(scores.len(), 2);
    for (score, expected) in scores.iter().zip(SCORES) {
        assert!((score - expected).abs() < 1e-5, "{scores:?}");
    }
    assert_eq!(lines[1..], ["2", "8 golden requests"]);
}

#[test]
fn a_ranker_follows_its_encoder_into_another_space() {
    let shop = shop();
    shop.run(&["lock"]).code(0);
    let before = locked(&shop);
    // Named is the encoder alone.
    shop.edit("Cargo.toml", "task = \"embed\"\n", "task = \"embed\"\nquantize = \"f32\"\n");
    shop.run(&["lock", "--check"]).code(4).errs(&["MD0704"]);
    shop.run(&["lock", "encoder"]).code(0);
    let after = locked(&shop);
    assert_ne!(before.0, after.0);
    assert_eq!(after.1, [after.0; 2]);
    assert_ne!(before.2, after.2, "the pack says whose embeddings it takes");
    shop.run(&["lock", "--check"]).code(0);

    // What was merged from two locks goes together by chance alone.
    let lock = shop.read("Model.lock");
    shop.forge(|lock| {
        let ranker = lock.models.iter_mut().find(|model| model.name == "a-ranker").expect("it");
        let of = EmbeddingOf { model: "encoder".into(), space: before.0, width: 16 };
        ranker.signature.features[0].kind = Kind::Embedding(of);
        ranker.signature_digest = Digest::of(&ranker.signature.encode());
    });
    let said = "`a-ranker` takes embeddings of another version of `encoder`";
    shop.run(&["build"]).code(1).errs(&["MD0703", said]);
    shop.write("Model.lock", &lock);

    shop.run(&["remove", "encoder"]).code(0).errs(&["`a-ranker` takes embeddings of `encoder`"]);
    shop.run(&["lock"]).code(1).errs(&["MD1605", "embedding of `encoder`, which is not locked"]);
}

#[test]
fn what_no_encoder_makes_is_refused_with_the_feature() {
    let shop = shop();
    fs::remove_file(shop.path("models/matched/golden.jsonl")).expect("removed");
    let rest = "column = \"title[0..15]\"\n[feature.last]\ntype = \"number\"\ncolumn = \"title[15]\"";
    for (old, new, said) in [
        (
            "model = \"encoder\"\n[feature.title]",
            "model = \"encodr\"\n[feature.title]",
            "feature `query` is an embedding of `encodr`, which is not locked; did you mean `encoder`?",
        ),
        (
            "model = \"encoder\"\n[feature.title]",
            "model = \"a-ranker\"\n[feature.title]",
            "feature `query` is an embedding of `a-ranker`, which",
        ),
        (
            "column = \"title[0..16]\"",
            rest,
            "feature `title` has 15 columns of the model, and `encoder` makes vectors of 16 values",
        ),
        ("title[0..16]", "title[0..17]", "the model has no feature `title[0..17]`"),
        ("of = \"user\"", "of = \"session\"", "the items of a session have no embeddings"),
        ("model = \"encoder\"\ncolumn", "column", "`model` of `feature.title` is missing"),
    ] {
        shop.edit("models/matched/features.toml", old, new);
        let (message, help) = said.split_once("; ").unwrap_or((said, ""));
        shop.run(&["lock"]).code(1).errs(&["MD1605", "features.toml", message, help]);
        shop.write("models/matched/features.toml", FEATURES);
    }
    shop.write("models/matched/golden.jsonl", &golden().replacen("[-0.5, ", "[", 1));
    shop.run(&["lock"])
        .code(1)
        .errs(&["golden.jsonl:1", "the embedding `query` has 15 values, and its model makes 16"]);
}

/// One tree by hand: whether the second value of the title is at most 0.25, and the fifth of the query at most -0.5.
fn trees() -> String {
    let names: Vec<String> =
        (0..16).map(|at| format!("q{at}")).chain((0..16).map(|at| format!("title_{at}"))).collect();
    format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=31\nobjective=lambdarank\n\
         feature_names={}\nfeature_infos={}\ntree_sizes=300\n\nTree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=17 4\n\
         split_gain=1 1\nthreshold=0.25 -0.5\ndecision_type=2 2\nleft_child=1 -1\nright_child=-2 -3\nleaf_value=1 2 4\n\
         is_linear=0\nshrinkage=1\n\nend of trees\n\nparameters:\n[boosting: gbdt]\nend of parameters\n",
        names.join(" "),
        vec!["[-1:1]"; 32].join(" "),
    )
}

#[test]
fn trees_take_embeddings_as_columns_that_are_numbered() {
    let shop = Shop::with_encoder("");
    shop.write("models/trees/model.txt", &trees());
    let of = |name: &str, column: &str| {
        format!("[feature.{name}]\ntype = \"embedding\"\nmodel = \"encoder\"\ncolumn = \"{column}\"\n")
    };
    let features = format!("{}{}", of("query", "q[0..16]"), of("title", "title_[0..16]"));
    shop.write("models/trees/features.toml", &features);
    // Left of both, right of the first, left of the first and right of the second.
    let value =
        |at: usize, value: f32| -> Vec<f32> { (0..16).map(|it| if it == at { value } else { 0.125 }).collect() };
    let lines = [(-0.5, 0.25, 1), (-0.5, 0.26, 2), (-0.4, 0.25, 4)]
        .map(|(query, title, score)| format!("{:?}\t{:?}\t{score}\n", value(1, title), value(4, query)));
    shop.write("models/trees/golden.tsv", &format!("title\tquery\tscore\n{}", lines.concat()));
    let entry = ENTRY.replace("models/matched", "models/trees").replace("quantize = \"f32\"\n", "");
    shop.append("Cargo.toml", &entry);
    shop.run(&["lock"]).code(0);
    let (space, spaces, _) = locked(&shop);
    assert_eq!(spaces, [space; 2]);
    shop.run(&["lock", "--check", "--fresh"]).code(0);
    // The pack is made again: of a clone from its folder, of the store's own files without it.
    fs::remove_dir_all(shop.path(".modeldeploy")).expect("removed");
    shop.run(&["build"]).code(0);
    for pack in shop.files(".modeldeploy").iter().filter(|path| path.extension().is_some_and(|it| it == "pack")) {
        fs::remove_file(pack).expect("a pack is gone");
    }
    shop.run(&["build"]).code(0);
    shop.edit("models/trees/golden.tsv", "\t4\n", "\t3\n");
    shop.run(&["lock"]).code(1).errs(&["MD1606", "golden.tsv:4"]);
}

#[test]
fn a_fixed_batch_beside_a_session_is_added_and_inspected() {
    let shop = Shop::empty();
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/data/onnx/rankers/fixed/recent.onnx");
    shop.write(
        "models/recent/features.toml",
        "[feature.seen]\nof = \"session\"\ncolumn = \"session\"\ntype = \"id\"\nsize = 40\nunknown-id = 0\n\
         [feature.item]\ntype = \"id\"\nsize = 40\n\
         [feature.age]\nof = \"user\"\ncolumn = \"profile[0]\"\ntype = \"number\"\n\
         [feature.visits]\nof = \"user\"\ncolumn = \"profile[1]\"\ntype = \"number\"\n\
         [feature.spent]\nof = \"user\"\ncolumn = \"profile[2]\"\ntype = \"number\"\n",
    );
    shop.write("models/recent/golden.jsonl", RECENT);
    fs::copy(model, shop.path("models/recent/model.onnx")).expect("the model");
    let inspect = ["inspect", "models/recent", "--task", "rank"];
    shop.run(&inspect).code(1).errs(&["MD1605", "the model has no feature `item`", "MD0116", "`--max-batch 4`"]);
    shop.run(&[&inspect[..], &["--max-batch", "4"]].concat()).code(0).says(&["5 features", "6 candidates"]);
    shop.run(&[&inspect[..], &["--max-batch", "5000"]].concat()).code(2);
    let add = ["add", "models/recent", "--name", "recent", "--task", "rank", "--quantize", "f32", "--max-batch", "4"];
    shop.run(&add).code(0);
    // Held against what ONNX Runtime gives, of more candidates than the file has.
    shop.run(&["lock"]).code(0);
    shop.run(&["lock", "--check", "--fresh"]).code(0);
}

/// The scores are those of ONNX Runtime 1.32 for a session of 3, 39 and 17 and the profile [0.5, -1, 2].
const RECENT: &str = r#"{"user": {"age": 0.5, "visits": -1, "spent": 2}, "session": {"seen": [3, 39, 17]}, "candidates": [{"item": 0}, {"item": 21}, {"item": 39}, {"item": 7}, {"item": 8}, {"item": 30}], "scores": [1.10769522190094, -1.2322845458984375, 1.124145746231079, -0.022742420434951782, -0.64786696434021, 0.6530722379684448]}
"#;

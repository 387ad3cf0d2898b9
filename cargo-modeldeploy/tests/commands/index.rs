//! Indexes: vectors of a file, made by the locked pack.

use crate::shop::Shop;
use modeldeploy_format::Digest;
use modeldeploy_format::index::Vectors;
use modeldeploy_format::lock::LockedIndex;
use modeldeploy_format::pack::Aligned;

const INDEX: &str = "\n[package.metadata.modeldeploy.index.products]\nmodel = \"encoder\"\n\
                     source = \"eval/products.jsonl\"\nid = \"id\"\ntext = \"{title}\"\n";

#[test]
fn an_index_follows_its_file_and_leaves_with_its_model() {
    let shop = Shop::with_encoder("");
    shop.append("Cargo.toml", INDEX);
    shop.run(&["lock"]).code(0).says(&["products (index)", "4 vectors of 16 by encoder"]);
    let lock = shop.read("Model.lock");
    shop.run(&["lock"]).code(0).errs(&["Fresh 1 model"]);
    shop.run(&["lock", "--check"]).code(0);
    assert!(std::fs::read(shop.stored("index")).expect("the index").len() > 4 * 16 * 4);

    shop.append("eval/products.jsonl", "{\"id\": \"p5\", \"title\": \"Tea\"}\n");
    for command in [&["lock", "--check"][..], &["build"]] {
        shop.run(command).code(4).errs(&["MD0704", "index `products`", "another file"]);
    }
    let report = shop.run(&["lock", "--format", "json"]).code(0).json();
    assert_eq!((&report["indexes"][0]["rows"], &report["models"][0]["kept"]), (&5.into(), &true.into()));
    assert_ne!(shop.read("Model.lock"), lock);

    shop.run(&["remove", "encoder"]).code(0).errs(&["model `encoder`", "index `products`, which it made"]);
    shop.run(&["lock"]).code(0);
    assert!(!shop.read("Model.lock").contains("products"));
}

#[test]
fn a_check_makes_the_vectors_again() {
    let shop = Shop::with_encoder("");
    shop.append("Cargo.toml", INDEX);
    shop.run(&["lock"]).code(0);
    let lock = shop.read("Model.lock");
    shop.forge(|lock| lock.indexes[0].digest = Digest::from_bytes([0; 32]));
    // The vectors come from the pack that the check has made: the store is not needed.
    std::fs::remove_dir_all(shop.path(".modeldeploy")).expect("removed");
    shop.run(&["lock", "--check"]).code(4).errs(&[
        "MD0704",
        "the index `products` is not as locked",
        "0000, now sha256:",
    ]);
    shop.write("Model.lock", &lock);
    shop.run(&["lock", "--check"]).code(0);
    assert!(!shop.path(".modeldeploy").exists());
}

#[test]
fn an_index_of_int8_has_a_quarter_of_the_bytes_and_the_same_meaning() {
    let vectors = |quantize: &str| {
        let shop = Shop::with_encoder("");
        shop.append("Cargo.toml", &format!("{INDEX}{quantize}"));
        shop.run(&["lock"]).code(0);
        let bytes = std::fs::read(shop.stored("index")).expect("the index");
        let vectors = Vectors::parse(&Aligned::copy(&bytes)).map(|it| (0..4).map(|row| it.vector(row)).collect());
        let vectors: Vec<Vec<f32>> = vectors.expect("an index");
        shop.run(&["lock", "--check"]).code(0);
        (bytes.len(), vectors)
    };
    let (exact, int8) = (vectors(""), vectors("quantize = \"int8\"\n"));
    // 16 rows of codes, for four are filled up to a panel, with a scale and a sum for each of the four; the rest is alike.
    assert_eq!(int8.0, exact.0 - 4 * 16 * 4 + 16 * 16 + 4 * 8);
    for (exact, int8) in exact.1.iter().zip(&int8.1) {
        let dot: f32 = exact.iter().zip(int8).map(|(a, b)| a * b).sum();
        let norm: f32 = int8.iter().map(|value| value * value).sum();
        assert!(exact != int8 && (dot / norm.sqrt() - 1.0).abs() < 1e-3, "{dot}");
    }
    let shop = Shop::with_encoder("");
    shop.append("Cargo.toml", &format!("{INDEX}quantize = \"bf16\"\n"));
    shop.run(&["lock"]).code(1).errs(&["an index cannot be quantized to `bf16`", "write \"f32\" or \"int8\""]);
}

#[test]
fn a_check_compares_all_that_an_index_is_locked_with() {
    let shop = Shop::with_encoder("");
    shop.append("Cargo.toml", INDEX);
    shop.run(&["lock"]).code(0);
    let lock = shop.read("Model.lock");
    type Change = fn(&mut LockedIndex);
    let changes: [(&str, Change); 4] = [
        ("its package was till, now shop", |index| index.package = "till".into()),
        ("its source was eval/others.jsonl, now eval/products.jsonl", |index| {
            index.source = "eval/others.jsonl".into()
        }),
        ("its rows was 5, now 4", |index| index.rows = 5),
        ("its size was 1, now ", |index| index.size = 1),
    ];
    for (said, change) in changes {
        shop.forge(|lock| change(&mut lock.indexes[0]));
        shop.run(&["lock", "--check"]).code(4).errs(&["MD0704", "the index `products` is not as locked", said]);
        shop.write("Model.lock", &lock);
    }
}

#[test]
fn an_index_of_no_model_or_of_a_bad_file_is_refused() {
    let shop = Shop::with_encoder("");
    shop.append("Cargo.toml", &INDEX.replace("\"encoder\"", "\"encodr\""));
    shop.run(&["lock"]).code(1).errs(&["MD0708", "encodr", "did you mean `encoder`?"]);
    shop.edit("Cargo.toml", "\"encodr\"", "\"encoder\"");
    shop.append("eval/products.jsonl", "{\"id\": \"p1\", \"title\": \"Twice\"}\n");
    shop.run(&["lock"]).code(1).errs(&["p1", "products.jsonl:5"]);
    assert!(!shop.path("Model.lock").exists());
}

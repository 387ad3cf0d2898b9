//! `inspect`: folders, locked models, packs.

use crate::shop::{CLASSIFY, EMBED, Shop};
use modeldeploy::session::{Capacity, Session};
use modeldeploy_format::Artifact;
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::program::Rows;

#[test]
fn a_folder_is_shown_before_it_is_added() {
    let shop = Shop::empty();
    shop.has(EMBED);
    shop.has(CLASSIFY);
    let folder = format!("models/{EMBED}");
    let said = shop.run(&["inspect", &folder]).code(0);
    said.says(&["embed: texts of at most", "16 values of unit length", "operators", "layer_norm"]);
    let facts = shop.run(&["inspect", &folder, "--format", "json"]).code(0).json();
    assert_eq!(facts["signature"]["outputs"], 16);
    // 160 words, 32 positions and 2 types, 16 wide, are the tables alone.
    assert!(facts["weight-bytes"].as_u64().is_some_and(|bytes| bytes > (160 + 32 + 2) * 16 * 4), "{facts}");
    let said = shop.run(&["inspect", &format!("models/{CLASSIFY}"), "--task", "classify"]).code(0);
    said.says(&["labels: negative, neutral, positive"]);
}

#[test]
fn a_locked_model_is_shown_by_its_name_and_its_pack_by_its_path() {
    let shop = Shop::locked("license = \"MIT\"\n");
    let said = shop.run(&["inspect", "encoder"]).code(0);
    let said =
        said.says(&["encoder 0.1.0 of package `shop`", "license MIT", "quantize = int8", "golden vectors", "steps"]);
    let pack = shop.stored("pack");
    let path = pack.to_str().expect("UTF-8");
    let alone = shop.run(&["inspect", path]).code(0);
    let steps = |text: &str| text.split_once("\nsteps").expect("steps").1.to_owned();
    assert_eq!(steps(&alone.out), steps(&said.out));
    let facts = shop.run(&["inspect", path, "--format", "json"]).code(0).json();
    assert_eq!(facts["size"], std::fs::metadata(&pack).expect("the pack").len());
    let locked = shop.run(&["inspect", "encoder", "--format", "json"]).code(0).json();
    assert_eq!(locked["pack"], facts);
    assert_eq!(locked["locked"]["name"], "encoder");

    std::fs::remove_dir_all(shop.path(".modeldeploy")).expect("removed");
    shop.run(&["inspect", "encoder"]).code(0).errs(&["cargo modeldeploy build"]);
}

#[test]
fn the_memory_shown_is_that_of_a_session() {
    let shop = Shop::locked("");
    let pack = shop.stored("pack");
    let path = pack.to_str().expect("UTF-8");
    let bytes = Aligned::copy(&std::fs::read(&pack).expect("the pack"));
    let artifact = Artifact::parse(&bytes).expect("a pack");
    let longest = artifact.signature().max_tokens as usize;
    for (flags, tokens, texts) in [
        (&[][..], longest, 1),
        (&["--tokens", "1"], 1, 1),
        (&["--tokens", "4096", "--texts", "64"], 4096, 64),
        (&["--texts", "3"], longest, 3),
    ] {
        let memory = Session::new(&artifact, Capacity::new(tokens, texts)).expect("a session").memory();
        let facts = shop.run(&[&["inspect", path, "--format", "json"], flags].concat()).code(0).json();
        assert_eq!(facts["arena"], serde_json::json!({"tokens": tokens, "texts": texts, "bytes": memory}), "{flags:?}");
        let program = artifact.program();
        for (fact, rows) in [("token-bytes", Rows::Tokens), ("text-bytes", Rows::Texts)] {
            assert_eq!(facts[fact], program.row_bytes(rows), "{fact}");
        }
    }
    let said = shop.run(&["inspect", "encoder", "--tokens", "4096", "--texts", "64"]).code(0);
    said.says(&["for each token of a batch", "for 4096 tokens of 64 texts, scratch included"]);
    shop.run(&["inspect", path, "--tokens", "0"]).code(2);
}

#[test]
fn a_locked_models_name_comes_before_a_folder_of_that_name() {
    let shop = Shop::empty();
    shop.has(EMBED);
    let folder = format!("models/{EMBED}");
    let entry = "\n[package.metadata.modeldeploy.model.bert-embed]\nsource = \"models/bert-embed\"\ntask = \"embed\"\nversion = \"0.1.0\"\n\
                 calibration = \"eval/texts.txt\"\n";
    shop.append("Cargo.toml", entry);
    shop.run(&["lock"]).code(0);
    let moved = shop.path(EMBED);
    std::fs::rename(shop.path(&folder), &moved).expect("a folder beside the manifest");
    shop.run(&["inspect", EMBED]).code(0).says(&["of package `shop`", "golden vectors"]);
    let path = shop.run(&["inspect", &format!("./{EMBED}")]).code(0).says(&["operators"]);
    assert!(!path.out.contains("of package"), "{}", path.out);
    // Without a lock, or with one that cannot be read, it is the folder.
    for broken in ["<<<<<<< HEAD\n", ""] {
        shop.write("Model.lock", broken);
        shop.run(&["inspect", EMBED]).code(0).says(&["operators"]);
    }
}

#[test]
fn layers_are_shown_with_what_they_cost() {
    let shop = Shop::locked("");
    let facts = shop.run(&["inspect", "encoder", "--layers", "--format", "json"]).code(0).json();
    let layers = facts["layers"].as_array().expect("layers");
    // Two layers of six products each.
    let dense = layers.iter().filter(|layer| layer["name"].as_str().is_some_and(|name| name.contains("layer.1.")));
    assert!(dense.count() >= 4, "{facts}");
    let costs = |layer: &serde_json::Value| layer["relative"].as_f64().is_some_and(|cost| cost > 0.0 && cost < 0.5);
    assert!(layers.iter().any(costs) && layers.iter().all(|layer| layer["own"].as_f64().is_some_and(f64::is_finite)));
    shop.run(&["inspect", "encoder", "--layers"]).code(0).says(&["relative error of each layer's output"]);
}

#[test]
fn what_is_nothing_is_named() {
    let shop = Shop::locked("");
    shop.run(&["inspect", "decoder"]).code(1).errs(&["MD0806", "no folder, no file and no locked model", "`encoder`"]);
    shop.run(&["inspect", "Cargo.toml"]).code(1).errs(&["MD0806", "Cargo.toml"]);
    shop.run(&["inspect", "eval"]).code(1).errs(&["error[MD01", "config.json"]);
}

#[test]
fn a_damaged_file_of_the_store_is_called_damaged_by_its_path_too() {
    let shop = Shop::locked("");
    let pack = shop.stored("pack");
    let mut bytes = std::fs::read(&pack).expect("the pack");
    for cut in [bytes.len(), bytes.len() / 2, 0] {
        bytes.truncate(cut);
        bytes.first_mut().into_iter().for_each(|byte| *byte ^= 1);
        std::fs::write(&pack, &bytes).expect("damaged");
        let path = pack.to_str().expect("UTF-8");
        shop.run(&["inspect", path]).code(1).errs(&["MD0802", "pack is damaged", path, "cargo modeldeploy lock"]);
    }
}

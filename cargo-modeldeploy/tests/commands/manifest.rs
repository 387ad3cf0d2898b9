//! `init`, `add` and `remove`: the manifest, and nothing else.

use crate::shop::{CLASSIFY, EMBED, SCORE, Shop};

#[test]
fn init_ignores_the_store_once() {
    let shop = Shop::empty();
    shop.write(".gitignore", "target");
    shop.run(&["init"]).code(0).errs(&["Ignoring .modeldeploy/", "cargo modeldeploy add"]);
    assert_eq!(shop.read(".gitignore"), "target\n.modeldeploy/\n");
    let again = shop.run(&["init", "--format", "json"]).code(0);
    assert_eq!(again.json()["changed"], false);
    assert_eq!(shop.read(".gitignore"), "target\n.modeldeploy/\n");
}

#[test]
fn outside_of_a_package_the_way_in_is_named() {
    let shop = Shop::empty();
    std::fs::remove_file(shop.path("Cargo.toml")).expect("removed");
    shop.run(&["init"]).code(1).errs(&["MD0902", "could not find `Cargo.toml`", "cargo init"]);
    shop.write("Cargo.toml", "[package");
    shop.run(&["init"]).code(1).errs(&["MD0902", "unclosed table", "help: correct what cargo names"]);
    for mark in ["<<<<<<< HEAD", "=======", ">>>>>>> other"] {
        shop.write("Cargo.toml", &format!("[package]\nname = \"shop\"\n{mark}\nversion = \"0.1.0\"\n"));
        shop.run(&["init"]).code(1).errs(&["MD0902", "Cargo.toml:3", mark, "help: git left both sides of a merge"]);
    }
}

#[test]
fn a_model_of_each_task_is_added_and_taken_out() {
    let shop = Shop::empty();
    let before = shop.read("Cargo.toml");
    for (model, name, task) in [(EMBED, "encoder", "embed"), (SCORE, "ranker", "score"), (CLASSIFY, "mood", "classify")]
    {
        shop.has(model);
        let folder = format!("models/{model}");
        let said = shop.run(&["add", &folder, "--name", name, "--task", task]).code(0);
        said.errs(&["Added", name, task, "cargo modeldeploy lock"]);
        let manifest = shop.read("Cargo.toml");
        let entry = format!("[package.metadata.modeldeploy.model.{name}]\nsource = \"{folder}\"\ntask = \"{task}\"");
        assert!(manifest.contains(&entry), "{manifest}");
    }
    let report = shop.run(&["lock", "--format", "json"]).code(0).json();
    let names: Vec<_> = report["models"].as_array().expect("models").iter().map(|model| &model["name"]).collect();
    assert_eq!(names, ["encoder", "mood", "ranker"]);

    let said = shop.run(&["add", &format!("models/{EMBED}"), "--name", "encoder", "--task", "embed"]).code(1);
    said.errs(&["package `shop` has a model `encoder` already", "cargo modeldeploy remove encoder"]);
    for name in ["encoder", "ranker", "mood"] {
        shop.run(&["remove", name]).code(0).errs(&["Removed", name]);
    }
    assert_eq!(shop.read("Cargo.toml").trim(), before.trim());
    shop.run(&["build"]).code(4).errs(&["`encoder` is locked, but no manifest names it", "cargo modeldeploy lock"]);
    shop.run(&["lock"]).code(0);
    assert!(!shop.read("Model.lock").contains("encoder"));
    shop.run(&["remove", "encoder"]).code(1).errs(&["MD0706", "no manifest of this workspace has a model `encoder`"]);
}

/// A workspace of `shop`, which has the model, and `cafe`, which has none.
fn two_packages() -> Shop {
    let shop = Shop::with_encoder("");
    shop.edit("Cargo.toml", "[workspace]\n", "[workspace]\nmembers = [\"cafe\"]\n");
    shop.write("cafe/Cargo.toml", "[package]\nname = \"cafe\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    shop.write("cafe/src/lib.rs", "");
    shop
}

#[test]
fn a_name_is_added_once_in_a_workspace() {
    let shop = two_packages();
    let before = shop.read("cafe/Cargo.toml");
    let add = |name| {
        let folder = format!("models/{EMBED}");
        shop.run(&["add", &folder, "--name", name, "--task", "embed", "--package", "cafe"])
    };
    let said = add("encoder").code(1);
    said.errs(&["MD0702", "package `shop` has a model `encoder` already", "--> Cargo.toml:", "another `--name`"]);
    assert_eq!(shop.read("cafe/Cargo.toml"), before);
    add("other").code(0);
    shop.run(&["remove", "other", "--package", "shop"]).code(1).errs(&["there is no model `other` here", "`encoder`"]);
    shop.run(&["remove", "other"]).code(0).errs(&["cafe/Cargo.toml"]);
}

#[test]
fn a_model_that_two_packages_name_is_taken_out_of_the_one_that_is_said() {
    let shop = two_packages();
    let entry = "\n[package.metadata.modeldeploy.model.encoder]\nsource = \"../models\"\ntask = \"embed\"\nversion = \"1.0.0\"\n";
    shop.append("cafe/Cargo.toml", entry);
    shop.run(&["lock"]).code(1).errs(&["MD0702"]);
    let said = shop.run(&["remove", "encoder"]).code(1);
    said.errs(&[
        "MD0702",
        "several packages have a model `encoder`: ",
        "`shop`",
        "`cafe`",
        "help: name one with `--package ",
    ]);
    shop.run(&["remove", "encoder", "--package", "cafee"]).code(1).errs(&["MD0903", "`cafe`"]);
    shop.run(&["remove", "encoder", "-p", "cafe"]).code(0).errs(&["Removed", "cafe/Cargo.toml"]);
    assert!(!shop.read("cafe/Cargo.toml").contains("encoder") && shop.read("Cargo.toml").contains("encoder"));
    shop.run(&["lock"]).code(0);
}

#[test]
fn a_folder_that_cannot_be_read_changes_nothing() {
    let shop = Shop::empty();
    shop.has(EMBED);
    let before = shop.read("Cargo.toml");
    let add = |shop: &Shop| shop.run(&["add", &format!("models/{EMBED}"), "--name", "encoder", "--task", "embed"]);

    let config = format!("models/{EMBED}/config.json");
    let was = shop.read(&config);
    shop.edit(&config, "\"model_type\": \"bert\"", "\"model_type\": \"mamba2\"");
    add(&shop).code(1).errs(&["mamba2", "bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "albert"]);
    shop.write(&config, &was);

    let tokenizer = shop.path(&format!("models/{EMBED}/tokenizer.json"));
    let text = std::fs::read(&tokenizer).expect("a tokenizer");
    std::fs::remove_file(&tokenizer).expect("removed");
    add(&shop).code(1).errs(&["MD0111", "tokenizer.json", "vocab.txt", "help: "]);
    std::fs::write(&tokenizer, text).expect("put back");

    let weights = shop.path(&format!("models/{EMBED}/model.safetensors"));
    let bytes = std::fs::read(&weights).expect("weights");
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).expect("cut");
    add(&shop).code(1).errs(&["error[MD02", "model.safetensors"]);
    std::fs::write(&weights, bytes).expect("put back");

    shop.run(&["add", "models/absent", "--name", "encoder", "--task", "embed"]).code(1).errs(&["error[MD01", "absent"]);
    assert_eq!(shop.read("Cargo.toml"), before);
    assert!(!shop.path("Model.lock").exists());
    add(&shop).code(0);
}

#[test]
fn a_name_that_no_program_can_use_is_refused() {
    let shop = Shop::empty();
    shop.has(EMBED);
    let before = shop.read("Cargo.toml");
    let add = |flags: &[&str]| {
        let folder = format!("models/{EMBED}");
        shop.run(&[&["add", &folder, "--task", "embed"], flags].concat())
    };
    for name in ["../up", "Encoder", "1st", "", "a b"] {
        add(&["--name", name])
            .code(2)
            .errs(&[&format!("'{name}' for '--name <NAME>'"), "names begin with a lower-case"]);
    }
    let version = add(&["--name", "x", "--model-version", "1"]).code(2);
    version.errs(&["'1' for '--model-version <MODEL_VERSION>'", "write it as 1.2.3"]);
    for tokens in ["3", "1000"] {
        let said = add(&["--name", "x", "--max-tokens", tokens]).code(1);
        said.errs(&["MD0113", &format!("--> --max-tokens {tokens}"), "between 4 and 32"]);
    }
    assert_eq!(shop.read("Cargo.toml"), before);
    shop.run(&["add", "models/x", "--name", "x", "--task", "sing"]).code(2).errs(&["sing", "embed, score, classify"]);
}

#[test]
fn a_licence_that_nobody_knows_is_noted() {
    let shop = Shop::empty();
    shop.has(EMBED);
    for (license, note) in [
        (None, Some("its licence is not stated")),
        (Some("Apache-2.0 OR MIT"), None),
        (Some("LicenseRef-Shop"), None),
        (Some("the usual one"), Some("`the usual one` is not an SPDX expression")),
        (Some("Apache 2"), Some("`Apache 2` is not an SPDX expression")),
    ] {
        let folder = format!("models/{EMBED}");
        let mut args = vec!["add", &folder, "--name", "encoder", "--task", "embed"];
        args.extend(license.iter().flat_map(|license| ["--license", license]));
        let said = shop.run(&args).code(0);
        assert_eq!(said.err.contains("licence"), note.is_some(), "{}", said.err);
        said.errs(&[note.unwrap_or_default()]);
        shop.run(&["remove", "encoder"]).code(0);
    }
}

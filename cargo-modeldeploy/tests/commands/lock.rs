//! `lock` and what holds the lock to the manifests and the files.

use crate::shop::{EMBED, Shop};

#[test]
fn a_second_lock_changes_nothing_and_a_fresh_one_gives_the_same_bytes() {
    let shop = Shop::with_encoder("");
    let said = shop.run(&["lock"]).code(0).errs(&["Locked 1 model in"]);
    said.says(&["encoder 0.1.0 (embed, int8)", "pack of", "no gate: nothing was measured"]);
    let lock = shop.read("Model.lock");
    shop.run(&["lock"]).code(0).errs(&["Fresh 1 model in"]).says(&["unchanged"]);
    assert_eq!(shop.read("Model.lock"), lock);

    let said = shop.run(&["lock", "--check"]).code(0);
    said.says(&["Model.lock is as the manifests and the models say"]);
    std::fs::remove_dir_all(shop.path(".modeldeploy")).expect("removed");
    let report = shop.run(&["lock", "--fresh", "--format", "json"]).code(0).json();
    assert_eq!((&report["changed"], &report["models"][0]["kept"]), (&false.into(), &false.into()));
    assert_eq!(shop.read("Model.lock"), lock);
}

#[test]
fn a_lock_behind_its_manifest_is_refused_until_it_is_made_again() {
    let shop = Shop::locked("");
    shop.append("Cargo.toml", "quantize = \"f32\"\n");
    let stale = ["MD0704", "manifest", "of `encoder` is not as locked", "Cargo.toml:", "cargo modeldeploy lock"];
    shop.run(&["lock", "--check"]).code(4).errs(&stale);
    for command in ["build", "run", "test"] {
        let said = shop.run(&[command]).code(4);
        said.errs(&["MD0704", "model `encoder` is locked with other settings", "cargo modeldeploy lock"]);
    }
    shop.run(&["lock"]).code(0).says(&["encoder 0.1.0 (embed, f32)"]);
    shop.run(&["lock", "--check"]).code(0);
}

#[test]
fn a_lock_behind_its_files_is_named_with_the_file() {
    let shop = Shop::locked("");
    shop.edit(&format!("models/{EMBED}/tokenizer.json"), "{", "{ ");
    shop.run(&["lock", "--check"]).code(4).errs(&["MD0704", "the file `tokenizer.json` of `encoder`"]);
    shop.run(&["lock"]).code(0).errs(&["Locked 1 model"]);
    shop.run(&["lock", "--check"]).code(0);
}

#[test]
fn a_file_that_would_be_read_now_is_noticed() {
    let shop = Shop::with_encoder("");
    // A class of which a `vocab.txt` alone can be read.
    shop.edit(&format!("models/{EMBED}/tokenizer_config.json"), "TokenizersBackend", "BertTokenizer");
    shop.run(&["lock"]).code(0);
    let lock = shop.read("Model.lock");
    let changed = |shop: &Shop| shop.run(&["lock", "--format", "json"]).code(0).json()["models"][0]["kept"] == false;
    for name in
        ["modules.json", "2_Normalize/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"]
    {
        let path = shop.path(&format!("models/{EMBED}/{name}"));
        let bytes = std::fs::read(&path).expect(name);
        std::fs::remove_file(&path).expect("removed");
        assert!(changed(&shop), "without {name} the model was kept");
        assert!(!changed(&shop), "the model is made again for no reason");
        std::fs::write(&path, bytes).expect("put back");
        assert!(changed(&shop), "{name} came back unnoticed");
        assert_eq!(shop.read("Model.lock"), lock);
    }

    // A `tokenizer.json` is read before a `vocab.txt`.
    let tokenizer = shop.path(&format!("models/{EMBED}/tokenizer.json"));
    let text = std::fs::read_to_string(&tokenizer).expect("a tokenizer");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut words: Vec<_> = json["model"]["vocab"].as_object().expect("a vocabulary").iter().collect();
    words.sort_by_key(|(_, id)| id.as_u64());
    let words: String = words.into_iter().map(|(word, _)| format!("{word}\n")).collect();
    shop.write(&format!("models/{EMBED}/vocab.txt"), &words);
    std::fs::remove_file(&tokenizer).expect("removed");
    assert!(changed(&shop), "the tokenizer left unnoticed");
    std::fs::write(&tokenizer, text).expect("put back");
    shop.run(&["lock", "--check"]).code(4).errs(&["the file `tokenizer.json` of `encoder`", "not there"]);
    assert!(changed(&shop), "the tokenizer came back unnoticed");
    assert_eq!(shop.read("Model.lock"), lock);
}

#[test]
fn a_lock_of_another_revision_is_stale_and_made_anew() {
    let shop = Shop::locked("");
    let lock = shop.read("Model.lock");
    let line = lock.lines().find(|line| line.starts_with("revision = ")).expect("the recipe's revision");
    shop.edit("Model.lock", line, "revision = \"0\"");
    shop.run(&["build"]).code(4).errs(&["MD0704", "locked by another version of modeldeploy"]);
    let report = shop.run(&["lock", "--format", "json"]).code(0).json();
    assert_eq!(report["models"][0]["kept"], false);
    assert_eq!(shop.read("Model.lock"), lock);
}

#[test]
fn a_lock_edited_by_hand_is_refused_and_left_alone() {
    let shop = Shop::locked("");
    let lock = shop.read("Model.lock");
    for (old, new, said) in [
        ("outputs = 16", "outputs = 32", "the signature of `encoder` does not have the digest"),
        ("version = 1\n", "version = 9\n", "version 9"),
        ("[[model]]", "[[model]", "cannot be read"),
        ("[model.signature]", "<<<<<<< HEAD\n[model.signature]", "cannot be read"),
    ] {
        shop.edit("Model.lock", old, new);
        let edited = shop.read("Model.lock");
        for command in [&["lock"][..], &["lock", "--check"], &["build"], &["inspect", "encoder"], &["clean"]] {
            shop.run(command).code(1).errs(&["MD0703", said, "git checkout Model.lock"]);
        }
        assert_eq!(shop.read("Model.lock"), edited);
        shop.write("Model.lock", &lock);
    }
    let at = lock.find("[[model.pack]]").expect("a pack");
    let digest = lock[at..].lines().find(|line| line.starts_with("digest = ")).expect("its digest");
    shop.edit("Model.lock", digest, &format!("digest = \"sha256:{}\"", "0".repeat(64)));
    shop.run(&["build"]).code(1).errs(&["MD0805", "not the locked one"]);
}

#[test]
fn without_a_lock_the_command_that_makes_it_is_named() {
    let shop = Shop::with_encoder("");
    for command in [&["build"][..], &["run"], &["test"], &["lock", "--check"]] {
        shop.run(command).code(1).errs(&["MD0705", "there is no Model.lock", "cargo modeldeploy lock"]);
    }
    shop.run(&["lock", "encodr"]).code(1).errs(&["MD0706", "did you mean `encoder`?"]);
    assert!(!shop.path("Model.lock").exists());
}

#[test]
fn two_locks_at_once_both_succeed() {
    let shop = Shop::with_encoder("");
    let start = || shop.command(&["lock", "--fresh"]).spawn().expect("the program starts");
    let mut both = [start(), start()];
    for child in &mut both {
        assert!(child.wait().expect("it ends").success());
    }
    shop.run(&["lock", "--check"]).code(0);
    shop.stored("pack");
}

#[test]
fn errors_are_lines_of_json_where_json_is_asked_for() {
    let shop = Shop::locked("");
    shop.append("Cargo.toml", "quantize = \"f32\"\n");
    let said = shop.run(&["--format", "json", "lock", "--check"]).code(4);
    assert_eq!(said.out, "");
    let parse =
        |line| -> serde_json::Value { serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")) };
    let (notes, errors): (Vec<_>, Vec<_>) = said.err.lines().map(parse).partition(|line| line["note"].is_string());
    assert!(notes.len() == 1 && errors.len() > 1, "{}", said.err);
    for error in errors {
        assert_eq!(error["code"], "MD0704");
        assert!(error["error"].is_string() && error["place"].is_string() && error["help"].is_string(), "{error}");
    }
}

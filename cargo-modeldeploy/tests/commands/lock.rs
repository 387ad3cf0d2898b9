//! `lock` and what holds the lock to the manifests and the files.

use crate::shop::{EMBED, Shop};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{LockedGate, LockedModel};
use std::fs;

/// Lines of an entry whose lock has a value in every field that may be absent.
const LICENSED: &str =
    "license = \"MIT\"\ngate = { suite = \"eval/suite.toml\", metric = \"ndcg@10\", min-ratio = 0.5 }\n";

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
    shop.forge(|lock| lock.models[0].recipe.insert("revision".into(), "0".into()).map(drop).expect("a revision"));
    shop.run(&["build"]).code(4).errs(&["MD0704", "locked by another version of modeldeploy"]);
    let report = shop.run(&["lock", "--format", "json"]).code(0).json();
    assert_eq!(report["models"][0]["kept"], false);
    assert_eq!(shop.read("Model.lock"), lock);
}

#[test]
fn a_lock_edited_by_hand_is_refused_and_left_alone() {
    let shop = Shop::locked(LICENSED);
    let lock = shop.read("Model.lock");
    let anew = ["git checkout Model.lock", "cargo modeldeploy lock --fresh"];
    for (old, new, said, help) in [
        ("outputs = 16", "outputs = 32", "the block of model `encoder` in Model.lock was edited by hand", anew),
        ("got = \"", "got = \"9", "the block of model `encoder` in Model.lock was edited by hand", anew),
        (
            "license = \"MIT\"",
            "license = \"Unlicense\"",
            "the block of model `encoder` in Model.lock was edited by hand",
            anew,
        ),
        (
            "version = 1\n",
            "version = 9\n",
            "made by a newer cargo-modeldeploy",
            ["update cargo-modeldeploy", "version 9"],
        ),
        ("[[model]]", "[[model]", "cannot be read", anew),
        (
            "[model.signature]",
            "<<<<<<< HEAD\n[model.signature]",
            "both sides of a merge",
            ["git checkout --ours Model.lock", "`cargo modeldeploy lock`"],
        ),
    ] {
        shop.edit("Model.lock", old, new);
        let edited = shop.read("Model.lock");
        for command in [&["lock"][..], &["lock", "--check"], &["build"], &["inspect", "encoder"], &["clean"]] {
            shop.run(command).code(1).errs(&["MD0703", said]).errs(&help);
        }
        assert_eq!(shop.read("Model.lock"), edited);
        shop.write("Model.lock", &lock);
    }
    shop.forge(|lock| lock.models[0].packs[0].digest = Digest::from_bytes([0; 32]));
    shop.run(&["build"]).code(1).errs(&["MD0805", "not the locked one"]);
}

#[test]
fn a_fresh_lock_needs_no_old_one_that_can_be_read() {
    let shop = Shop::locked(LICENSED);
    let lock = shop.read("Model.lock");
    for broken in [lock.replacen("got = \"", "got = \"9", 1), "<<<<<<< HEAD\n".into(), "version = 9\n".into()] {
        shop.write("Model.lock", &broken);
        // One model alone would keep what the lock says of the others.
        shop.run(&["lock", "--fresh", "encoder"]).code(1).errs(&["MD0703"]);
        shop.run(&["lock", "--fresh"]).code(0).errs(&["Locked 1 model"]);
        assert_eq!(shop.read("Model.lock"), lock);
    }
}

#[test]
fn a_check_compares_all_that_a_model_is_locked_with() {
    let shop = Shop::locked(LICENSED);
    let lock = shop.read("Model.lock");
    type Change = fn(&mut LockedModel);
    fn gate(model: &mut LockedModel) -> &mut LockedGate {
        model.gate.as_mut().expect("a gate")
    }
    let changes: [(&str, Change); 16] = [
        ("the version of", |it| it.version = "9.0.0".into()),
        ("the source of `encoder` is not as locked: elsewhere there", |it| it.source = "elsewhere".into()),
        ("the license of `encoder` is not as locked: not stated there, MIT now", |it| it.license = None),
        ("the package of", |it| it.package = "till".into()),
        ("the list of absent files of", |it| it.absent.push("vocab.txt".into())),
        ("the recipe of", |it| drop(it.recipe.remove("quantize"))),
        ("the pack of", |it| it.packs[0].size += 1),
        ("the pack of", |it| it.packs[0].layout = "0".repeat(16)),
        ("the compressed model of", |it| it.compressed = Digest::from_bytes([0; 32])),
        ("the golden vectors of", |it| it.golden = Digest::from_bytes([0; 32])),
        ("the file `config.json` of", |it| {
            it.files.iter_mut().find(|file| file.path == "config.json").expect("a file").size += 1;
        }),
        ("the gate's figure `got` of", |it| gate(it).got = "0.1".into()),
        ("the gate's figure `cosine-mean` of", |it| drop(gate(it).figures.remove("cosine-mean"))),
        ("the gate's figure `speed` of `encoder` is not as locked: 9 there, not measured now", |it| {
            drop(gate(it).figures.insert("speed".into(), "9".into()));
        }),
        ("its suite, metric or thresholds are others", |it| gate(it).thresholds.clear()),
        ("the gate of `encoder` is not as locked: none there, one now", |it| it.gate = None),
    ];
    for (said, change) in changes {
        shop.forge(|lock| change(&mut lock.models[0]));
        shop.run(&["lock", "--check"]).code(4).errs(&["MD0704", said]);
        shop.write("Model.lock", &lock);
    }
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

#[test]
fn a_check_makes_again_what_has_not_come_out_as_it_is_locked() {
    let shop = Shop::locked("");
    let notes =
        || shop.files(".modeldeploy").iter().filter(|it| it.extension().is_some_and(|it| it == "derived")).count();
    assert_eq!(notes(), 1);
    shop.run(&["lock", "--check"]).code(0);
    shop.run(&["lock", "--check", "--fresh"]).code(0);
    // An entry that was changed has no note, whatever its own digest says, and gets none.
    let lock = shop.read("Model.lock");
    shop.forge(|lock| lock.models[0].space = Digest::of(b"another space"));
    shop.run(&["lock", "--check"]).code(4).errs(&["MD0704", "space"]);
    assert_eq!(notes(), 1);
    shop.write("Model.lock", &lock);
    // What it is made of is looked at each time, and so is what came of it.
    let weights = shop.path("models/bert-embed/model.safetensors");
    let mut changed = fs::read(&weights).expect("the weights");
    let last = changed.len() - 1;
    changed[last] ^= 0x40;
    fs::write(&weights, &changed).expect("written");
    shop.run(&["lock", "--check"]).code(4).errs(&["MD0704"]);
    changed[last] ^= 0x40;
    fs::write(&weights, &changed).expect("written");
    fs::remove_file(shop.stored("pack")).expect("removed");
    shop.run(&["lock", "--check"]).code(0);
    fs::remove_file(shop.stored("derived")).expect("removed");
    shop.run(&["lock", "--check"]).code(0);
    assert_eq!(notes(), 1, "it came out again");
}

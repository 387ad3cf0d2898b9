//! The policy of `modeldeploy.toml`, held by `lock` and `build`.

use crate::shop::{EMBED, Shop};
use std::fs;

const MODEL: &str = "license = \"MIT\"\nreleased = \"2026-01-01\"\n";

#[test]
fn a_broken_rule_stops_lock_and_build_before_anything_is_written() {
    let shop = Shop::with_encoder(MODEL);
    let source = format!("models/{EMBED}");
    let rules = [
        ("licenses = [\"Apache-2.0\"]", "MD1102", "breaks `policy.licenses`: its licence is `MIT`"),
        ("sources = { forbidden = [\"models/*\"] }", "MD1103", "`models/*` is forbidden"),
        ("sources = { allowed = [\"hf:shop/*\", \"oci:*\"] }", "MD1103", "allowed are `hf:shop/*`, `oci:*`"),
        ("max-age = \"1d\"", "MD1104", "released on 2026-01-01"),
        ("max-size = \"1kB\"", "MD1105", "the largest is `model.safetensors`"),
        ("signatures = { required = true, signers = [\"keys/ml-team.pub\"] }", "MD1106", "it has no signature"),
    ];
    shop.run(&["keygen", "keys/ml-team"]).code(0);
    for (rule, code, said) in rules {
        shop.write("modeldeploy.toml", &format!("[policy]\n{rule}\n"));
        shop.run(&["lock"]).code(6).errs(&[code, said, "model `encoder`", "Cargo.toml:"]);
        assert!(!shop.path("Model.lock").exists() && shop.files(".modeldeploy/sha256").is_empty(), "{rule}");
    }
    fs::remove_file(shop.path("modeldeploy.toml")).expect("removed");
    shop.run(&["lock"]).code(0);
    let lock = shop.read("Model.lock");
    for (rule, code, said) in rules {
        shop.write("modeldeploy.toml", &format!("[policy]\n{rule}\n"));
        for command in [&["build"][..], &["lock"]] {
            shop.run(command).code(6).errs(&[code, said]);
        }
        assert_eq!(shop.read("Model.lock"), lock);
    }
    for command in [&["run"][..], &["test"], &["lock", "--check"]] {
        shop.run(command).code(6).errs(&["MD1106"]);
    }
    // All the rules at once, and to programs too.
    let all: Vec<&str> =
        rules.iter().filter(|(_, code, _)| *code < "MD1105" && !code.ends_with('3')).map(|(rule, ..)| *rule).collect();
    shop.write("modeldeploy.toml", &format!("[policy]\n{}\n", all.join("\n")));
    shop.run(&["lock"]).code(6).errs(&["MD1102", "MD1104"]);
    let said = shop.run(&["lock", "--format", "json"]).code(6);
    assert!(
        said.err
            .lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok_and(|it| it["place"].is_string()))
    );

    let kept = format!(
        "[policy]\nlicenses = [\"MIT\"]\nmax-age = \"99999d\"\nmax-size = \"1GB\"\nsources = {{ allowed = [\"{source}\"] }}\n"
    );
    shop.write("modeldeploy.toml", &kept);
    shop.run(&["lock", "--check"]).code(0);
    shop.run(&["build"]).code(0);
}

#[test]
fn settings_that_are_wrong_are_said_with_their_line() {
    let shop = Shop::with_encoder(MODEL);
    shop.write("modeldeploy.toml", "[policy]\nlicences = [\"MIT\"]\nmax-size = 5\n");
    for command in ["lock", "verify"] {
        let args = if command == "verify" { vec!["verify", "Cargo.toml"] } else { vec![command] };
        shop.run(&args).code(1).errs(&[
            "MD1101",
            "`policy` has no key `licences`",
            "modeldeploy.toml:2:1",
            "did you mean `licenses`?",
            "modeldeploy.toml:3:12",
        ]);
    }
    shop.write("modeldeploy.toml", "[policy.signatures]\nrequired = true\nsigners = [\"keys/none.pub\"]\n");
    shop.run(&["lock"]).code(1).errs(&["MD1108", "keys/none.pub"]);
}

#[test]
fn what_a_lock_pins_must_be_what_was_signed() {
    let shop = Shop::with_encoder(MODEL);
    let folder = format!("models/{EMBED}");
    for name in ["ml-team", "review", "stranger"] {
        shop.run(&["keygen", &format!("keys/{name}")]).code(0);
    }
    let sign = |name: &str, file: &str| {
        let key = format!("keys/{name}.key");
        shop.run(&["sign", &folder, "--key", &key, "--signature", &format!("{folder}/{file}")]).code(0);
    };
    let rule = |threshold: usize| {
        let signers = "signers = [\"keys/ml-team.pub\", \"keys/review.pub\"]";
        format!("[policy.signatures]\nrequired = true\n{signers}\nthreshold = {threshold}\n")
    };
    shop.write("modeldeploy.toml", &rule(1));
    shop.run(&["lock"]).code(6).errs(&["MD1106", "it has no signature"]);
    sign("stranger", "model.sig");
    shop.run(&["lock"]).code(6).errs(&["MD1106", "by none of the signers"]);
    fs::remove_file(shop.path(&format!("{folder}/model.sig"))).expect("removed");
    sign("ml-team", "model.sig");
    shop.run(&["lock"]).code(0);
    shop.run(&["build"]).code(0);

    // Two of two, of which one is still to come.
    shop.write("modeldeploy.toml", &rule(2));
    shop.run(&["build"]).code(6).errs(&["MD1106", "1 of the signers have signed it, and 2 are asked for"]);
    sign("review", "model.review.sig");
    shop.run(&["build"]).code(0);

    // A file that is read now and was not signed; one that was signed with other bytes; and a README, which nobody locks.
    shop.write("modeldeploy.toml", &rule(1));
    fs::remove_file(shop.path(&format!("{folder}/model.review.sig"))).expect("removed");
    shop.write(&format!("{folder}/README.md"), "what this is");
    shop.run(&["lock"]).code(0);
    let config = shop.read(&format!("{folder}/config.json"));
    shop.append(&format!("{folder}/config.json"), "\n");
    shop.run(&["lock"]).code(6).errs(&["MD1107", "other bytes of `config.json`", "which the lock pins"]);
    shop.write(&format!("{folder}/config.json"), &config);
    let pooling = shop.path(&format!("{folder}/1_Pooling/config.json"));
    let bytes = fs::read(&pooling).expect("a file");
    fs::remove_file(&pooling).expect("removed");
    sign("ml-team", "model.sig");
    fs::write(&pooling, bytes).expect("put back");
    shop.run(&["lock"]).code(6).errs(&["MD1107", "is not of `1_Pooling/config.json`"]);
    sign("ml-team", "model.sig");

    // A folder that is not in the repository: its signature lies beside the lock, and the lock's digests are what it is held against.
    fs::create_dir_all(shop.path("signatures")).expect("a folder");
    fs::rename(shop.path(&format!("{folder}/model.sig")), shop.path("signatures/encoder.sig")).expect("moved");
    fs::rename(shop.path(&folder), shop.path("models/elsewhere")).expect("moved");
    shop.run(&["build"]).code(0);
    let text = shop.read("signatures/encoder.sig");
    shop.write("signatures/encoder.sig", &text.replace("\"payload\":\"ey", "\"payload\":\"e3"));
    shop.run(&["build"]).code(6).errs(&["MD1106", "encoder.sig", "is not of it"]);
    // One that is there and wrong is refused though none is asked for.
    shop.write("modeldeploy.toml", "[policy.signatures]\nsigners = [\"keys/ml-team.pub\"]\n");
    shop.run(&["build"]).code(6).errs(&["MD1106"]);
    fs::remove_file(shop.path("signatures/encoder.sig")).expect("removed");
    shop.run(&["build"]).code(0);
}

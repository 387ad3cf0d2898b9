//! Keys, signatures and who is believed, as a user meets them.

use crate::shop::{EMBED, Shop};
use serde_json::json;
use std::fs;

/// A shop with a pair of keys of each kind.
fn with_keys(shop: Shop) -> Shop {
    shop.run(&["keygen", "keys/release", "--algorithm", "ed25519"]).code(0).says(&["ed25519 key ", "keys/release.key"]);
    shop.run(&["keygen", "keys/ml-team"]).code(0).says(&["p256 key "]).errs(&["keep the private key out of git"]);
    shop
}

fn id(shop: &Shop, name: &str) -> String {
    let pem = shop.read(&format!("keys/{name}.pub"));
    let key = modeldeploy_trust::keys::PublicKey::from_pem(&pem).expect("a public key");
    key.id().to_string()
}

#[test]
fn keys_are_their_owners_and_are_never_overwritten() {
    let shop = with_keys(Shop::empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(shop.path("keys/release.key")).expect("the key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = shop.read("keys/release.key");
    shop.run(&["keygen", "keys/release"]).code(1).errs(&["MD1109", "keys/release.key: File exists"]);
    assert_eq!(shop.read("keys/release.key"), before);
    let facts = shop.run(&["keygen", "other", "--format", "json"]).code(0).json();
    assert_eq!((&facts["algorithm"], &facts["public"]), (&json!("p256"), &json!("other.pub")));
}

#[test]
fn a_lock_is_signed_by_several_and_believed_by_those_who_trust_them() {
    let shop = with_keys(Shop::locked(""));
    let [release, team] = ["release", "ml-team"].map(|name| id(&shop, name));
    let verify = |more: &[&str]| shop.run(&[&["verify", "Model.lock"], more].concat());
    verify(&["--key", "keys/release.pub"]).code(1).errs(&["MD1112", "it is not signed", "Model.lock.intoto.jsonl"]);
    let said = shop.run(&["sign", "Model.lock", "--key", "keys/release.key"]).code(0);
    said.errs(&["Signed the lock Model.lock"]).says(&[&format!("signed by {release}")]);
    verify(&["--key", "keys/release.pub"]).code(0).says(&[&format!("signed by {release} (release)"), "lock sha256:"]);
    verify(&["--key", "keys/ml-team.pub"]).code(1).errs(&[
        "MD1112",
        &release,
        "1 of the trusted keys must have signed",
    ]);
    verify(&[]).code(1).errs(&["MD1112", "no key is trusted here", "[trust]"]);

    shop.run(&["sign", "Model.lock", "--key", "keys/ml-team.key"]).code(0);
    let both = ["--key", "keys/release.pub", "--key", "keys/ml-team.pub", "--threshold", "2"];
    let facts = verify(&[&both[..], &["--format", "json"]].concat()).code(0).json();
    let names: Vec<_> =
        facts["signatures"].as_array().expect("signatures").iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["release", "ml-team"]);
    assert_eq!(facts["statements"].as_array().map(Vec::len), Some(1), "they signed one statement");

    // As the workspace's settings say, from any folder within it.
    shop.write("modeldeploy.toml", "[trust]\nkeys = [\"keys/release.pub\", \"keys/ml-team.pub\"]\nthreshold = 2\n");
    verify(&[]).code(0).says(&[&team]);
    let mut within = shop.command(&["verify", "../Model.lock"]);
    crate::shop::Said::of(within.current_dir(shop.path("src"))).code(0).says(&[&release]);

    // A lock that was changed since is another file.
    shop.append("Model.lock", "\n");
    verify(&[]).code(1).errs(&["MD1113", "what was signed is another file"]);
    shop.write("modeldeploy.toml", "[trust]\nkeys = [\"keys/gone.pub\"]\n");
    verify(&[]).code(1).errs(&["MD1108", "keys/gone.pub", "cannot be read"]);
}

#[test]
fn what_is_damaged_expired_or_forged_is_refused_by_its_number() {
    let shop = with_keys(Shop::locked(""));
    let key = ["--key", "keys/release.pub"];
    let verify = |file: &str| shop.run(&[&["verify", file][..], &key].concat());
    shop.run(&["sign", "Model.lock", "--key", "keys/release.key", "--expires", "2026-01-01"]).code(0);
    verify("Model.lock").code(1).errs(&["MD1114", "counted until 2026-01-01"]);
    shop.run(&["sign", "Model.lock", "--key", "keys/release.key", "--expires", "9999-12-31"]).code(0);
    verify("Model.lock").code(0).says(&["until 9999-12-31"]);
    shop.run(&["sign", "Model.lock", "--key", "keys/release.key", "--expires", "tomorrow"])
        .code(2)
        .errs(&["is no date"]);

    let good = shop.read("Model.lock.intoto.jsonl");
    let mut forged: serde_json::Value = serde_json::from_str(&good).expect("an envelope");
    let ml_team = id(&shop, "ml-team");
    forged["signatures"][0]["keyid"] = ml_team.clone().into();
    for (text, code, said) in [
        (String::new(), "MD1110", "no envelope"),
        ("{}".into(), "MD1110", "missing field"),
        (good.replace("\"payload\":\"", "\"payload\":\"!"), "MD1110", "is not base64"),
        (good.replacen('{', "{\"payload\":\"\",", 1), "MD1110", "stands twice"),
        (good.replace("vnd.in-toto+json", "json"), "MD1111", "does not hold"),
        (good.replace("\"payload\":\"ey", "\"payload\":\"e3"), "MD1111", "does not hold"),
    ] {
        shop.write("Model.lock.intoto.jsonl", &text);
        verify("Model.lock").code(1).errs(&[code, said]);
    }
    // The name of another key that is trusted does not make it that key's.
    shop.write("Model.lock.intoto.jsonl", &forged.to_string());
    shop.run(&["verify", "Model.lock", "--key", "keys/ml-team.pub"]).code(1).errs(&["MD1111", &ml_team]);
    verify("Model.lock").code(0);

    // A signature of one file is none of another, and nothing is signed that is nothing.
    shop.write("Model.lock.intoto.jsonl", &good);
    let pack = shop.stored("pack").display().to_string();
    fs::copy(shop.path("Model.lock.intoto.jsonl"), format!("{pack}.intoto.jsonl")).expect("a copy");
    verify(&pack).code(1).errs(&["MD1113", "another file"]);
    shop.run(&["sign", &pack, "--key", "keys/release.key"]).code(0).errs(&["Signed the pack"]);
    verify(&pack).code(0).says(&["pack sha256:"]);
    let bytes = fs::read(&pack).expect("the pack");
    fs::write(shop.path("cut.pack"), &bytes[..bytes.len() - 64]).expect("written");
    shop.run(&["sign", "cut.pack", "--key", "keys/release.key"]).code(1).errs(&["MD1117", "the pack is damaged"]);
    shop.run(&["sign", "Cargo.toml", "--key", "keys/release.key"])
        .code(1)
        .errs(&["MD1117", "nothing that is signed here"]);
    for (key, said) in
        [("keys/release.pub", "it is a public key"), ("Cargo.toml", "it is no PEM"), ("none", "cannot be read")]
    {
        shop.run(&["sign", "Model.lock", "--key", key]).code(1).errs(&["MD1108", said, key]);
    }
    shop.run(&["verify", "Model.lock", "--key", "keys/release.key"]).code(1).errs(&["MD1108", "it is a private key"]);
}

#[test]
fn a_models_folder_is_signed_and_each_file_that_differs_is_named() {
    let shop = with_keys(Shop::empty());
    shop.has(EMBED);
    let folder = format!("models/{EMBED}");
    let verify = |more: &[&str]| shop.run(&[&["verify", &folder], more].concat());
    let key = ["--key", "keys/ml-team.pub"];
    verify(&key).code(1).errs(&["MD1112", "the model is not signed", "model.sig"]);
    shop.run(&["sign", &folder, "--key", "keys/release.key"]).code(1).errs(&["MD1117", "ECDSA"]);
    shop.run(&["sign", &folder, "--key", "keys/ml-team.key"]).code(0).errs(&["Signed the model"]);
    shop.run(&["sign", &folder, "--key", "keys/ml-team.key"]).code(0);
    verify(&key).code(0).says(&["(ml-team)", "every file is as it was signed"]);
    verify(&["--key", "keys/release.pub"]).code(1).errs(&["MD1112", "none of the trusted keys"]);

    // A second signer's, beside the first.
    shop.run(&["keygen", "keys/review"]).code(0);
    shop.run(&["sign", &folder, "--key", "keys/review.key"]).code(1).errs(&["MD1117", "by another key", "--signature"]);
    let second = format!("{folder}/model.review.sig");
    shop.run(&["sign", &folder, "--key", "keys/review.key", "--signature", &second]).code(0);
    verify(&["--key", "keys/review.pub", "--model-signature", &second]).code(0).says(&["(review)"]);
    verify(&key).code(0);

    shop.append(&format!("{folder}/config.json"), " ");
    shop.write(&format!("{folder}/README.md"), "more");
    fs::remove_file(shop.path(&format!("{folder}/modules.json"))).expect("removed");
    verify(&key).code(1).errs(&[
        "MD1115",
        "`config.json` has other bytes",
        "`README.md` was not there",
        "`modules.json` is missing",
    ]);
    let passed = verify(&["--key", "keys/ml-team.pub", "--ignore-unsigned-files"]).code(1);
    assert!(!passed.err.contains("README.md"), "{}", passed.err);
    shop.write("modeldeploy.toml", "[policy.signatures]\nsigners = [\"keys/ml-team.pub\"]\n");
    verify(&[]).code(1).errs(&["MD1115"]);
}

//! Signatures of models: the reference implementation's own, ours, and folders that were changed since.

use crate::envelopes::key;
use crate::keys::base64;
use crate::specifications;
use modeldeploy_format::Digest;
use modeldeploy_trust::Refusal;
use modeldeploy_trust::dsse::Envelope;
use modeldeploy_trust::keys::{Algorithm, PublicKey, SecretKey, TrustedKey};
use modeldeploy_trust::model_signing::{Bundle, Covered, Difference, Manifest, Signer, Trusted, compare, sign, verify};
use modeldeploy_trust::statement::{PAYLOAD_TYPE, Statement};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// The key of the reference implementation's vectors, which its older bundles carry.
fn their_key(folder: &Path) -> TrustedKey {
    let bundle = read(&folder.join("scripts/tests/v1.0.0-elliptic-key/model.sig"));
    let raw = bundle.pointer("/verificationMaterial/publicKey/rawBytes").and_then(Value::as_str).expect("a key");
    let pem = String::from_utf8(base64(raw)).expect("PEM");
    TrustedKey { name: "theirs".into(), key: PublicKey::from_pem(&pem).expect("a key on P-384") }
}

fn by(keys: impl IntoIterator<Item = TrustedKey>) -> Trusted {
    Trusted { keys: keys.into_iter().collect(), roots: vec![] }
}

fn proved(bundle: &[u8], trusted: &Trusted) -> Result<(Signer, Manifest), Refusal> {
    verify(&Bundle::parse(bundle)?, trusted, SystemTime::now())
}

#[test]
fn the_reference_implementations_signatures_by_key_hold() {
    let Some(folder) = specifications::folder("model-signing") else { return };
    let theirs = their_key(&folder);
    let trusted = by([theirs.clone()]);
    for (version, model, differences) in [
        ("v0.3.1", "signme-1", vec![]),
        ("v1.0.0", "signme-1", vec![]),
        // Its bundles did not say yet what was left out.
        ("v1.0.1", "", vec![Difference::Extra("ignore-me".into())]),
        ("v1.1.0", "", vec![]),
    ] {
        let folder = folder.join(format!("scripts/tests/{version}-elliptic-key"));
        let signature = folder.join("model.sig");
        let bytes = fs::read(&signature).expect("a signature");
        let (signer, manifest) = proved(&bytes, &trusted).unwrap_or_else(|refused| panic!("{version}: {refused}"));
        assert_eq!(signer, Signer::Key(theirs.clone()));
        let model = folder.join(model);
        let model = if model.is_dir() { folder.clone() } else { model };
        assert_eq!(compare(&model, &manifest, &[signature]).expect("read"), differences, "{version}");

        // Not of another key, and not with another payload.
        let (_, other) = key("other", Algorithm::P256);
        assert!(matches!(proved(&bytes, &by([other])), Err(Refusal::Untrusted(_))), "{version}");
        let mut bundle: Value = serde_json::from_slice(&bytes).expect("JSON");
        let payload = bundle["dsseEnvelope"]["payload"].as_str().expect("a payload").to_owned();
        let flipped = payload.replacen('I', "J", 1);
        assert_ne!(payload, flipped);
        bundle["dsseEnvelope"]["payload"] = flipped.into();
        assert!(matches!(proved(bundle.to_string().as_bytes(), &trusted), Err(Refusal::Wrong(_))), "{version}");
    }
}

#[test]
fn the_specifications_vectors_are_read_or_refused_as_it_says() {
    let Some(folder) = specifications::folder("model-signing") else { return };
    let vector = |name: &str| fs::read(folder.join("test-vectors/v1.0").join(name)).expect("a vector");
    assert!(Bundle::parse(&vector("valid/key.bundle.json")).is_ok());
    assert!(Bundle::parse(&vector("valid/certificate.bundle.json")).is_ok());
    for (name, said) in [
        ("invalid/empty.bundle.json", "is not JSON"),
        ("invalid/missing-envelope.bundle.json", "no `dsseEnvelope`"),
        ("invalid/missing-verification-material.bundle.json", "no `verificationMaterial`"),
        // Both are of the method that is not verified here.
        ("invalid/missing-tlog-entries.bundle.json", "Fulcio and Rekor"),
        ("valid/sigstore.bundle.json", "Fulcio and Rekor"),
    ] {
        let refused = Bundle::parse(&vector(name)).expect_err(name).to_string();
        assert!(refused.contains(said), "{name}: {refused}");
    }
    let wrong = Bundle::parse(&vector("invalid-payload/wrong-predicate.bundle.json")).expect("a bundle");
    assert!(verify(&wrong, &by([their_key(&folder)]), SystemTime::now()).is_err());
}

/// A bundle of that predicate, signed.
fn bundle(key: &SecretKey, predicate_type: &str, predicate: Value) -> Vec<u8> {
    let statement = Statement::new("model", &Digest::of(b""), predicate_type, predicate);
    let envelope = Envelope::sign(PAYLOAD_TYPE, statement.to_bytes(), key).expect("signed");
    let envelope: Value = serde_json::from_str(&envelope.to_line()).expect("JSON");
    let material = json!({"publicKey": {"hint": "a name"}});
    let media_type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    json!({"mediaType": media_type, "verificationMaterial": material, "dsseEnvelope": envelope})
        .to_string()
        .into_bytes()
}

const PREDICATE: &str = "https://model_signing/signature/v1.0";

fn predicate(resources: &[(&str, &[u8])], serialization: Value) -> Value {
    let resources: Vec<Value> = resources
        .iter()
        .map(|(name, bytes)| json!({"name": name, "digest": Digest::of(bytes).hex(), "algorithm": "sha256"}))
        .collect();
    json!({"resources": resources, "serialization": serialization})
}

fn whole_files() -> Value {
    json!({"method": "files", "hash_type": "sha256", "allow_symlinks": false})
}

#[test]
fn the_payloads_of_the_reference_implementations_tests_are_read() {
    let Some(folder) = specifications::folder("model-signing") else { return };
    let (secret, trusted) = key("ours", Algorithm::P256);
    let mut read_ones = 0;
    for entry in fs::read_dir(folder.join("tests/_signing/testdata/signing/TestPayload")).expect("payloads") {
        let path = entry.expect("an entry").path();
        let payload = read(&path);
        let empty = payload["predicate"]["resources"] == json!([]);
        let signed = bundle(&secret, PREDICATE, payload["predicate"].clone());
        match proved(&signed, &by([trusted.clone()])) {
            Ok((_, manifest)) => {
                assert!(!empty && !manifest.is_empty(), "{}", path.display());
                read_ones += 1;
            }
            // The specification asks for at least one file.
            Err(refused) => {
                assert!(empty && refused.to_string().contains("of no file"), "{}: {refused}", path.display())
            }
        }
    }
    assert!(read_ones >= 10, "{read_ones}");
}

#[test]
fn lists_that_contradict_themselves_are_refused() {
    let (secret, trusted) = key("ours", Algorithm::P256);
    let trusted = by([trusted]);
    let file = |name| predicate(&[(name, b"x")], whole_files());
    let with = |path: &str, value: Value| {
        let mut predicate = file("a");
        *predicate.pointer_mut(path).expect(path) = value;
        predicate
    };
    for (what, kind, predicate, said) in [
        ("another predicate", "https://example.com/wrong", file("a"), "`https://example.com/wrong`"),
        ("nothing", PREDICATE, predicate(&[], whole_files()), "of no file"),
        ("a file twice", PREDICATE, predicate(&[("a", b"x"), ("a", b"y")], whole_files()), "names `a` twice"),
        ("above the folder", PREDICATE, file("../a"), "is no path within a model"),
        ("from the root", PREDICATE, file("/a"), "is no path within a model"),
        ("dots", PREDICATE, file("a/./b"), "is no path within a model"),
        ("slashes", PREDICATE, file("a//b"), "is no path within a model"),
        ("no name", PREDICATE, file(""), "is no path within a model"),
        ("a short digest", PREDICATE, with("/resources/0/digest", "aa".into()), "no sha256"),
        ("an upper-case digest", PREDICATE, with("/resources/0/digest", "A".repeat(64).into()), "no sha256"),
        ("another algorithm", PREDICATE, with("/resources/0/algorithm", "md5".into()), "hashed by `md5`"),
        ("another hash", PREDICATE, with("/serialization/hash_type", "blake3".into()), "hashed by `blake3`"),
        ("another method", PREDICATE, with("/serialization/method", "tree".into()), "the method `tree`"),
        ("shards of no length", PREDICATE, with("/serialization/method", "shards".into()), "the length of shards"),
        ("no list", PREDICATE, json!({"serialization": whole_files()}), "resources"),
    ] {
        let refused = proved(&bundle(&secret, kind, predicate), &trusted).expect_err(what);
        assert!(matches!(&refused, Refusal::Form(why) if why.contains(said)), "{what}: {refused}");
    }
    for size in [json!(0), json!(-8), json!(0.5), json!(1e300), json!("8"), json!(null)] {
        let shards = json!({"method": "shards", "hash_type": "sha256", "allow_symlinks": false, "shard_size": size});
        assert!(
            proved(&bundle(&secret, PREDICATE, predicate(&[("a:0:1", b"x")], shards)), &trusted).is_err(),
            "{size}"
        );
    }
}

#[test]
fn bundles_that_say_two_things_or_nothing_are_refused() {
    let (secret, _) = key("ours", Algorithm::P256);
    let good: Value =
        serde_json::from_slice(&bundle(&secret, PREDICATE, predicate(&[("a", b"x")], whole_files()))).expect("JSON");
    let with = |path: &str, value: Value| {
        let mut bundle = good.clone();
        *bundle.pointer_mut(path).expect(path) = value;
        bundle.to_string()
    };
    let signature = good["dsseEnvelope"]["signatures"][0].clone();
    let chain = json!({"certificates": [{"rawBytes": "AAAA"}]});
    for (what, text, said) in [
        ("a media type", with("/mediaType", "application/json".into()), "which is not known"),
        ("no media type", with("/mediaType", json!(null)), "does not say its `mediaType`"),
        ("two signatures", with("/dsseEnvelope/signatures", json!([signature, signature])), "has 2 signatures"),
        ("another payload", with("/dsseEnvelope/payloadType", "text/plain".into()), "carries `text/plain`"),
        (
            "two ways",
            with("/verificationMaterial", json!({"publicKey": {"hint": "a"}, "x509CertificateChain": chain})),
            "more than one way",
        ),
        ("no way", with("/verificationMaterial", json!({})), "neither a key nor certificates"),
        (
            "no certificate",
            with("/verificationMaterial", json!({"x509CertificateChain": {"certificates": []}})),
            "has 0 certificates",
        ),
        ("a file's own key", with("/verificationMaterial", json!({"publicKey": {"rawBytes": "*"}})), "is not base64"),
        ("media types", good.to_string().replacen('{', r#"{"mediaType": "x", "#, 1), "`mediaType` stands twice"),
    ] {
        let refused = Bundle::parse(text.as_bytes()).expect_err(what).to_string();
        assert!(refused.contains(said), "{what}: {refused}");
    }
}

/// A folder of a model with files in it, one of them empty and one in a folder.
fn model() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("1_Pooling")).expect("a folder");
    fs::create_dir_all(folder.path().join(".git")).expect("a folder");
    for (name, text) in [
        ("config.json", "{}"),
        ("model.safetensors", "weights"),
        ("1_Pooling/config.json", "{ }"),
        ("empty", ""),
        (".git/HEAD", "x"),
    ] {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

#[test]
fn what_we_sign_holds_until_a_file_is_another() {
    let folder = model();
    let at = |name: &str| folder.path().join(name);
    let (secret, trusted) = key("ours", Algorithm::P256);
    let text = sign(folder.path(), &["model.sig".into()], &secret).expect("signed");
    fs::write(at("model.sig"), &text).expect("written");
    let trusted = by([trusted]);
    let (signer, manifest) = proved(text.as_bytes(), &trusted).expect("ours");
    assert_eq!((signer.name(), manifest.len()), ("ours", 4));
    let differences = || compare(folder.path(), &manifest, &[at("model.sig")]).expect("read");
    assert_eq!(differences(), []);

    fs::write(at("config.json"), "{}\n").expect("written");
    fs::write(at("more.bin"), "more").expect("written");
    fs::write(at("1_Pooling/.gitignore"), "").expect("written");
    fs::remove_file(at("empty")).expect("removed");
    #[cfg(unix)]
    std::os::unix::fs::symlink("config.json", at("link")).expect("a link");
    let mut expected = vec![
        Difference::Missing("empty".into()),
        Difference::Changed("config.json".into()),
        Difference::Extra("1_Pooling/.gitignore".into()),
        Difference::Extra("more.bin".into()),
    ];
    if cfg!(unix) {
        expected.push(Difference::Link("link".into()));
    }
    assert_eq!(differences(), expected);
    // Nothing is signed through a link, and nothing where there is nothing.
    if cfg!(unix) {
        assert!(sign(folder.path(), &[], &secret).expect_err("a link").to_string().contains("`link` is a link"));
    }
    let empty = tempfile::tempdir().expect("a folder");
    assert!(sign(empty.path(), &[], &secret).expect_err("nothing").to_string().contains("has no file"));
    let (secret, _) = key("another kind", Algorithm::Ed25519);
    assert!(sign(folder.path(), &[], &secret).expect_err("a kind").to_string().contains("keygen --algorithm p256"));
}

#[test]
fn a_link_in_circles_ends() {
    let folder = model();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(".", folder.path().join("again")).expect("a link");
        let (secret, trusted) = key("ours", Algorithm::P256);
        let links = json!({"method": "files", "hash_type": "sha256", "allow_symlinks": true});
        let signed = bundle(&secret, PREDICATE, predicate(&[("config.json", b"{}")], links));
        let (_, manifest) = proved(&signed, &by([trusted])).expect("ours");
        let error = compare(folder.path(), &manifest, &[]).expect_err("a circle").to_string();
        assert!(error.contains("circles") || error.contains("links"), "{error}");
    }
}

#[test]
fn shards_are_held_against_the_bytes_that_they_are_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let (secret, trusted) = key("ours", Algorithm::P256);
    let shards = json!({"method": "shards", "hash_type": "sha256", "allow_symlinks": false, "shard_size": 4.0});
    let signed =
        predicate(&[("a:b:0:4", b"0123"), ("a:b:4:8", b"4567"), ("a:b:8:10", b"89"), ("c:0:3", b"abc")], shards);
    let (_, manifest) = proved(&bundle(&secret, PREDICATE, signed), &by([trusted])).expect("ours");
    for (long, short, empty, expected) in [
        ("0123456789", "abc", "", vec![]),
        ("0123456788", "abc", "", vec![Difference::Changed("a:b".into())]),
        ("01234567", "abc", "", vec![Difference::Changed("a:b".into())]),
        ("0123", "abc", "", vec![Difference::Changed("a:b".into())]),
        ("012345678901234", "abc", "", vec![Difference::Changed("a:b".into())]),
        ("", "abd", "", vec![Difference::Changed("a:b".into()), Difference::Changed("c".into())]),
        ("0123456789", "abcd", "x", vec![Difference::Changed("c".into()), Difference::Extra("empty".into())]),
    ] {
        for (name, text) in [("a:b", long), ("c", short), ("empty", empty)] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        assert_eq!(compare(folder.path(), &manifest, &[]).expect("read"), expected, "{long} {short} {empty}");
    }
    // As a lock has files: by their digests as a whole.
    for (path, text, covered) in [
        ("c", &b"abc"[..], Covered::Yes),
        ("c", b"abd", Covered::Differs),
        ("c", b"ab", Covered::Differs),
        ("a:b", b"0123456789", Covered::Shards),
        ("a:b", b"0123", Covered::Differs),
        ("d", b"abc", Covered::No),
        ("d", b"0123456789", Covered::No),
        ("d", b"", Covered::Yes),
    ] {
        assert_eq!(manifest.covers(path, text.len() as u64, &Digest::of(text)), covered, "{path} {text:?}");
    }
    let mut bytes = &b"0123456789"[..];
    assert_eq!(manifest.covers_bytes("a:b", &mut bytes).expect("read"), (Covered::Yes, Digest::of(b"0123456789")));
    assert_eq!(manifest.covers_bytes("a:b", &mut &b"0123456780"[..]).expect("read").0, Covered::Differs);
}

//! Envelopes, bundles, keys and settings of those who mean harm: refused with a reason, in little time and memory.

use modeldeploy_trust::dsse::Envelope;
use modeldeploy_trust::keys::{PublicKey, SecretKey};
use modeldeploy_trust::model_signing::Bundle;
use modeldeploy_trust::policy;
use modeldeploy_trust::statement::{Attestations, Statement};
use proptest::prelude::*;
use std::path::Path;

#[test]
fn envelopes_that_mean_harm_are_refused() {
    let envelope = |payload: &str, kind: &str, signatures: &str| {
        format!(r#"{{"payload": "{payload}", "payloadType": "{kind}", "signatures": [{signatures}]}}"#)
    };
    let signature = r#"{"sig": "AAAA"}"#;
    let deep = format!(r#"{{"payload": {}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let many = vec![signature; 65].join(",");
    for (what, text, said) in [
        ("deep", deep, "recursion limit"),
        ("no JSON", "not json".into(), "is not JSON"),
        ("a list", "[]".into(), "not what it should be"),
        ("payload twice", envelope("e30=\", \"payload\": \"e31=", "a", signature), "the key `payload` stands twice"),
        (
            "keyid twice",
            envelope("e30=", "a", r#"{"sig": "AAAA", "keyid": "a", "keyid": "b"}"#),
            "`keyid` stands twice",
        ),
        ("no signature", envelope("e30=", "a", ""), "has 0 signatures"),
        ("too many", envelope("e30=", "a", &many), "has 65 signatures"),
        ("no base64", envelope("e30", "a", signature), "the payload is not base64"),
        ("spaces", envelope("e3 0=", "a", signature), "the payload is not base64"),
        ("bits too many", envelope("e31=", "a", signature), "the payload is not base64"),
        ("signature's base64", envelope("e30=", "a", r#"{"sig": "A"}"#), "a signature is not base64"),
        ("empty signature", envelope("e30=", "a", r#"{"sig": ""}"#), "a signature has 0 bytes"),
        ("long signature", envelope("e30=", "a", &format!(r#"{{"sig": "{}"}}"#, "A".repeat(400))), "has 300 bytes"),
        ("keyid is no text", envelope("e30=", "a", r#"{"sig": "AAAA", "keyid": 7}"#), "not what it should be"),
        ("no type", r#"{"payload": "e30=", "signatures": [{"sig": "AAAA"}]}"#.into(), "payloadType"),
    ] {
        let refused = Envelope::parse(text.as_bytes()).expect_err(what).to_string();
        assert!(refused.contains(said), "{what}: {refused}");
        assert!(Attestations::parse(text.as_bytes()).is_err(), "{what}");
    }
    let huge = vec![b' '; (32 << 20) + 1];
    assert!(Envelope::parse(&huge).expect_err("huge").to_string().contains("are the most"));
    assert!(Attestations::parse(&huge).is_err() && Bundle::parse(&huge).is_err());
    let lines = format!("{}\n", envelope("e30=", "a", signature)).repeat(65);
    assert!(Attestations::parse(lines.as_bytes()).is_err());
    // Keys that are not known are passed over, as DSSE asks.
    let more = envelope("e30=", "a", r#"{"sig": "AAAA", "keyid": null, "cert": {"x": 1}}"#);
    assert!(Envelope::parse(more.as_bytes()).is_ok());
}

#[test]
fn statements_that_are_none_are_refused() {
    let kind = "https://in-toto.io/Statement/v1";
    for (what, text) in [
        (
            "another version",
            r#"{"_type": "https://in-toto.io/Statement/v0.1", "subject": [{"digest": {}}], "predicateType": "a"}"#
                .into(),
        ),
        ("about nothing", format!(r#"{{"_type": "{kind}", "subject": [], "predicateType": "a"}}"#)),
        ("no subject", format!(r#"{{"_type": "{kind}", "predicateType": "a"}}"#)),
        ("no predicate's type", format!(r#"{{"_type": "{kind}", "subject": [{{"digest": {{}}}}]}}"#)),
        (
            "a digest that is none",
            format!(r#"{{"_type": "{kind}", "subject": [{{"digest": {{"sha256": 1}}}}], "predicateType": "a"}}"#),
        ),
        (
            "two digests",
            format!(
                r#"{{"_type": "{kind}", "subject": [{{"digest": {{"sha256": "a", "sha256": "b"}}}}], "predicateType": "a"}}"#
            ),
        ),
    ] {
        assert!(Statement::parse(String::as_bytes(&text)).is_err(), "{what}");
    }
}

#[test]
fn each_attack_of_the_fuzz_target_is_refused_or_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/attacks/trust");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the attacks") {
        let bytes = std::fs::read(entry.expect("an attack").path()).expect("its bytes");
        whatever_they_are(&bytes);
        count += 1;
    }
    assert!(count >= 12, "{count} attacks");
}

/// Everything that reads bytes, which end in a refusal or in what is read again as it was.
fn whatever_they_are(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert_eq!(Envelope::parse(envelope.to_line().as_bytes()), Ok(envelope.clone()));
        assert_eq!(envelope.verify(&[], 1).ok(), None);
        if let Ok(statement) = Statement::of_envelope(&envelope) {
            assert_eq!(Statement::parse(&statement.to_bytes()), Ok(statement));
        }
    }
    if let Ok(said) = Attestations::parse(bytes) {
        assert_eq!(Attestations::parse(said.to_text().as_bytes()), Ok(said));
    }
    let _ = Bundle::parse(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = PublicKey::from_pem(text) {
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
    }
    let _ = (SecretKey::from_pem(text), policy::parse(text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        whatever_they_are(&bytes);
    }

    #[test]
    fn any_json_of_these_words_is_refused_or_read(
        words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..60)
    ) {
        whatever_they_are(words.concat().as_bytes());
    }
}

const WORDS: [&str; 28] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"payload\"",
    "\"payloadType\"",
    "\"signatures\"",
    "\"sig\"",
    "\"keyid\"",
    "\"AAAA\"",
    "\"application/vnd.in-toto+json\"",
    "null",
    "1",
    "\"mediaType\"",
    "\"verificationMaterial\"",
    "\"dsseEnvelope\"",
    "\"publicKey\"",
    "\"hint\"",
    "[policy]\n",
    "licenses = ",
    "max-age",
    "=",
    "\"365d\"\n",
    "-----BEGIN PUBLIC KEY-----\n",
    "-----END PUBLIC KEY-----\n",
    "\"application/vnd.dev.sigstore.bundle.v0.3+json\"",
];

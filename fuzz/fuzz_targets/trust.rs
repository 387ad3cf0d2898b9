//! Any bytes as an envelope, a file of them, a statement, a model's signature, a key, and settings: refused, or read as they are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_trust::dsse::Envelope;
use modeldeploy_trust::keys::{PublicKey, SecretKey, TrustedKey};
use modeldeploy_trust::model_signing::{Bundle, Trusted, verify};
use modeldeploy_trust::policy::{self, Facts, judge};
use modeldeploy_trust::statement::{Attestations, Statement};
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

/// The key of RFC 8032's first test, whose secret anybody knows: whoever is fuzzed may sign.
static KEY: LazyLock<TrustedKey> = LazyLock::new(|| {
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    TrustedKey { name: "rfc".into(), key: PublicKey::from_pem(pem).expect("a key") }
});

fuzz_target!(|bytes: &[u8]| {
    let keys = std::slice::from_ref(&*KEY);
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert_eq!(Envelope::parse(envelope.to_line().as_bytes()), Ok(envelope.clone()));
        assert!(envelope.verify(&[], 0).is_err());
        let _ = envelope.verify(keys, 1);
        if let Ok(statement) = Statement::of_envelope(&envelope) {
            assert_eq!(Statement::parse(&statement.to_bytes()), Ok(statement));
        }
    }
    if let Ok(said) = Attestations::parse(bytes) {
        assert_eq!(Attestations::parse(said.to_text().as_bytes()), Ok(said));
    }
    if let Ok(bundle) = Bundle::parse(bytes) {
        let trusted = Trusted { keys: keys.to_vec(), roots: vec![] };
        // The specification has no such keys.
        assert!(verify(&bundle, &trusted, UNIX_EPOCH).is_err());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = PublicKey::from_pem(text) {
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
    }
    if let Ok(key) = SecretKey::from_pem(text) {
        let signature = key.sign(b"a message").expect("signed");
        assert!(key.public().verifies(b"a message", &signature));
    }
    if let Ok(settings) = policy::parse(text) {
        let facts = Facts {
            model: "encoder",
            source: "models/encoder",
            license: Some("MIT OR Apache-2.0"),
            released: Some("2026-01-01"),
            files: Some(&[]),
            signed: &[],
        };
        let today = "2026-05-31".parse().expect("a day");
        assert_eq!(judge(&settings.policy, &facts, today), judge(&settings.policy, &facts, today));
    }
});

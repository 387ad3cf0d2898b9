//! A valid one of everything that the target `trust` reads.

use modeldeploy_format::Digest;
use modeldeploy_trust::dsse::Envelope;
use modeldeploy_trust::keys::{Algorithm, SecretKey};
use modeldeploy_trust::model_signing;
use modeldeploy_trust::statement::{Attestations, PAYLOAD_TYPE, Statement};

/// The key of RFC 8032's first test, as PKCS#8.
const SECRET: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

const SETTINGS: &str = "[policy]\nlicenses = [\"Apache-2.0\", \"MIT\"]\nmax-age = \"365d\"\nmax-size = \"500MB\"\n\
                        [policy.sources]\nallowed = [\"models/*\"]\nforbidden = [\"hf:*\"]\n\
                        [policy.signatures]\nrequired = true\nsigners = [\"keys/a.pub\"]\nthreshold = 1\n\
                        [trust]\nkeys = [\"keys/release.pub\"]\n";

/// The seeds, by their names.
pub fn seeds() -> Vec<(&'static str, String)> {
    let key = SecretKey::from_pem(SECRET).expect("the RFC's key");
    let about = Digest::of(b"a file");
    let statement = Statement::of_file("a", &about, "lock", 6);
    let mut said = Attestations::default();
    said.sign(&statement, &about, &key).expect("signed");
    said.sign(&statement.until(Some("2027-01-01".parse().expect("a day"))), &about, &key).expect("signed");
    let envelope = Envelope::sign(PAYLOAD_TYPE, b"{}".to_vec(), &key).expect("signed");
    let (ecdsa, pem) = SecretKey::generate(Algorithm::P256).expect("a key");
    let model = tempfile::tempdir().expect("a folder");
    std::fs::write(model.path().join("config.json"), "{}").expect("a file");
    let bundle = model_signing::sign(model.path(), &[], &ecdsa).expect("signed");
    vec![
        ("attestations", said.to_text()),
        ("envelope", envelope.to_line()),
        ("bundle", bundle),
        ("public", key.public().to_pem()),
        ("public-p256", ecdsa.public().to_pem()),
        ("secret", SECRET.to_owned()),
        ("secret-p256", pem),
        ("settings", SETTINGS.to_owned()),
    ]
}

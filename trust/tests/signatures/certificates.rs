//! Models that are signed by certificate: chains that hold, and what is wrong with others.

use crate::specifications;
use modeldeploy_format::Digest;
use modeldeploy_trust::Refusal;
use modeldeploy_trust::dsse::pae;
use modeldeploy_trust::keys::{Algorithm, SecretKey};
use modeldeploy_trust::model_signing::{Bundle, Root, Signer, Trusted, read_roots, verify};
use modeldeploy_trust::statement::{PAYLOAD_TYPE, Statement};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// A certificate for signing code.
fn signer() -> CertificateParams {
    let mut params = named("ml-team");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    params
}

fn root(name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority(name), KeyPair::generate().expect("a key")).expect("a root")
}

fn roots(authority: &Authority) -> Vec<Root> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop-ca.pem");
    fs::write(&path, authority.pem()).expect("written");
    read_roots(&path).expect("a root")
}

/// A bundle of one file, signed on P-384 by the key of the first certificate.
fn bundle(key: &KeyPair, chain: &[&[u8]]) -> Value {
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let predicate = json!({
        "resources": [{"name": "a", "digest": Digest::of(b"x").hex(), "algorithm": "sha256"}],
        "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": false},
    });
    let statement =
        Statement::new("model", &Digest::of(b""), "https://model_signing/signature/v1.0", predicate).to_bytes();
    let signature = rcgen::SigningKey::sign(key, &pae(PAYLOAD_TYPE, &statement)).expect("signed");
    let certificates: Vec<Value> = chain.iter().map(|der| json!({"rawBytes": encode(der)})).collect();
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"x509CertificateChain": {"certificates": certificates}},
        "dsseEnvelope": {"payload": encode(&statement), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": encode(&signature)}]},
    })
}

/// A day of the year in which the certificates are valid.
fn in_time() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_780_000_000)
}

fn proved(bundle: &Value, roots: Vec<Root>, now: SystemTime) -> Result<Signer, Refusal> {
    let bundle = Bundle::parse(bundle.to_string().as_bytes())?;
    verify(&bundle, &Trusted { keys: vec![], roots }, now).map(|(signer, _)| signer)
}

fn check(refused: Result<Signer, Refusal>, said: &str) {
    let refused = refused.expect_err(said).to_string();
    assert!(refused.contains(said), "{said}: {refused}");
}

#[test]
fn a_chain_to_a_trusted_root_vouches_for_a_signer() {
    let top = root("shop root");
    let between = CertifiedIssuer::signed_by(authority("shop models"), KeyPair::generate().expect("a key"), &top)
        .expect("issued");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    let leaf = signer().signed_by(&key, &between).expect("issued");
    let good = bundle(&key, &[leaf.der(), between.der()]);
    let found = proved(&good, roots(&top), in_time()).expect("a chain");
    assert_eq!(found.name(), "shop-ca");
    assert!(found.to_string().ends_with("(certified by shop-ca)"), "{found}");

    check(proved(&good, vec![], in_time()), "no root of certificates is trusted");
    check(proved(&good, roots(&root("another")), in_time()), "was not issued by the trusted root `shop-ca`");
    // The same name, another key.
    check(proved(&good, roots(&root("shop root")), in_time()), "does not hold");
    let year = Duration::from_secs(366 * 86_400);
    check(proved(&good, roots(&top), in_time() + year), "has expired");
    check(proved(&good, roots(&top), in_time() - year), "is not valid yet");
    // Without the one between; and with what was signed by another key.
    check(proved(&bundle(&key, &[leaf.der()]), roots(&top), in_time()), "was not issued by");
    let other = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    check(proved(&bundle(&other, &[leaf.der(), between.der()]), roots(&top), in_time()), "its certificate is in order");
}

#[test]
fn certificates_for_other_uses_sign_no_models() {
    let top = root("shop root");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    let issue = |params: CertificateParams| bundle(&key, &[params.signed_by(&key, &top).expect("issued").der()]);
    let mut server = signer();
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    check(proved(&issue(server), roots(&top), in_time()), "is not for signing code");
    let mut unsaid = signer();
    unsaid.extended_key_usages = vec![];
    check(proved(&issue(unsaid), roots(&top), in_time()), "is not for signing code");
    let mut above = authority("shop models");
    above.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    let above = CertifiedIssuer::signed_by(above, KeyPair::generate().expect("a key"), &top).expect("issued");
    for (params, holds) in [(signer(), true), (named("says nothing"), false)] {
        let leaf = params.signed_by(&key, &above).expect("issued");
        let found = proved(&bundle(&key, &[leaf.der(), above.der()]), roots(&top), in_time());
        assert_eq!(found.is_ok(), holds, "{found:?}");
    }
    let mut issuing = signer();
    issuing.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    check(proved(&issue(issuing), roots(&top), in_time()), "the certificate of an authority");

    // A signer's certificate issues none.
    let of_signer = CertifiedIssuer::signed_by(signer(), KeyPair::generate().expect("a key"), &top).expect("issued");
    let leaf = signer().signed_by(&key, &of_signer).expect("issued");
    assert!(proved(&bundle(&key, &[leaf.der(), of_signer.der()]), roots(&top), in_time()).is_err());
    // An RSA or other key in the certificate is refused by its name, and rubbish as rubbish.
    check(proved(&bundle(&key, &[b"rubbish"]), roots(&top), in_time()), "is damaged");
}

#[test]
fn files_without_a_root_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    let (_, private) = SecretKey::generate(Algorithm::P256).expect("a key");
    for (text, said) in [
        ("", "it is no PEM"),
        (private.as_str(), "PEM of a `PRIVATE KEY`"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be a root"),
    ] {
        fs::write(&path, text).expect("written");
        let refused = read_roots(&path).expect_err(said).to_string();
        assert!(refused.contains(said), "{refused}");
    }
    assert!(read_roots(&folder.path().join("none")).expect_err("none").to_string().contains("cannot be read"));
}

#[test]
fn the_certificates_of_the_reference_implementations_vectors_are_of_an_authority() {
    let Some(folder) = specifications::folder("model-signing") else { return };
    for version in ["v0.2.0", "v0.3.1", "v1.0.0", "v1.0.1", "v1.1.0"] {
        let bytes =
            fs::read(folder.join(format!("scripts/tests/{version}-certificate/model.sig"))).expect("a signature");
        let bundle: Value = serde_json::from_slice(&bytes).expect("JSON");
        let chain = bundle.pointer("/verificationMaterial/x509CertificateChain/certificates").expect("a chain");
        let issuer = chain[1]["rawBytes"].as_str().expect("the issuer");
        let path = tempfile::NamedTempFile::new().expect("a file");
        fs::write(path.path(), format!("-----BEGIN CERTIFICATE-----\n{issuer}\n-----END CERTIFICATE-----\n"))
            .expect("written");
        let trusted = read_roots(path.path()).expect("the issuer, which is RSA's");
        check(proved(&bundle, trusted, in_time()), "the certificate of an authority");
    }
}

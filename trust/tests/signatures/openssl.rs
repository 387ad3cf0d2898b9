//! `openssl` reads our keys and verifies our signatures, and we verify its.

use modeldeploy_trust::keys::{Algorithm, SecretKey, read_public, read_secret, write_pair};
use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, line: &str) -> bool {
    let out = Command::new("openssl").args(line.split_whitespace()).current_dir(folder).output().expect("openssl");
    if !out.status.success() {
        eprintln!("openssl {line}: {}", String::from_utf8_lossy(&out.stderr));
    }
    out.status.success()
}

#[test]
fn openssl_and_we_believe_each_other() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("openssl is not here: skipped");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("message"), b"what is signed").expect("written");
    for algorithm in [Algorithm::Ed25519, Algorithm::P256] {
        // Our key and signature, their verification.
        let (key, pem) = SecretKey::generate(algorithm).expect("a key");
        write_pair(&at(algorithm.name()), &pem, key.public()).expect("written");
        std::fs::write(at("our.sig"), key.sign(b"what is signed").expect("signed")).expect("written");
        let ours = match algorithm {
            Algorithm::Ed25519 => {
                format!("pkeyutl -verify -rawin -in message -pubin -inkey {algorithm}.pub -sigfile our.sig")
            }
            _ => format!("dgst -sha256 -verify {algorithm}.pub -signature our.sig message"),
        };
        assert!(openssl(folder.path(), &ours), "{algorithm}");
        std::fs::write(at("our.sig"), key.sign(b"what is not").expect("signed")).expect("written");
        assert!(!openssl(folder.path(), &ours), "{algorithm}");

        // Our key, their signature.
        let theirs = match algorithm {
            Algorithm::Ed25519 => format!("pkeyutl -sign -rawin -in message -inkey {algorithm}.key -out their.sig"),
            _ => format!("dgst -sha256 -sign {algorithm}.key -out their.sig message"),
        };
        assert!(openssl(folder.path(), &theirs), "{algorithm}");
        let signature = std::fs::read(at("their.sig")).expect("a signature");
        assert!(key.public().verifies(b"what is signed", &signature), "{algorithm}");
        assert!(openssl(folder.path(), &format!("pkey -in {algorithm}.key -pubout -out their.pub")));
        assert_eq!(&read_public(&at("their.pub")).expect("their form").key, key.public());
    }
    // Their keys, in the forms in which they write them.
    for (make, verifies_alone) in [
        ("genpkey -algorithm ed25519 -out their.key", false),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out their.key", false),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out their.key", true),
    ] {
        assert!(openssl(folder.path(), make), "{make}");
        assert!(openssl(folder.path(), "pkey -in their.key -pubout -out their.pub"), "{make}");
        let public = read_public(&at("their.pub")).expect(make).key;
        match read_secret(&at("their.key")) {
            Ok(secret) => assert!(!verifies_alone && *secret.public() == public, "{make}"),
            Err(refused) => assert!(verifies_alone, "{make}: {refused}"),
        }
    }
    for (make, said) in [
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out their.key", "P-521"),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out their.key", "secp256k1"),
        ("genpkey -algorithm ed448 -out their.key", "Ed448"),
        ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out their.key", "RSA"),
    ] {
        assert!(openssl(folder.path(), make) && openssl(folder.path(), "pkey -in their.key -pubout -out their.pub"));
        for refused in [read_public(&at("their.pub")).expect_err(make), read_secret(&at("their.key")).expect_err(make)]
        {
            assert!(refused.to_string().contains(said), "{make}: {refused}");
        }
    }
}

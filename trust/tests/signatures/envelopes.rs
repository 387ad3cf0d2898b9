//! Envelopes and statements: DSSE's own example, several signers, and whose word counts.

use crate::keys::{base64, bytes};
use modeldeploy_format::Digest;
use modeldeploy_trust::dsse::{Envelope, pae};
use modeldeploy_trust::keys::{Algorithm, PublicKey, SecretKey, TrustedKey};
use modeldeploy_trust::statement::{Attestations, PAYLOAD_TYPE, Statement};
use modeldeploy_trust::{Date, Refusal};

pub(crate) fn key(name: &str, algorithm: Algorithm) -> (SecretKey, TrustedKey) {
    let (secret, _) = SecretKey::generate(algorithm).expect("a key");
    let key = secret.public().clone();
    (secret, TrustedKey { name: name.into(), key })
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

/// <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md#test-vectors>
const EXAMPLE: &str = r#"{
  "payload": "aGVsbG8gd29ybGQ=",
  "payloadType": "http://example.com/HelloWorld",
  "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]
}"#;

#[test]
fn the_example_of_dsse_holds_under_its_key() {
    // The example writes its point in decimal digits.
    let x = hex_of("46950820868899156662930047687818585632848591499744589407958293238635476079160");
    let y = hex_of("5640078356564379163099075877009565129882514886557779369047442380624545832820");
    let spki = bytes(&format!("3059301306072a8648ce3d020106082a8648ce3d03010703420004{x}{y}"));
    let trusted = TrustedKey { name: "example".into(), key: PublicKey::from_spki(&spki).expect("a key") };
    let envelope = Envelope::parse(EXAMPLE.as_bytes()).expect("an envelope");
    let encoded = pae(&envelope.payload_type, &envelope.payload);
    assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_eq!(envelope.verify(std::slice::from_ref(&trusted), 1), Ok(vec![&trusted]));
    // Another payload, another type: neither is what was signed.
    for (from, to) in [("aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGU="), ("HelloWorld", "HelloWorle")] {
        let other = Envelope::parse(EXAMPLE.replace(from, to).as_bytes()).expect("an envelope");
        assert!(matches!(other.verify(std::slice::from_ref(&trusted), 1), Err(Refusal::Untrusted(_))), "{to}");
    }
}

/// 32 bytes of a decimal number.
fn hex_of(decimal: &str) -> String {
    let mut number = [0_u8; 32];
    for digit in decimal.bytes() {
        let mut carry = u16::from(digit - b'0');
        for byte in number.iter_mut().rev() {
            carry += u16::from(*byte) * 10;
            *byte = carry as u8;
            carry >>= 8;
        }
    }
    number.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn several_sign_one_envelope_and_each_counts_once() {
    let (a, trusted_a) = key("a", Algorithm::Ed25519);
    let (b, trusted_b) = key("b", Algorithm::P256);
    let (stranger, _) = key("stranger", Algorithm::P256);
    let mut envelope = Envelope::sign("text/plain", b"hello".to_vec(), &a).expect("signed");
    envelope.add(&a).expect("signed");
    envelope.add(&stranger).expect("signed");
    // The same key under two names is one.
    let again = TrustedKey { name: "again".into(), ..trusted_a.clone() };
    let keys = [trusted_a.clone(), again, trusted_b];
    assert_eq!(envelope.verify(&keys, 1).map(|found| found.len()), Ok(1));
    let refused = envelope.verify(&keys, 2).expect_err("one has signed").to_string();
    assert!(refused.contains("1 of the trusted keys have signed it, and 2 are asked for"), "{refused}");
    envelope.add(&b).expect("signed");
    let read = Envelope::parse(envelope.to_line().as_bytes()).expect("an envelope");
    assert_eq!(read, envelope);
    let names: Vec<&str> = read.verify(&keys, 2).expect("two").into_iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    // Nobody is trusted, and nothing is asked for: still nobody vouches.
    assert!(read.verify(&[], 0).is_err() && read.verify(&[], 1).is_err());
}

#[test]
fn a_key_is_believed_by_its_signature_and_not_by_its_name() {
    let (a, trusted_a) = key("a", Algorithm::Ed25519);
    let (b, trusted_b) = key("b", Algorithm::P256);
    let mut envelope = Envelope::sign("text/plain", b"hello".to_vec(), &a).expect("signed");
    // What says it is of `b` and is of `a` counts for `a`, and not for `b`.
    envelope.signatures[0].keyid = Some(b.public().id().0);
    assert_eq!(envelope.verify(std::slice::from_ref(&trusted_a), 1), Ok(vec![&trusted_a]));
    let refused = envelope.verify(std::slice::from_ref(&trusted_b), 1);
    assert!(matches!(&refused, Err(Refusal::Wrong(why)) if why.contains("(b)")), "{refused:?}");
    envelope.signatures[0].keyid = None;
    assert_eq!(envelope.verify(std::slice::from_ref(&trusted_a), 1), Ok(vec![&trusted_a]));
}

#[test]
fn statements_of_a_file_are_proved_in_the_order_of_what_is_worst() {
    let (a, trusted_a) = key("a", Algorithm::Ed25519);
    let (b, trusted_b) = key("b", Algorithm::P256);
    let (stranger, _) = key("stranger", Algorithm::P256);
    let keys = [trusted_a, trusted_b];
    let [about, other] = [Digest::of(b"the file"), Digest::of(b"another")];
    let statement = Statement::of_file("a.lock", &about, "lock", 8);
    let today = day("2026-05-31");
    let mut said = Attestations::default();
    let check = |said: &Attestations, about: &Digest, threshold| {
        said.verify(about, &keys, threshold, today).map(|it| it.keys.len())
    };

    said.sign(&statement, &about, &stranger).expect("signed");
    let refused = check(&said, &about, 1).expect_err("a stranger");
    assert!(matches!(&refused, Refusal::Untrusted(why) if why.contains(&stranger.public().id().0)), "{refused}");
    said.sign(&statement, &about, &a).expect("signed");
    said.sign(&statement, &about, &a).expect("signed");
    assert_eq!((check(&said, &about, 1), check(&said, &about, 2).is_err()), (Ok(1), true));
    let refused = check(&said, &other, 1).expect_err("another file");
    assert!(matches!(&refused, Refusal::Other(why) if why.contains(&other.to_string())), "{refused}");
    // Two statements, of two signers, in two envelopes.
    said.sign(&statement.clone().until(Some(day("2026-05-31"))), &about, &b).expect("signed");
    assert_eq!(said.to_text().lines().count(), 2);
    let read = Attestations::parse(said.to_text().as_bytes()).expect("what was written");
    assert_eq!((&read, check(&read, &about, 2)), (&said, Ok(2)));
    let late = read.verify(&about, &keys[1..], 1, day("2026-06-01"));
    assert!(matches!(&late, Err(Refusal::Expired(why)) if why.contains("until 2026-05-31")), "{late:?}");
    // What another tool wrote there in a form of its own stays.
    let mut text = said.to_text();
    text += &Envelope::sign("application/vnd.scan+cbor", b"x".to_vec(), &stranger).expect("signed").to_line();
    let mut said = Attestations::parse(text.as_bytes()).expect("three lines");
    // Who signs a new file beside an old signature does not keep what was said of the old one.
    said.sign(&Statement::of_file("a.lock", &other, "lock", 7), &other, &a).expect("signed");
    assert_eq!((said.to_text().lines().count(), check(&said, &other, 1)), (2, Ok(1)));
}

#[test]
fn another_payload_type_says_nothing_of_a_file() {
    let (a, trusted) = key("a", Algorithm::Ed25519);
    let about = Digest::of(b"the file");
    let payload = Statement::of_file("a.lock", &about, "lock", 8).to_bytes();
    let envelope = Envelope::sign("application/json", payload.clone(), &a).expect("signed");
    let said = Attestations::parse(envelope.to_line().as_bytes()).expect("an envelope");
    let keys = [trusted];
    let refused = said.verify(&about, &keys, 1, day("2026-05-31"));
    assert!(matches!(&refused, Err(Refusal::Form(why)) if why.contains("application/json")), "{refused:?}");
    // The same signature under the right type is none: the type is signed too.
    let line = envelope.to_line().replace("application/json", PAYLOAD_TYPE);
    let said = Attestations::parse(line.as_bytes()).expect("an envelope");
    assert!(matches!(said.verify(&about, &keys, 1, day("2026-05-31")), Err(Refusal::Wrong(_))));
}

#[test]
fn a_signature_covers_each_byte_of_a_payload() {
    let (a, trusted) = key("a", Algorithm::Ed25519);
    let envelope = Envelope::sign(PAYLOAD_TYPE, b"{\"a\": [1, 2, 3]}".to_vec(), &a).expect("signed");
    let keys = [trusted];
    for at in 0..envelope.payload.len() {
        let mut other = envelope.clone();
        other.payload[at] ^= 1;
        assert!(matches!(other.verify(&keys, 1), Err(Refusal::Wrong(_))), "byte {at}");
    }
    // A byte that moves from the payload into its type is noticed by their lengths.
    let split = Envelope { payload_type: format!("{PAYLOAD_TYPE} 1"), payload: b"x".to_vec(), ..envelope };
    assert!(split.verify(&keys, 1).is_err());
    assert_eq!(base64("aGVsbG8gd29ybGQ="), b"hello world");
}

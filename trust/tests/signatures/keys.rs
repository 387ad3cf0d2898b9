//! Keys against the vectors of RFC 8032 and RFC 6979.

use modeldeploy_trust::keys::{Algorithm, PublicKey, SecretKey};

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Section 7.1: secret, public, message, signature.
const RFC_8032: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

#[test]
fn ed25519_signs_as_the_rfc_does() {
    for [secret, public, message, signature] in RFC_8032 {
        // As RFC 8410 has private and public keys.
        let key = SecretKey::from_pkcs8(&bytes(&format!("302e020100300506032b657004220420{secret}"))).expect("a key");
        let public = PublicKey::from_spki(&bytes(&format!("302a300506032b6570032100{public}"))).expect("a key");
        let (message, signature) = (bytes(message), bytes(signature));
        assert_eq!(key.public(), &public);
        assert_eq!(key.sign(&message).expect("signed"), signature);
        assert!(public.verifies(&message, &signature));
        for at in 0..signature.len() {
            let mut other = signature.clone();
            other[at] ^= 1 << (at % 8);
            assert!(!public.verifies(&message, &other), "byte {at}");
        }
        assert!(!public.verifies(b"another", &signature));
        // The order of the group added to the second half: the same equation, another text (RFC 8032, 5.1.7).
        let mut other = signature.clone();
        let order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut carry = 0_u16;
        for (byte, add) in other[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry as u8;
            carry >>= 8;
        }
        assert!(!public.verifies(&message, &other));
    }
}

/// RFC 6979, A.2.5 and A.2.6: before the point in its SubjectPublicKeyInfo, the point, then messages with r and s.
type Curve = (&'static str, [&'static str; 2], &'static [(&'static str, &'static str, &'static str)]);
const RFC_6979: [Curve; 2] = [
    (
        "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
        [
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        ],
        &[
            (
                "sample",
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            ),
            (
                "test",
                "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
                "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
            ),
        ],
    ),
    (
        "3076301006072a8648ce3d020106052b8104002203620004",
        [
            "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13",
            "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
        ],
        &[(
            "sample",
            "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
            "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
        )],
    ),
];

/// The two numbers as DER has them.
pub(crate) fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let number = &number[number.iter().position(|&byte| byte != 0).unwrap_or(number.len() - 1)..];
        let sign: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
        [&[2, (sign.len() + number.len()) as u8], sign, number].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [&[0x30, body.len() as u8], &body[..]].concat()
}

#[test]
fn ecdsa_verifies_the_rfcs_signatures_in_both_forms() {
    for (before, point, messages) in RFC_6979 {
        let key = PublicKey::from_spki(&bytes(&format!("{before}{}", point.concat()))).expect("a key");
        for (message, r, s) in messages {
            let (r, s) = (bytes(r), bytes(s));
            let (der, fixed) = (der(&r, &s), [&r[..], &s].concat());
            assert!(key.verifies(message.as_bytes(), &der) && key.verifies(message.as_bytes(), &fixed), "{message}");
            assert!(!key.verifies(b"another", &der) && !key.verifies(b"another", &fixed));
            for at in 0..der.len() {
                let mut other = der.clone();
                other[at] ^= 1 << (at % 8);
                assert!(!key.verifies(message.as_bytes(), &other), "byte {at}");
                assert!(!key.verifies(message.as_bytes(), &der[..at]), "cut at {at}");
            }
            let zeros = vec![0; fixed.len()];
            assert!(!key.verifies(message.as_bytes(), &zeros) && !key.verifies(message.as_bytes(), &[]));
        }
    }
}

#[test]
fn what_a_key_signs_its_public_half_alone_verifies() {
    let keys = [Algorithm::Ed25519, Algorithm::Ed25519, Algorithm::P256, Algorithm::P256];
    let keys: Vec<_> = keys.map(|algorithm| SecretKey::generate(algorithm).expect("a key")).into();
    for (at, (key, pem)) in keys.iter().enumerate() {
        let read = SecretKey::from_pem(pem).expect("the same key");
        assert_eq!(read.public(), key.public());
        let public = PublicKey::from_pem(&key.public().to_pem()).expect("its public half");
        assert_eq!((&public, public.id()), (key.public(), key.public().id()));
        let signature = read.sign(b"a message").expect("signed");
        for (other, (of, _)) in keys.iter().enumerate() {
            assert_eq!(of.public().verifies(b"a message", &signature), other == at);
        }
        // What is printed of a private key is not private.
        let printed = format!("{key:?}");
        assert!(printed.contains(&public.id().0) && printed.len() < 100, "{printed}");
    }
    assert!(SecretKey::generate(Algorithm::P384).is_err());
}

#[test]
fn other_keys_are_refused_by_their_names() {
    let (key, pem) = SecretKey::generate(Algorithm::P256).expect("a key");
    let public = key.public().to_pem();
    for (text, said) in [
        (pem.as_str(), "it is a private key"),
        ("", "it is no PEM"),
        (&format!("{public}{public}"), "it has 2 keys"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "PEM of a `CERTIFICATE`"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "damaged, or of a kind that is not known"),
    ] {
        let refused = PublicKey::from_pem(text).expect_err(said).to_string();
        assert!(refused.contains(said), "{refused}");
    }
    for (text, said) in [
        (public.as_str(), "it is a public key"),
        ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "openssl pkcs8 -topk8"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "under a password"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "`OPENSSH PRIVATE KEY`"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged, or of a kind"),
    ] {
        let refused = SecretKey::from_pem(text).expect_err(said).to_string();
        assert!(refused.contains(said), "{refused}");
    }
    let spki = key.public().to_spki();
    for (name, der) in [
        ("cut", spki[..spki.len() - 1].to_vec()),
        ("long", [&spki[..], &[0]].concat()),
        ("a point that is compressed", [&spki[..26], &[2], &spki[27..]].concat()),
        ("empty", vec![]),
    ] {
        assert!(PublicKey::from_spki(&der).is_err(), "{name}");
    }
    // The public half that a damaged private key carries is not that of its secret.
    let der = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        base64(&body)
    };
    let mut damaged = der(&pem);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    assert!(SecretKey::from_pkcs8(&damaged).is_err());
}

/// As the standard alphabet has it.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

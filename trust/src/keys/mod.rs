//! Keys: Ed25519 and ECDSA, public as SPKI and private as PKCS#8, both as PEM.
//!
//! The algorithm is the key's, so that nobody who writes an envelope chooses it. ECDSA's hash is the curve's: SHA-256 on P-256,
//! SHA-384 on P-384. Keys on P-384 verify and do not sign.

mod files;
mod secret;

pub use files::{read_public, read_secret, write_pair};
pub use secret::SecretKey;

use crate::encoding::hex;
use crate::pem;
use crate::refusal::{Refusal, form};
use modeldeploy_format::Digest;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use std::fmt;

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// [RFC 8032](https://www.rfc-editor.org/rfc/rfc8032): 64 bytes.
    Ed25519,
    /// [FIPS 186-5](https://csrc.nist.gov/pubs/fips/186-5/final) on P-256 with SHA-256: DER.
    P256,
    /// The same on P-384 with SHA-384.
    P384,
}

/// What stands before the key in its SubjectPublicKeyInfo, by [RFC 8410](https://www.rfc-editor.org/rfc/rfc8410) and
/// [RFC 5480](https://www.rfc-editor.org/rfc/rfc5480), and how long the key is: points are not compressed.
const FORMS: [(Algorithm, &[u8], usize); 3] = [
    (Algorithm::Ed25519, b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 32),
    (
        Algorithm::P256,
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
        65,
    ),
    (
        Algorithm::P384,
        b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00",
        97,
    ),
];

/// Keys that are known to be none of these, by a piece of their DER.
const OTHERS: [(&[u8], &str); 4] = [
    (b"\x2b\x81\x04\x00\x23", "a key on P-521"),
    (b"\x2b\x81\x04\x00\x0a", "a key on secp256k1"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "an RSA key"),
    (b"\x2b\x65\x71", "an Ed448 key"),
];

impl Algorithm {
    /// As people and flags call it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Ed25519 => "ed25519",
            Algorithm::P256 => "p256",
            Algorithm::P384 => "p384",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a key: the sha256 of its SubjectPublicKeyInfo in DER, as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// As signatures are verified with it: 32 bytes, or an uncompressed point.
    point: Vec<u8>,
}

impl PublicKey {
    /// A key from its algorithm and its own bytes, which have the right length.
    pub(crate) fn new(algorithm: Algorithm, point: &[u8]) -> PublicKey {
        PublicKey { algorithm, point: point.to_vec() }
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    ///
    /// If it is of another kind, or damaged.
    pub fn from_spki(der: &[u8]) -> Result<PublicKey, Refusal> {
        for (algorithm, before, length) in FORMS {
            if let Some(point) = der.strip_prefix(before)
                && point.len() == length
                && (algorithm == Algorithm::Ed25519 || point[0] == 4)
            {
                return Ok(PublicKey::new(algorithm, point));
            }
        }
        Err(form(unknown(der)))
    }

    /// Reads PEM with one public key in it.
    ///
    /// # Errors
    ///
    /// If there is none, more than one, or one of another kind.
    pub fn from_pem(text: &str) -> Result<PublicKey, Refusal> {
        match &pem::blocks(text)?[..] {
            [(label, der)] if label == "PUBLIC KEY" => PublicKey::from_spki(der),
            [(label, _)] if label.contains("PRIVATE KEY") => {
                Err(form("it is a private key: keep it secret, and name the public key beside it"))
            }
            [(label, _)] => {
                Err(form(format!("it is PEM of a `{}`, and a `PUBLIC KEY` is needed", label.escape_debug())))
            }
            [] => Err(form("it is no PEM: it does not have `-----BEGIN PUBLIC KEY-----`")),
            several => Err(form(format!("it has {} keys, and one is needed", several.len()))),
        }
    }

    /// As a SubjectPublicKeyInfo in DER.
    pub fn to_spki(&self) -> Vec<u8> {
        let (_, before, _) = FORMS.iter().find(|(algorithm, ..)| *algorithm == self.algorithm).expect("all have a row");
        [before, &self.point[..]].concat()
    }

    /// As PEM.
    pub fn to_pem(&self) -> String {
        pem::write("PUBLIC KEY", &self.to_spki())
    }

    /// What it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        KeyId(hex(Digest::of(&self.to_spki()).as_bytes()))
    }

    /// Whether `signature` is this key's of `message`: of ECDSA in DER, or as DSSE's own example has it, both numbers side by side.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let by = |algorithm: &'static dyn VerificationAlgorithm| {
            UnparsedPublicKey::new(algorithm, &self.point).verify(message, signature).is_ok()
        };
        match self.algorithm {
            Algorithm::Ed25519 => by(&signature::ED25519),
            Algorithm::P256 => by(&signature::ECDSA_P256_SHA256_ASN1) || by(&signature::ECDSA_P256_SHA256_FIXED),
            Algorithm::P384 => by(&signature::ECDSA_P384_SHA384_ASN1) || by(&signature::ECDSA_P384_SHA384_FIXED),
        }
    }

    /// As [`verifies`](Self::verifies), on P-384 with SHA-256: so were models signed once.
    pub(crate) fn verifies_with_sha256(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm = &signature::ECDSA_P384_SHA256_ASN1;
        self.algorithm == Algorithm::P384
            && UnparsedPublicKey::new(algorithm, &self.point).verify(message, signature).is_ok()
    }
}

/// What a key in DER is, if it is none of [`FORMS`].
fn unknown(der: &[u8]) -> String {
    let contains = |piece: &[u8]| der.windows(piece.len()).any(|window| window == piece);
    match OTHERS.iter().find(|(piece, _)| contains(piece)) {
        Some((_, what)) => format!("it is {what}: keys are Ed25519, ECDSA on P-256, and to verify also on P-384"),
        None => "its key is damaged, or of a kind that is not known: keys are Ed25519, ECDSA on P-256 and P-384".into(),
    }
}

/// A key that is trusted, and what its owner is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// What its owner is called: of a file `keys/ml-team.pub`, `ml-team`.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.key.id(), self.name)
    }
}

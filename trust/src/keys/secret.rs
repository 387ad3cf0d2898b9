//! Private keys: made, read, and used to sign.

use super::{Algorithm, PublicKey, unknown};
use crate::pem;
use crate::refusal::{Refusal, form};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use std::fmt;

/// What stands before the seed of an Ed25519 key, by RFC 8410: version 1, which every tool reads.
const ED25519: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// `id-ecPublicKey` with `prime256v1`.
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// A private key.
pub struct SecretKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({} {})", self.public.algorithm(), self.public.id())
    }
}

impl SecretKey {
    /// Makes a key and gives it with its PEM, from the system's random numbers.
    ///
    /// # Errors
    ///
    /// If the system has none, or the algorithm is one that is verified alone.
    pub fn generate(algorithm: Algorithm) -> Result<(SecretKey, String), Refusal> {
        let random = SystemRandom::new();
        let none = |_| form("the system gives no random numbers");
        let der = match algorithm {
            Algorithm::Ed25519 => {
                let mut seed = [0; 32];
                random.fill(&mut seed).map_err(none)?;
                [ED25519, &seed].concat()
            }
            Algorithm::P256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(none)?;
                pkcs8.as_ref().to_vec()
            }
            Algorithm::P384 => return Err(form("keys on P-384 verify and do not sign: make one of ed25519 or p256")),
        };
        Ok((SecretKey::from_pkcs8(&der)?, pem::write("PRIVATE KEY", &der)))
    }

    /// Reads PKCS#8 in DER.
    ///
    /// # Errors
    ///
    /// If it is damaged, of another kind, or its public half is not its own.
    pub fn from_pkcs8(der: &[u8]) -> Result<SecretKey, Refusal> {
        let damaged = |what: &str, why: ring::error::KeyRejected| form(format!("it is {what} that is damaged: {why}"));
        let pair = if der.windows(5).take(16).any(|window| window == b"\x06\x03\x2b\x65\x70") {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|why| damaged("an Ed25519 key", why))?;
            Pair::Ed25519(pair)
        } else if der.windows(P256.len()).take(16).any(|window| window == P256) {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &SystemRandom::new());
            Pair::P256(pair.map_err(|why| damaged("a key on P-256", why))?)
        } else {
            return Err(form(unknown(der)));
        };
        let public = match &pair {
            Pair::Ed25519(pair) => PublicKey::new(Algorithm::Ed25519, pair.public_key().as_ref()),
            Pair::P256(pair) => PublicKey::new(Algorithm::P256, pair.public_key().as_ref()),
        };
        Ok(SecretKey { pair, public })
    }

    /// Reads PEM with one private key in it.
    ///
    /// # Errors
    ///
    /// As [`from_pkcs8`](Self::from_pkcs8), or that it is no PEM or in another form, with what makes the right one of it.
    pub fn from_pem(text: &str) -> Result<SecretKey, Refusal> {
        // What openssl writes before an old form of key.
        let blocks = pem::blocks(text)?;
        let blocks: Vec<_> = blocks.iter().filter(|(label, _)| label != "EC PARAMETERS").collect();
        match &blocks[..] {
            [(label, der)] if label == "PRIVATE KEY" => SecretKey::from_pkcs8(der),
            [(label, _)] if label == "EC PRIVATE KEY" => Err(form(
                "it is a key in SEC1's form: `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW` makes PKCS#8 of it",
            )),
            [(label, _)] if label.contains("ENCRYPTED") => {
                Err(form("it is a key under a password: `openssl pkcs8 -in KEY -out NEW` takes it off"))
            }
            [(label, _)] if label == "PUBLIC KEY" => Err(form("it is a public key, and a private one signs")),
            [(label, _)] => {
                Err(form(format!("it is PEM of a `{}`, and a `PRIVATE KEY` is needed", label.escape_debug())))
            }
            [] => Err(form("it is no PEM: it does not have `-----BEGIN PRIVATE KEY-----`")),
            several => Err(form(format!("it has {} keys, and one is needed", several.len()))),
        }
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs. Ed25519 gives the same signature each time, ECDSA another.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers, which ECDSA needs.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message);
                Ok(signature.map_err(|_| form("the system gives no random numbers"))?.as_ref().to_vec())
            }
        }
    }
}

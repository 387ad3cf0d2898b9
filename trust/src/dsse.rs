//! Envelopes of [DSSE](https://github.com/secure-systems-lab/dsse): a payload, its type, and signatures over both.

use crate::encoding;
use crate::json;
use crate::keys::{KeyId, SecretKey, TrustedKey};
use crate::refusal::{Refusal, form};
use serde::{Deserialize, Serialize};

/// The most signatures of an envelope that are tried: each costs a verification for every trusted key.
const SIGNATURES: usize = 64;

/// No signature of a known kind is longer.
const LONGEST_SIGNATURE: usize = 256;

/// A payload with signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is, as a media type.
    pub payload_type: String,
    /// What is signed.
    pub payload: Vec<u8>,
    /// Who signed it, as they say.
    pub signatures: Vec<Signature>,
}

/// A signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Whose it says it is; nothing vouches for that.
    pub keyid: Option<String>,
    /// Its bytes.
    pub sig: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    payload_type: String,
    payload: String,
    signatures: Vec<TextSignature>,
}

#[derive(Serialize, Deserialize)]
struct TextSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

/// What is signed: the pre-authentication encoding, `DSSEv1`.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// Signs a payload.
    ///
    /// # Errors
    ///
    /// If the key cannot sign.
    pub fn sign(payload_type: &str, payload: Vec<u8>, key: &SecretKey) -> Result<Envelope, Refusal> {
        let mut envelope = Envelope { payload_type: payload_type.to_owned(), payload, signatures: vec![] };
        envelope.add(key)?;
        Ok(envelope)
    }

    /// Signs what others have signed.
    ///
    /// # Errors
    ///
    /// If the key cannot sign.
    pub fn add(&mut self, key: &SecretKey) -> Result<(), Refusal> {
        let sig = key.sign(&pae(&self.payload_type, &self.payload))?;
        self.signatures.push(Signature { keyid: Some(key.public().id().0), sig });
        Ok(())
    }

    /// Reads an envelope. Keys that the specification does not have are passed over, as it asks.
    ///
    /// # Errors
    ///
    /// If it is none, longer than [`LONGEST`](crate::LONGEST), or has no signature or a great many.
    pub fn parse(bytes: &[u8]) -> Result<Envelope, Refusal> {
        Envelope::from_text(json::parse("the envelope", bytes, crate::LONGEST)?)
    }

    /// From a value that was read strictly.
    pub(crate) fn from_value(value: serde_json::Value) -> Result<Envelope, Refusal> {
        let text = serde_json::from_value(value);
        Envelope::from_text(text.map_err(|error| form(format!("the envelope is not what it should be: {error}")))?)
    }

    fn from_text(text: Text) -> Result<Envelope, Refusal> {
        let count = text.signatures.len();
        if !(1..=SIGNATURES).contains(&count) {
            return Err(form(format!("the envelope has {count} signatures, and may have 1 to {SIGNATURES}")));
        }
        let signature = |signature: TextSignature| {
            let sig = encoding::decode("a signature", &signature.sig)?;
            if sig.is_empty() || sig.len() > LONGEST_SIGNATURE {
                return Err(form(format!("a signature has {} bytes: none of a known kind has so many", sig.len())));
            }
            Ok(Signature { keyid: signature.keyid.filter(|id| !id.is_empty()), sig })
        };
        Ok(Envelope {
            payload: encoding::decode("the payload", &text.payload)?,
            payload_type: text.payload_type,
            signatures: text.signatures.into_iter().map(signature).collect::<Result<_, _>>()?,
        })
    }

    /// As a value.
    pub(crate) fn to_value(&self) -> serde_json::Value {
        let signature = |it: &Signature| TextSignature { keyid: it.keyid.clone(), sig: encoding::encode(&it.sig) };
        let text = Text {
            payload_type: self.payload_type.clone(),
            payload: encoding::encode(&self.payload),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        serde_json::to_value(text).expect("an envelope has string keys and plain values")
    }

    /// As one line of JSON.
    pub fn to_line(&self) -> String {
        self.to_value().to_string()
    }

    /// The keys whose signatures hold, each once.
    ///
    /// What a signature says of its key is a hint that can be a lie, so that each is tried with each key.
    pub fn signed_by<'k>(&self, keys: &'k [TrustedKey]) -> Vec<&'k TrustedKey> {
        let message = pae(&self.payload_type, &self.payload);
        let mut found: Vec<&TrustedKey> = vec![];
        for key in keys {
            let holds = || self.signatures.iter().any(|signature| key.key.verifies(&message, &signature.sig));
            if found.iter().all(|known| known.key != key.key) && holds() {
                found.push(key);
            }
        }
        found
    }

    /// The keys that it says it is signed by, as far as it says so.
    pub fn claimed(&self) -> impl Iterator<Item = KeyId> {
        self.signatures.iter().filter_map(|signature| signature.keyid.clone().map(KeyId))
    }

    /// The keys whose signatures hold, if they are `threshold` or more.
    ///
    /// # Errors
    ///
    /// That a signature is wrong which says it is one of these keys'; else that too few of them have signed.
    pub fn verify<'k>(&self, keys: &'k [TrustedKey], threshold: usize) -> Result<Vec<&'k TrustedKey>, Refusal> {
        let found = self.signed_by(keys);
        if found.len() >= threshold.max(1) {
            return Ok(found);
        }
        let broken = self.claimed().find_map(|id| {
            let key = keys.iter().find(|key| key.key.id() == id)?;
            found.iter().all(|known| known.key != key.key).then_some(key)
        });
        if let Some(key) = broken {
            return Err(Refusal::Wrong(format!(
                "the signature that says it is of {key} does not hold: what is signed was changed, or another key made it"
            )));
        }
        Err(Refusal::Untrusted(too_few(&found, threshold, self.claimed(), keys)))
    }
}

/// Says how many keys have signed, and which others say they have.
pub(crate) fn too_few(
    found: &[&TrustedKey],
    threshold: usize,
    claimed: impl Iterator<Item = KeyId>,
    keys: &[TrustedKey],
) -> String {
    let mut others: Vec<String> =
        claimed.filter(|id| keys.iter().all(|key| key.key.id() != *id)).map(|id| id.0).collect();
    others.sort_unstable();
    others.dedup();
    // The hints are anybody's text.
    let others: Vec<String> =
        others.iter().take(4).map(|id| id.chars().take(64).flat_map(char::escape_debug).collect()).collect();
    let others = match &others[..] {
        [] => String::new(),
        others => format!("; it says it is signed by {}", others.join(", ")),
    };
    match (keys.len(), found.len()) {
        (0, _) => format!("no key is trusted that could have signed it{others}"),
        (_, 0) => format!("none of the trusted keys has signed it{others}"),
        (_, count) => format!("{count} of the trusted keys have signed it, and {threshold} are asked for{others}"),
    }
}

//! A [Sigstore bundle](https://docs.sigstore.dev/about/bundle/) around the signature of a model.

use super::legacy;
use crate::dsse::{Envelope, pae};
use crate::encoding::{decode, hex};
use crate::json;
use crate::keys::PublicKey;
use crate::refusal::{Refusal, form};
use crate::statement::PAYLOAD_TYPE;
use modeldeploy_format::Digest;
use serde::Deserialize;
use serde_json::Value;

/// The media types of the bundle's versions, which agree in what is read here.
const MEDIA_TYPES: [&str; 5] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.2+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
];

/// The most certificates of a chain.
const CERTIFICATES: usize = 16;

/// A signature of a model, read and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    envelope: Envelope,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    /// A digest of the key's PEM, or in old bundles the key itself.
    Key { hint: Option<String> },
    /// The signer's certificate and those that lead to a root, in DER.
    Chain(Vec<Vec<u8>>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    media_type: Option<String>,
    verification_material: Option<TextMaterial>,
    dsse_envelope: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TextMaterial {
    public_key: Option<TextKey>,
    x509_certificate_chain: Option<TextChain>,
    certificate: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TextKey {
    hint: Option<String>,
    raw_bytes: Option<String>,
}

#[derive(Deserialize)]
struct TextChain {
    certificates: Vec<TextCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TextCertificate {
    raw_bytes: String,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    ///
    /// If it is none, of a version that is not known, signed without a key or certificates of its signer's own, or not around one
    /// signed statement.
    pub fn parse(bytes: &[u8]) -> Result<Bundle, Refusal> {
        let text: Text = json::parse("the bundle", bytes, crate::LONGEST)?;
        let media_type = text.media_type.ok_or_else(|| form("the bundle does not say its `mediaType`"))?;
        if !MEDIA_TYPES.contains(&media_type.as_str()) {
            let shown: String = media_type.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(form(format!("the bundle is of `{shown}`, which is not known: {} is", MEDIA_TYPES[0])));
        }
        let material = text.verification_material.ok_or_else(|| form("the bundle has no `verificationMaterial`"))?;
        let envelope = text.dsse_envelope.ok_or_else(|| form("the bundle has no `dsseEnvelope`"))?;
        let envelope = Envelope::from_value(envelope)?;
        if envelope.payload_type != PAYLOAD_TYPE {
            let shown: String = envelope.payload_type.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(form(format!("the bundle's envelope carries `{shown}`, and not `{PAYLOAD_TYPE}`")));
        }
        if envelope.signatures.len() != 1 {
            return Err(form(format!("the bundle has {} signatures, and has one", envelope.signatures.len())));
        }
        Ok(Bundle { envelope, material: read(material)? })
    }

    /// What is signed.
    pub(super) fn payload(&self) -> &[u8] {
        &self.envelope.payload
    }

    /// The certificates, where it is signed by such.
    pub(super) fn certificates(&self) -> Option<&[Vec<u8>]> {
        match &self.material {
            Material::Key { .. } => None,
            Material::Chain(chain) => Some(chain),
        }
    }

    /// Whether the signature is this key's.
    pub(super) fn holds_under(&self, key: &PublicKey) -> bool {
        let signature = &self.envelope.signatures[0].sig;
        let payload = &self.envelope.payload;
        key.verifies(&pae(PAYLOAD_TYPE, payload), signature) || legacy::holds_under(key, payload, signature)
    }

    /// Whether the bundle says that it is signed by this key.
    pub fn names(&self, key: &PublicKey) -> bool {
        matches!(&self.material, Material::Key { hint: Some(hint) } if *hint == hint_of(key))
    }
}

/// How bundles call a key: by the sha256 of its PEM.
pub(super) fn hint_of(key: &PublicKey) -> String {
    hex(Digest::of(key.to_pem().as_bytes()).as_bytes())
}

fn read(material: TextMaterial) -> Result<Material, Refusal> {
    match (material.public_key, material.x509_certificate_chain, material.certificate) {
        (Some(key), None, None) => {
            // Trusting a key because it came along would be trusting anybody: it only says which one is meant.
            let raw = key.raw_bytes.map(|raw| decode("the bundle's key", &raw)).transpose()?;
            let hint = raw.map(|pem| hex(Digest::of(&pem).as_bytes()));
            Ok(Material::Key { hint: key.hint.or(hint) })
        }
        (None, Some(chain), None) => {
            let count = chain.certificates.len();
            if !(1..=CERTIFICATES).contains(&count) {
                return Err(form(format!("the bundle has {count} certificates, and may have 1 to {CERTIFICATES}")));
            }
            let certificates = chain.certificates.iter().map(|it| decode("a certificate", &it.raw_bytes));
            Ok(Material::Chain(certificates.collect::<Result<_, _>>()?))
        }
        (None, None, Some(_)) => Err(Refusal::Untrusted(
            "it is signed by Sigstore's `sigstore` method (Fulcio and Rekor), which cannot be verified here: ask the signer for a \
             signature by key or by certificate"
                .into(),
        )),
        (None, None, None) => Err(form("the bundle says neither a key nor certificates of who signed it")),
        _ => Err(form("the bundle says more than one way in which it is signed")),
    }
}

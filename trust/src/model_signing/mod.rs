//! Signatures of model folders, as [OpenSSF's specification](https://github.com/ossf/model-signing-spec) has them: a Sigstore bundle
//! whose statement lists every file of the model.
//!
//! | method | is verified |
//! | --- | --- |
//! | `key` | with a public key that is trusted: P-256, P-384 |
//! | `certificate` | with a chain of certificates to a root that is trusted, of this day, for code signing |
//! | `sigstore` | not: it needs Sigstore's own roots and logs, and is refused by name |
//!
//! Files are sha256 each, whole or in shards. Older bundles are read too: versions 0.2 to 1.0 of the reference implementation, whose
//! slips `legacy` knows.

mod bundle;
mod certificates;
mod folder;
mod legacy;
mod manifest;
mod sign;

pub use bundle::Bundle;
pub use certificates::{Root, read_roots};
pub use folder::{Difference, FolderError, compare};
pub use manifest::{Covered, Manifest};
pub use sign::sign;

use crate::keys::{Algorithm, TrustedKey};
use crate::refusal::Refusal;
use std::fmt;
use std::time::SystemTime;

/// The name of a signature within a model's folder, as the reference implementation leaves it.
pub const FILE_NAME: &str = "model.sig";

/// Who may sign models.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    /// By key.
    pub keys: Vec<TrustedKey>,
    /// By a certificate that one of these has issued, itself or through others.
    pub roots: Vec<Root>,
}

/// Who has signed a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// A key.
    Key(TrustedKey),
    /// A certificate: the sha256 of its key, and the name of the root that vouches for it.
    Certificate {
        /// The id of the certificate's key.
        key: crate::keys::KeyId,
        /// The name of the root's file.
        root: String,
    },
}

impl Signer {
    /// The id of the key that has signed.
    pub fn id(&self) -> crate::keys::KeyId {
        match self {
            Signer::Key(key) => key.key.id(),
            Signer::Certificate { key, .. } => key.clone(),
        }
    }

    /// What the signer is called: the name of the key's file, or of the root's.
    pub fn name(&self) -> &str {
        match self {
            Signer::Key(key) => &key.name,
            Signer::Certificate { root, .. } => root,
        }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Signer::Key(key) => key.fmt(f),
            Signer::Certificate { key, root } => write!(f, "{key} (certified by {root})"),
        }
    }
}

/// Proves a signature and gives its signer with the list of files that it is of. `now` is when certificates must be valid.
///
/// # Errors
///
/// Why it is not believed.
pub fn verify(bundle: &Bundle, trusted: &Trusted, now: SystemTime) -> Result<(Signer, Manifest), Refusal> {
    let signer = match bundle.certificates() {
        None => by_key(bundle, trusted)?,
        Some(chain) => {
            let (key, root) = certificates::prove(chain, &trusted.roots, now)?;
            if !bundle.holds_under(&key) {
                return Err(Refusal::Wrong(
                    "the signature does not hold: its certificate is in order, and what is signed was changed".into(),
                ));
            }
            Signer::Certificate { key: key.id(), root }
        }
    };
    Ok((signer, Manifest::of_bundle(bundle)?))
}

/// The trusted key that has signed. A bundle names its key at most by a digest, which says nothing that the signature does not.
fn by_key(bundle: &Bundle, trusted: &Trusted) -> Result<Signer, Refusal> {
    // The specification has ECDSA keys alone.
    let mut keys = trusted.keys.iter().filter(|key| key.key.algorithm() != Algorithm::Ed25519);
    if let Some(key) = keys.find(|key| bundle.holds_under(&key.key)) {
        return Ok(Signer::Key(key.clone()));
    }
    match trusted.keys.iter().find(|key| bundle.names(&key.key)) {
        Some(key) => Err(Refusal::Wrong(format!(
            "the signature names the key {key} and is not of it: what is signed was changed, or another key made it"
        ))),
        None if trusted.keys.is_empty() => {
            Err(Refusal::Untrusted("no key is trusted that could have signed it".into()))
        }
        None => Err(Refusal::Untrusted("none of the trusted keys has signed it".into())),
    }
}

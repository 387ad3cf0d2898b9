//! Who vouches for a certificate: a chain to a root that is trusted, valid on this day, for signing code.

use crate::keys::PublicKey;
use crate::pem;
use crate::refusal::{Refusal, form};
use pki_types::{CertificateDer, UnixTime};
use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, anchor_from_trusted_cert};

/// `id-kp-codeSigning`, so that a certificate of a web server signs no models.
const CODE_SIGNING: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];

/// A file of roots is shorter.
const LONGEST: u64 = 1 << 20;

/// A certificate that is trusted to issue others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The name of its file, without its ending.
    pub name: String,
    der: Vec<u8>,
}

/// Reads the certificates of a PEM file.
///
/// # Errors
///
/// If the file cannot be read, has none, or has one that cannot be a root.
pub fn read_roots(path: &Path) -> Result<Vec<Root>, Refusal> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut text = String::new();
    let unread = |error| form(format!("the certificates cannot be read: {error}"));
    File::open(path).map_err(unread)?.take(LONGEST).read_to_string(&mut text).map_err(unread)?;
    roots(&name, &text)
}

/// The certificates of a text, each under that name.
fn roots(name: &str, text: &str) -> Result<Vec<Root>, Refusal> {
    let mut roots = vec![];
    for (label, der) in pem::blocks(text)? {
        if label != "CERTIFICATE" {
            return Err(form(format!("it is PEM of a `{}`, and certificates are needed", label.escape_debug())));
        }
        anchor_from_trusted_cert(&CertificateDer::from(&der[..]))
            .map_err(|error| form(format!("one of its certificates cannot be a root: {error:?}")))?;
        roots.push(Root { name: name.to_owned(), der });
    }
    if roots.is_empty() { Err(form("it is no PEM: it does not have `-----BEGIN CERTIFICATE-----`")) } else { Ok(roots) }
}

/// The key of the first certificate, with the name of the root that vouches for it through the others.
pub(super) fn prove(chain: &[Vec<u8>], roots: &[Root], now: SystemTime) -> Result<(PublicKey, String), Refusal> {
    let chain: Vec<CertificateDer<'_>> = chain.iter().map(|der| CertificateDer::from(&der[..])).collect();
    let (leaf, between) = chain.split_first().expect("a chain that was read has a certificate");
    let leaf = EndEntityCert::try_from(leaf)
        .map_err(|error| form(format!("the signer's certificate is damaged: {error:?}")))?;
    let key = PublicKey::from_spki(&leaf.subject_public_key_info())
        .map_err(|why| form(format!("the key of the signer's certificate: {why}")))?;
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    let mut refusal =
        Refusal::Untrusted("it is signed by a certificate, and no root of certificates is trusted".into());
    for root in roots {
        let der = CertificateDer::from(&root.der[..]);
        let Ok(anchor) = anchor_from_trusted_cert(&der) else { continue };
        let usage = Usage { of_signer: Cell::new(true) };
        match leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &[anchor], between, now, usage, None, None) {
            Ok(_) => return Ok((key, root.name.clone())),
            Err(error) => refusal = refused(&error, &root.name),
        }
    }
    Err(refusal)
}

/// The signer's certificate must say that it is for signing code; those above it may say nothing, or that too.
struct Usage {
    /// Whether the next certificate is the signer's, which a chain begins with.
    of_signer: Cell<bool>,
}

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, stated: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let needed = if self.of_signer.replace(false) { KeyUsage::required } else { KeyUsage::required_if_present };
        needed(&CODE_SIGNING).validate(stated)
    }
}

fn refused(error: &Error, root: &str) -> Refusal {
    match error {
        Error::CertExpired { .. } => Refusal::Expired("a certificate that it is signed under has expired".into()),
        Error::CertNotValidYet { .. } => {
            Refusal::Expired("a certificate that it is signed under is not valid yet".into())
        }
        Error::UnknownIssuer => Refusal::Untrusted(format!(
            "its certificate was not issued by the trusted root `{root}`, nor through those that came along"
        )),
        Error::CaUsedAsEndEntity => Refusal::Untrusted(
            "it is signed by the certificate of an authority, which issues others and may not sign itself".into(),
        ),
        Error::RequiredEkuNotFoundContext(_) => Refusal::Untrusted(
            "the signer's certificate is not for signing code (`extendedKeyUsage = codeSigning`)".into(),
        ),
        other => Refusal::Untrusted(format!("the chain of its certificates does not hold: {other:?}")),
    }
}

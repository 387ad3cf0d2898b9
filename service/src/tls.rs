//! TLS: what of files becomes what connections are answered with.

use crate::config;
use crate::watched::Watched;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What connections are answered with; its files are read again when they change.
pub(crate) type Tls = Watched<ServerConfig>;

/// The protocols over TLS, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Reads the files that a configuration names; none if it names none.
///
/// # Errors
///
/// Which file cannot be used, and why.
pub(crate) fn open(files: &config::Tls) -> Result<Option<Tls>, String> {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else { return Ok(None) };
    let files: Vec<PathBuf> = [certificate, key].into_iter().chain(&files.clients).cloned().collect();
    Watched::new("certificates", files, |files, _| load(&files[0], &files[1], files.get(2).map(PathBuf::as_path)))
        .map(Some)
}

fn load(certificate: &Path, key: &Path, clients: Option<&Path>) -> Result<ServerConfig, String> {
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => wrong(key, &"there is no private key in it"),
        other => wrong(key, &other),
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be had: {error}"))?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(file)? {
                roots.add(root).map_err(|error| wrong(file, &error))?;
            }
            let provider = Arc::new(ring::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(file, &error))?)
        }
    };
    let mut config = builder
        .with_single_cert(chain, private)
        .map_err(|error| format!("{} and {} do not go together: {error}", certificate.display(), key.display()))?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| wrong(file, &error))?;
    if all.is_empty() { Err(wrong(file, &"there is no certificate in it")) } else { Ok(all) }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| wrong(file, &error))
}

fn wrong(file: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{}: {why}", file.display())
}

//! An image, sent to a registry: the blobs that it has not got yet, and then the manifest.

use crate::write::{Image, Name};
use crate::{Error, spec};
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential};
use futures_util::stream::{self, Stream};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use std::error::Error as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much of a blob is read at a time.
const PIECE: usize = 1 << 20;
const TO_CONNECT: Duration = Duration::from_secs(30);
/// Some registries digest what they got before they answer.
const TO_ANSWER: Duration = Duration::from_secs(600);

/// Docker's own registry, by the name under which `docker login` keeps it.
const DOCKER_LOGIN: &str = "https://index.docker.io/v1/";

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// By HTTPS, unless it is on this machine.
    Usual,
    /// By plain HTTP, wherever it is.
    Http,
}

/// What a registry got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The image there, by its digest.
    pub reference: String,
    /// Bytes that were sent.
    pub sent: u64,
    /// Bytes that it had already.
    pub had: u64,
}

/// Sends an image to the registry that `to` names, as whom `docker login` left for it, or as nobody.
///
/// # Errors
///
/// If the image's folder cannot be read, the registry cannot be reached or does not take it, or has another image then.
pub fn push(image: &Image, to: &Name, access: Access) -> Result<Pushed, Error> {
    // Two providers may be in one program, so that rustls is told which; the second to tell it is no error.
    let _told = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Registry(format!("no sockets can be had: {error}")))?;
    runtime.block_on(send(image, to, access))
}

async fn send(image: &Image, to: &Name, access: Access) -> Result<Pushed, Error> {
    let reference: Reference =
        to.full().parse().map_err(|error| Error::input(format!("`{to}` is no place in a registry: {error}")))?;
    let registry = reference.resolve_registry().to_owned();
    let failed = |doing: &'static str| {
        let registry = registry.clone();
        move |error: OciDistributionError| Error::Registry(format!("{registry} {doing}: {}", said(&error)))
    };
    let is_plain = access == Access::Http || is_here(&registry);
    let config = ClientConfig {
        protocol: if is_plain { ClientProtocol::Http } else { ClientProtocol::Https },
        use_monolithic_push: true,
        connect_timeout: Some(TO_CONNECT),
        read_timeout: Some(TO_ANSWER),
        user_agent: concat!("cargo-modeldeploy/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    };
    let client = Client::try_from(config).map_err(failed("cannot be asked"))?;
    let auth = credentials(&registry)?;
    for operation in [RegistryOperation::Pull, RegistryOperation::Push] {
        client.auth(&reference, &auth, operation).await.map_err(failed("lets nobody in"))?;
    }
    let (mut sent, mut had) = (0, 0);
    let manifest = &image.manifest;
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        if client.blob_exists(&reference, &blob.digest).await.map_err(failed("does not say what it has"))? {
            had += blob.size;
            continue;
        }
        let pieces = pieces(&image.blob(&blob.digest))?;
        let took = client.push_blob_stream(&reference, pieces, &blob.digest, Some(blob.size)).await;
        took.map_err(failed("does not take a layer"))?;
        sent += blob.size;
    }
    let bytes = spec::to_bytes(manifest);
    sent += bytes.len() as u64;
    let kind = spec::MANIFEST.parse().expect("a media type");
    client.push_manifest_raw(&reference, bytes, kind).await.map_err(failed("does not take the image"))?;
    let there = client.fetch_manifest_digest(&reference, &auth).await.map_err(failed("does not show the image"))?;
    if there.parse() != Ok(image.digest) {
        return Err(Error::Registry(format!("{registry} has {there} under {to}, and {} was sent", image.digest)));
    }
    Ok(Pushed { reference: format!("{}@{}", to.repository(), image.digest), sent, had })
}

/// A blob's file, piece by piece.
fn pieces(
    path: &Path,
) -> Result<impl Stream<Item = Result<bytes::Bytes, OciDistributionError>> + Send + 'static, Error> {
    let file = File::open(path).map_err(Error::at(path))?;
    Ok(stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let mut piece = vec![];
        match (&mut file).take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some((Ok(piece.into()), Some(file))),
            Err(error) => Some((Err(error.into()), None)),
        }
    }))
}

/// As whom to ask: what `docker login` left for the registry.
fn credentials(registry: &str) -> Result<RegistryAuth, Error> {
    let server = if registry == "index.docker.io" { DOCKER_LOGIN } else { registry };
    match get_credential(server) {
        Ok(DockerCredential::UsernamePassword(name, password)) => Ok(RegistryAuth::Basic(name, password)),
        Ok(DockerCredential::IdentityToken(_)) => Err(Error::Registry(format!(
            "what `docker login` left for {registry} is an identity token; a name and a password, or an access token as one, can be used"
        ))),
        Err(CredentialRetrievalError::NoCredentialConfigured | CredentialRetrievalError::ConfigNotFound) => {
            Ok(RegistryAuth::Anonymous)
        }
        // So helpers say it.
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {
            Ok(RegistryAuth::Anonymous)
        }
        Err(CredentialRetrievalError::ConfigReadError) if !docker_config().is_some_and(|file| file.exists()) => {
            Ok(RegistryAuth::Anonymous)
        }
        Err(error) => Err(Error::Registry(format!("what `docker login` left for {registry} cannot be read: {error}"))),
    }
}

/// Where Docker keeps it.
fn docker_config() -> Option<PathBuf> {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(std::env::home_dir()?.join(".docker")))?;
    Some(folder.join("config.json"))
}

/// Whether a registry is on this machine, as Docker knows it.
fn is_here(registry: &str) -> bool {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// What went wrong, and what made it so.
fn said(error: &OciDistributionError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text = format!("{text}: {why}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_this_machine_are_known() {
        for (registry, here) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.9.9.9", true),
            ("10.0.0.1:5000", false),
            ("localhost.example.com", false),
            ("registry.example.com:127", false),
        ] {
            assert_eq!(is_here(registry), here, "{registry}");
        }
    }
}

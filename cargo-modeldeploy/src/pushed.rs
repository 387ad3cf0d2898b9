//! An image, sent to a registry by the client that publishes models.

use crate::exit::Failure;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_image::{Image, Name};
use modeldeploy_registry::remote::{Blob, Remote, Sent};
use modeldeploy_registry::{Error, Options};
use std::time::Duration;

/// A registry that does not take an image.
const REGISTRY: Code = Code("MD1205");

/// Some registries digest what they got before they answer.
const TO_ANSWER: Duration = Duration::from_secs(600);

/// What a registry got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// The image there, by its digest.
    pub(crate) reference: String,
    pub(crate) bytes: Sent,
}

/// Sends an image to the registry that `to` names, as whom `login` or Docker's left for it, or as nobody.
pub(crate) fn push(image: &Image, to: &Name, plain_http: bool) -> Result<Pushed, Failure> {
    let (host, repository) = to.place();
    let options = Options { answer: TO_ANSWER, plain_http, ..Options::default() };
    let blobs: Vec<Blob> = image.blobs().map(|(digest, size, path)| Blob { digest, size, path }).collect();
    let sent = Remote::open(host, &repository, options)
        .and_then(|remote| remote.push_tagged(to.tag(), &image.manifest(), &blobs))
        .map_err(|error| refused(host, error))?;
    Ok(Pushed { reference: format!("{}@{}", to.repository(), image.digest), bytes: sent })
}

fn refused(host: &str, error: Error) -> Diagnostic {
    let help = format!("`cargo modeldeploy login {host}` says who you are to it; `--http` speaks to one without TLS");
    Diagnostic::new(REGISTRY, error.message)
        .at(error.place.unwrap_or_else(|| host.to_owned()))
        .help(error.help.unwrap_or(help))
}

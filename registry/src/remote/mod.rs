//! An OCI registry, by the distribution specification.
//!
//! A version is a tag, its `+` written `_`, as Helm does. Yanking puts a marker beside it: an artifact under the tag
//! `yanked-<version>` whose annotations say why, or that it was taken back. So a yank needs the right to push, not to delete, and it
//! shows in the list of tags.

mod auth;
mod pages;
mod push;

pub use auth::{Challenge, challenge};
pub use push::{Blob, Sent};

use crate::artifact::{Descriptor, MANIFEST, Manifest};
use crate::credentials::{self, Credentials};
use crate::error::{Error, Kind};
use crate::options::Options;
use crate::reference::Home;
use crate::registry::Listed;
use crate::transfer::Coming;
use crate::web::{Address, Answer, Ask, Reach, Steady, Web, lie};
use auth::Session;
use modeldeploy_format::Digest;
use semver::Version;
use ureq::http::header;

/// What a marker is.
const MARKER: &str = "application/vnd.modeldeploy.yank.v1+json";
/// The prefix of a marker's tag.
const MARK: &str = "yanked-";
/// The marker's annotations: whether it is yanked, and why.
const YANKED: &str = "org.modeldeploy.yanked";
const REASON: &str = "org.modeldeploy.yanked.reason";
/// The media type of the configuration of an artifact that has none, and its bytes.
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const NOTHING: &[u8] = b"{}";

/// One repository of an OCI registry.
#[derive(Debug)]
pub struct Remote {
    session: Session,
    host: String,
    repository: String,
}

impl Remote {
    /// The repository, with the credentials that Docker's configuration has for the host.
    ///
    /// # Errors
    ///
    /// If those cannot be read.
    pub fn open(host: &str, repository: &str, options: Options) -> Result<Remote, Error> {
        Ok(Remote::with(host, repository, options, credentials::of(host)?))
    }

    /// The same with these credentials.
    pub fn with(host: &str, repository: &str, options: Options, credentials: Option<Credentials>) -> Remote {
        let scope = format!("repository:{repository}:pull");
        Remote {
            session: Session::new(Web::new(options), host, scope, credentials),
            host: host.to_owned(),
            repository: repository.to_owned(),
        }
    }

    /// Whether the host lets these credentials in.
    ///
    /// # Errors
    ///
    /// If it does not, or is no OCI registry.
    pub fn login(host: &str, credentials: &Credentials, options: Options) -> Result<(), Error> {
        let session = Session::new(Web::new(options), host, String::new(), Some(credentials.clone()));
        let answer = session.ask(Ask::get(session.web().of_registry(host, "/v2/")), Reach::Host)?;
        match answer.status {
            200 => Ok(()),
            status => Err(refused(status, &answer.address)),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    fn address(&self, rest: &str) -> Address {
        self.session.web().of_registry(&self.host, &format!("/v2/{}/{rest}", self.repository))
    }

    pub(crate) fn versions(&self) -> Result<Vec<Listed>, Error> {
        let tags = pages::tags(self)?;
        let versions = tags.iter().filter(|tag| !tag.starts_with(MARK));
        let listed = versions.filter_map(|tag| {
            let version = Version::parse(&tag.replacen('_', "+", 1)).ok()?;
            Some(Listed { marked: tags.contains(&format!("{MARK}{tag}")), version })
        });
        Ok(listed.collect())
    }

    pub(crate) fn yanked(&self, version: &Version) -> Result<Option<String>, Error> {
        let tag = format!("{MARK}{}", tag(version));
        let (bytes, _) = self.manifest_at(&tag, None)?;
        let place = self.address(&format!("manifests/{tag}"));
        let marker: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| lie(&format!("the marker of a yanked version cannot be read: {error}"), &place))?;
        let annotation = |key: &str| marker.annotations.get(key).map(String::as_str);
        // A marker that does not say so plainly counts as one.
        Ok((annotation(YANKED) != Some("false")).then(|| annotation(REASON).unwrap_or("no reason given").to_owned()))
    }

    pub(crate) fn manifest(&self, version: &Version) -> Result<(Vec<u8>, Digest), Error> {
        self.manifest_at(&tag(version), None)
    }

    pub(crate) fn manifest_of(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        self.manifest_at(&digest.to_string(), Some(*digest)).map(|(bytes, _)| bytes)
    }

    fn manifest_at(&self, reference: &str, promised: Option<Digest>) -> Result<(Vec<u8>, Digest), Error> {
        let address = self.address(&format!("manifests/{reference}"));
        let mut ask = Ask::get(address.clone());
        ask.headers.push(("accept", MANIFEST.into()));
        let mut answer = self.session.ask(ask, Reach::Host)?;
        if answer.status == 404 {
            let what = format!("the registry has no `{}` of `{reference}`", self.repository);
            return Err(Error::new(Kind::Absent, what).at(&address));
        }
        let bytes = self.page(&mut answer)?;
        let digest = Digest::of(&bytes);
        let stated = answer.headers.get("docker-content-digest").and_then(|value| value.to_str().ok());
        if stated.is_some_and(|stated| stated != digest.to_string()) || promised.is_some_and(|it| it != digest) {
            let help = "take another registry, or ask who runs this one";
            return Err(lie("the manifest's bytes are not those that its digest promises", &address).help(help));
        }
        Ok((bytes, digest))
    }

    /// The document of an answer that must be a good one.
    fn page(&self, answer: &mut Answer) -> Result<Vec<u8>, Error> {
        match answer.status {
            200 => self.session.web().document(answer),
            status => Err(refused(status, &answer.address)),
        }
    }

    pub(crate) fn blob(&self, digest: &Digest, size: u64, from: u64) -> Result<Coming, Error> {
        let address = self.address(&format!("blobs/{digest}"));
        let mut ask = Ask::get(address.clone());
        if from > 0 {
            ask.headers.push(("range", format!("bytes={from}-")));
        }
        let answer = self.session.ask(ask, Reach::Anywhere)?;
        coming(answer, size, from, self.session.web().options)
    }

    pub(crate) fn models(host: &str, prefix: &str, options: &Options) -> Result<Vec<Home>, Error> {
        let session = Session::new(Web::new(*options), host, "registry:catalog:*".into(), credentials::of(host)?);
        let all = pages::catalog(&session, host)?;
        let below = |name: &String| prefix.is_empty() || name.starts_with(&format!("{prefix}/"));
        let home = |repository| Home::Oci { host: host.to_owned(), repository };
        Ok(all.into_iter().filter(below).map(home).collect())
    }
}

impl std::fmt::Display for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "oci://{}/{}", self.host, self.repository)
    }
}

/// A file's bytes from the byte that was asked for on, or from its beginning where the host knows no ranges.
pub(crate) fn coming(answer: Answer, size: u64, from: u64, options: Options) -> Result<Coming, Error> {
    let text = |name| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let from = match answer.status {
        200 => 0,
        206 => {
            let range = text(header::CONTENT_RANGE).and_then(content_range);
            match range {
                Some((start, total)) if start == from && total.is_none_or(|total| total == size) => from,
                _ => {
                    return Err(lie(
                        "the registry sends another part of the file than it was asked for",
                        &answer.address,
                    ));
                }
            }
        }
        // What came before is no beginning of this file.
        416 => return Err(lie("the file is shorter than it is said to be", &answer.address)),
        status => return Err(refused(status, &answer.address)),
    };
    let length = text(header::CONTENT_LENGTH).and_then(|value| value.parse::<u64>().ok());
    if length.is_some_and(|length| length != size - from) {
        let what = format!("the file has {} bytes, and is said to have {size}", length.unwrap_or_default() + from);
        return Err(lie(&what, &answer.address));
    }
    Ok(Coming { from, bytes: Box::new(Steady::new(answer, options)) })
}

/// `bytes 7-18/19`: the first byte and how many there are.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-')?.0.parse().ok()?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((start, total))
}

/// A status that is no answer.
pub(crate) fn refused(status: u16, address: &Address) -> Error {
    let (kind, what) = match status {
        401 | 403 => (Kind::Credentials, "the registry does not let this in".to_owned()),
        404 => (Kind::Absent, "the registry has nothing there".to_owned()),
        408 | 429 | 500.. => (Kind::Unreachable, format!("the registry cannot answer now (status {status})")),
        _ => (Kind::Lie, format!("the registry answers as none may (status {status})")),
    };
    let help = match kind {
        Kind::Credentials => format!("`cargo modeldeploy login {}`, with who may do this", address.host()),
        Kind::Absent => "check the name; a registry may hide what it does not let in".into(),
        _ => "try again later, or ask who runs the registry".into(),
    };
    Error::new(kind, what).at(address).help(help)
}

/// A version as a tag: tags have no `+`.
fn tag(version: &Version) -> String {
    version.to_string().replace('+', "_")
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.into(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        artifact_type: None,
        annotations: std::collections::BTreeMap::new(),
    }
}

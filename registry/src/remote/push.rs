//! Pushing: the files that the registry does not have, the configuration, and then the manifest under its tag.

use super::{EMPTY, MARK, MARKER, NOTHING, REASON, Remote, YANKED, descriptor, refused, tag};
use crate::artifact::{Artifact, CONFIG, Descriptor, Facts, MANIFEST, Manifest};
use crate::error::{Error, Kind};
use crate::shelf::facts as file_facts;
use crate::web::{Ask, Reach, lie};
use modeldeploy_format::Digest;
use semver::Version;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use ureq::http::header;
use ureq::{AsSendBody, SendBody};

/// A blob that is a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Of its bytes.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// Where it lies.
    pub path: PathBuf,
}

/// What a registry got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes that were sent.
    pub sent: u64,
    /// Bytes that it had already.
    pub had: u64,
}

impl Remote {
    /// Pushes the blobs that the repository does not have, and then the manifest that names them, under a tag; and looks that it is
    /// there by its digest.
    ///
    /// # Errors
    ///
    /// If a file is another than its digest says, or the registry cannot be reached, does not take something, or has another manifest
    /// then.
    pub fn push_tagged(&self, tag: &str, manifest: &[u8], blobs: &[Blob]) -> Result<Sent, Error> {
        let mut all = Sent::default();
        for Blob { digest, size, path } in blobs {
            match self.push_file(digest, *size, path)? {
                true => all.sent += size,
                false => all.had += size,
            }
        }
        self.push_manifest(tag, MANIFEST, manifest)?;
        all.sent += manifest.len() as u64;
        self.manifest_at(tag, Some(Digest::of(manifest)))?;
        Ok(all)
    }

    pub(crate) fn store(
        &self,
        facts: &Facts,
        artifact: &Artifact,
        files: &[PathBuf],
        heard: &dyn Fn(&str),
    ) -> Result<(), Error> {
        for (file, path) in facts.files.iter().zip(files) {
            heard(&file.path);
            self.push_file(&file.digest, file.size, path)?;
        }
        self.push_bytes(&artifact.config)?;
        self.push_manifest(&tag(&facts.version), MANIFEST, &artifact.manifest).map_err(|error| match error.kind {
            Kind::Unpublishable => error.help(format!("it must take artifacts with a configuration of type {CONFIG}")),
            _ => error,
        })
    }

    pub(crate) fn yank(&self, version: &Version, reason: Option<&str>) -> Result<(), Error> {
        let (bytes, digest) = self.manifest(version)?;
        let subject = Descriptor { digest, ..descriptor(MANIFEST, &bytes) };
        self.push_bytes(NOTHING)?;
        let mut annotations = BTreeMap::from([(YANKED.to_owned(), reason.is_some().to_string())]);
        annotations.extend(reason.map(|reason| (REASON.to_owned(), reason.to_owned())));
        let marker = Manifest {
            schema_version: 2,
            media_type: MANIFEST.into(),
            artifact_type: MARKER.into(),
            config: descriptor(EMPTY, NOTHING),
            layers: vec![descriptor(EMPTY, NOTHING)],
            subject: Some(subject),
            annotations,
        };
        let bytes = serde_json::to_vec(&marker).expect("string keys and plain values");
        self.push_manifest(&format!("{MARK}{}", tag(version)), MANIFEST, &bytes)
    }

    /// Whether it was sent.
    fn push_file(&self, digest: &Digest, size: u64, path: &Path) -> Result<bool, Error> {
        let unreadable = |error: std::io::Error| Error::io("the file cannot be read", path, &error);
        self.push(digest, || {
            if file_facts(path) != Some((size, *digest)) {
                let what = format!("the file is not the one whose digest is {digest}");
                return Err(Error::new(Kind::Unpublishable, what)
                    .at(path.display())
                    .help("a model is locked first, by `cargo modeldeploy lock`; an image is written anew"));
            }
            // A file says its own length to whoever sends it, but for one that is empty.
            File::open(path).map_err(unreadable)
        })
    }

    fn push_bytes(&self, bytes: &[u8]) -> Result<bool, Error> {
        self.push(&Digest::of(bytes), || Ok(bytes))
    }

    /// Pushes a blob, if the registry does not have it: a session, then all of it at once. Whether it was sent.
    fn push<B: AsSendBody>(&self, digest: &Digest, body: impl Fn() -> Result<B, Error>) -> Result<bool, Error> {
        let there = Ask { method: "HEAD", ..Ask::get(self.address(&format!("blobs/{digest}"))) };
        if self.session.ask(there, Reach::Anywhere)?.status == 200 {
            return Ok(false);
        }
        let begin = Ask { method: "POST", ..Ask::get(self.address("blobs/uploads/")) };
        let answer = self.session.send(begin, || Ok(SendBody::none()))?;
        if answer.status != 202 {
            return Err(refused(answer.status, &answer.address));
        }
        let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let location = location.and_then(|location| answer.address.join(location));
        let location = location.filter(|to| to.is_same_host(&answer.address)).ok_or_else(|| {
            lie("the registry wants the file sent to another host", &answer.address)
                .help("push to that host by its name")
        })?;
        let mut put = Ask { method: "PUT", ..Ask::get(location.with_query("digest", &digest.to_string())) };
        put.headers.push(("content-type", "application/octet-stream".into()));
        let answer = self.session.send(put, body)?;
        match answer.status {
            201 => Ok(true),
            status => Err(refused(status, &answer.address)),
        }
    }

    fn push_manifest(&self, tag: &str, media_type: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut put = Ask { method: "PUT", ..Ask::get(self.address(&format!("manifests/{tag}"))) };
        put.headers.push(("content-type", media_type.into()));
        let mut answer = self.session.send(put, || Ok(bytes))?;
        match answer.status {
            201 => Ok(()),
            400 => {
                let why = self.session.web().document(&mut answer).unwrap_or_default();
                let why: String = String::from_utf8_lossy(&why).chars().filter(|c| !c.is_control()).take(300).collect();
                let what = format!("the registry does not take the manifest: {why}");
                Err(Error::new(Kind::Unpublishable, what).at(&answer.address))
            }
            status => Err(refused(status, &answer.address)),
        }
    }
}

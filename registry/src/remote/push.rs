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

impl Remote {
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
        self.push_manifest(&tag(&facts.version), MANIFEST, &artifact.manifest)
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

    fn push_file(&self, digest: &Digest, size: u64, path: &Path) -> Result<(), Error> {
        let unreadable = |error: std::io::Error| Error::io("the model's file cannot be read", path, &error);
        self.push(digest, || {
            if file_facts(path) != Some((size, *digest)) {
                let what = "the model's file is not the locked one";
                return Err(Error::new(Kind::Unpublishable, what)
                    .at(path.display())
                    .help("`cargo modeldeploy lock` first"));
            }
            // A file says its own length to whoever sends it, but for one that is empty.
            File::open(path).map_err(unreadable)
        })
    }

    fn push_bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        self.push(&Digest::of(bytes), || Ok(bytes))
    }

    /// Pushes a blob, if the registry does not have it: a session, then all of it at once.
    fn push<B: AsSendBody>(&self, digest: &Digest, body: impl Fn() -> Result<B, Error>) -> Result<(), Error> {
        let there = Ask { method: "HEAD", ..Ask::get(self.address(&format!("blobs/{digest}"))) };
        if self.session.ask(there, Reach::Anywhere)?.status == 200 {
            return Ok(());
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
            201 => Ok(()),
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
                let help = format!("it must take artifacts with a configuration of type {CONFIG}");
                Err(Error::new(Kind::Unpublishable, what).at(&answer.address).help(help))
            }
            status => Err(refused(status, &answer.address)),
        }
    }
}

//! Where artifacts lie: an OCI registry or a folder, asked in the same words.

use crate::artifact::{Artifact, Facts, parse};
use crate::error::{Error, Kind};
use crate::folder::Folder;
use crate::options::Options;
use crate::reference::Home;
use crate::remote::Remote;
use crate::transfer::Coming;
use modeldeploy_format::Digest;
use semver::Version;
use std::path::{Path, PathBuf};

/// A version of a model, as a registry lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The version.
    pub version: Version,
    /// Whether it may have been yanked; [`Registry::yanked`] says.
    pub marked: bool,
}

/// The versions of one model.
#[derive(Debug)]
pub enum Registry {
    /// In a folder.
    Folder(Folder),
    /// On an OCI registry.
    Remote(Box<Remote>),
}

impl Registry {
    /// The registry of that model. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// If Docker's configuration, where credentials are, cannot be read.
    pub fn open(home: &Home, options: &Options) -> Result<Registry, Error> {
        Ok(match home {
            Home::Folder { root, name } => Registry::Folder(Folder::new(root, name)),
            Home::Oci { host, repository } => Registry::Remote(Box::new(Remote::open(host, repository, *options)?)),
        })
    }

    /// All its versions, oldest first.
    ///
    /// # Errors
    ///
    /// If there is no such model, or the registry cannot be asked.
    pub fn versions(&self) -> Result<Vec<Listed>, Error> {
        let mut versions = match self {
            Registry::Folder(folder) => folder.versions()?,
            Registry::Remote(remote) => remote.versions()?,
        };
        versions.sort();
        versions.dedup_by(|a, b| a.version == b.version);
        Ok(versions)
    }

    /// Why a listed version was yanked, if it was.
    ///
    /// # Errors
    ///
    /// If the registry cannot be asked.
    pub fn yanked(&self, listed: &Listed) -> Result<Option<String>, Error> {
        if !listed.marked {
            return Ok(None);
        }
        match self {
            Registry::Folder(folder) => folder.yanked(&listed.version),
            Registry::Remote(remote) => remote.yanked(&listed.version),
        }
    }

    /// The manifest of a version: its bytes and their digest.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be had.
    pub fn manifest(&self, version: &Version) -> Result<(Vec<u8>, Digest), Error> {
        match self {
            Registry::Folder(folder) => folder.manifest(version),
            Registry::Remote(remote) => remote.manifest(version),
        }
    }

    /// The manifest of that digest, proved.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be had.
    pub fn manifest_of(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        match self {
            Registry::Folder(folder) => folder.manifest_of(digest),
            Registry::Remote(remote) => remote.manifest_of(digest),
        }
    }

    /// What is known of a version, and its manifest's digest.
    ///
    /// # Errors
    ///
    /// As [`manifest`](Registry::manifest), or that it is no model.
    pub fn facts(&self, version: &Version) -> Result<(Facts, Digest), Error> {
        let (bytes, digest) = self.manifest(version)?;
        let facts = parse(&bytes, self.name(), version).map_err(|error| error.at(format!("{self}@{version}")))?;
        Ok((facts, digest))
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        match self {
            Registry::Folder(folder) => folder.name(),
            Registry::Remote(remote) => remote.name(),
        }
    }

    /// A file from a byte on.
    pub(crate) fn blob(&self, digest: &Digest, size: u64, from: u64) -> Result<Coming, Error> {
        match self {
            Registry::Folder(folder) => folder.blob(digest, from),
            Registry::Remote(remote) => remote.blob(digest, size, from),
        }
    }

    /// Stores an artifact under its version. `files` are the paths of its layers, in their order.
    pub(crate) fn store(
        &self,
        facts: &Facts,
        artifact: &Artifact,
        files: &[PathBuf],
        heard: &dyn Fn(&str),
    ) -> Result<(), Error> {
        match self {
            Registry::Folder(folder) => folder.store(facts, artifact, files, heard),
            Registry::Remote(remote) => remote.store(facts, artifact, files, heard),
        }
    }

    /// Yanks a version, for a reason, or takes that back. A yanked version stays, but no range resolves to it any more.
    ///
    /// # Errors
    ///
    /// If there is no such version, or it cannot be marked.
    pub fn yank(&self, version: &Version, reason: Option<&str>) -> Result<(), Error> {
        match self {
            Registry::Folder(folder) => folder.yank(version, reason),
            Registry::Remote(remote) => remote.yank(version, reason),
        }
    }

    /// The models of a registry: `oci://host[/prefix]` or a folder.
    ///
    /// # Errors
    ///
    /// If the registry does not list its models, or cannot be asked.
    pub fn models(place: &str, base: &Path, options: &Options) -> Result<Vec<Home>, Error> {
        let Some(rest) = place.strip_prefix("oci://") else {
            let path = place.strip_prefix("file:").unwrap_or(place);
            return Folder::models(&base.join(path.strip_prefix("//").unwrap_or(path)));
        };
        let (host, prefix) = rest.trim_end_matches('/').split_once('/').unwrap_or((rest.trim_end_matches('/'), ""));
        crate::reference::check_host(host).map_err(|what| Error::new(Kind::Reference, what).at(place))?;
        Remote::models(host, prefix, options)
    }
}

impl std::fmt::Display for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Registry::Folder(folder) => write!(f, "{folder}"),
            Registry::Remote(remote) => write!(f, "{remote}"),
        }
    }
}

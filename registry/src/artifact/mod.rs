//! A model as an OCI artifact, by the ModelPack specification: a layer for each file of its folder, a configuration, and what
//! `Model.lock` knows of it as annotations of the manifest.
//!
//! Nothing in it tells of time or machine, so the same model gives the same bytes.

mod config;
mod read;

pub(crate) use read::is_inside;
pub use read::parse;

use crate::error::{Error, Kind};
use modeldeploy_format::lock::{LockedFile, LockedGate, LockedModel};
use modeldeploy_format::{Digest, Signature};
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The media type of manifests.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What kind of artifact a model is.
pub const ARTIFACT: &str = "application/vnd.cncf.model.manifest.v1+json";
/// The media type of a model's configuration.
pub const CONFIG: &str = "application/vnd.cncf.model.config.v1+json";
/// The key of a layer's path in the model's folder.
pub const FILE_PATH: &str = "org.cncf.model.filepath";
const FILE_METADATA: &str = "org.cncf.model.file.metadata+json";

const VERSION: &str = "org.opencontainers.image.version";
const TITLE: &str = "org.opencontainers.image.title";
const LICENSES: &str = "org.opencontainers.image.licenses";
const SIGNATURE: &str = "org.modeldeploy.signature";
const SIGNATURE_DIGEST: &str = "org.modeldeploy.signature-digest";
const SPACE: &str = "org.modeldeploy.space";
const RECIPE: &str = "org.modeldeploy.recipe";
const GATE: &str = "org.modeldeploy.gate";

/// A blob: what it is, its digest and its length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// What kind of artifact it is, where it is a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// More about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A manifest, as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default)]
    pub(crate) media_type: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) artifact_type: String,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Descriptor>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// What is known of a version of a model without its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Its licence, as an SPDX expression.
    pub license: Option<String>,
    /// What it takes and gives, where whoever published it said so.
    pub signature: Option<Signature>,
    /// What its vectors mean, likewise.
    pub space: Option<Digest>,
    /// How it was compressed when that was found out.
    pub recipe: BTreeMap<String, String>,
    /// What its gate measured then.
    pub gate: Option<LockedGate>,
    /// Its files, sorted by path.
    pub files: Vec<LockedFile>,
}

impl Facts {
    /// What the lock knows of a model.
    ///
    /// # Errors
    ///
    /// If the lock's version is no semantic version.
    pub fn of(model: &LockedModel) -> Result<Facts, Error> {
        let version = Version::parse(&model.version).map_err(|error| {
            Error::new(Kind::Reference, format!("`{}` is not a version: {error}", model.version)).at(&model.name)
        })?;
        let mut files = model.files.clone();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Facts {
            name: model.name.clone(),
            version,
            license: model.license.clone(),
            signature: Some(model.signature.clone()),
            space: Some(model.space),
            recipe: model.recipe.clone(),
            gate: model.gate.clone(),
            files,
        })
    }

    /// The bytes of its files together.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// A manifest and a configuration, as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The configuration's bytes.
    pub config: Vec<u8>,
}

impl Artifact {
    /// The artifact of a model.
    pub fn of(facts: &Facts) -> Artifact {
        let config = config::of(facts);
        let mut annotations = BTreeMap::from([
            (VERSION.to_owned(), facts.version.to_string()),
            (TITLE.to_owned(), facts.name.clone()),
            (RECIPE.to_owned(), json(&facts.recipe)),
        ]);
        let optional = [
            (LICENSES, facts.license.clone()),
            (SIGNATURE, facts.signature.as_ref().map(json)),
            (SIGNATURE_DIGEST, facts.signature.as_ref().map(|it| Digest::of(&it.encode()).to_string())),
            (SPACE, facts.space.map(|space| space.to_string())),
            (GATE, facts.gate.as_ref().map(json)),
        ];
        annotations.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        let manifest = Manifest {
            schema_version: 2,
            media_type: MANIFEST.into(),
            artifact_type: ARTIFACT.into(),
            config: Descriptor {
                media_type: CONFIG.into(),
                digest: Digest::of(&config),
                size: config.len() as u64,
                artifact_type: None,
                annotations: BTreeMap::new(),
            },
            layers: facts.files.iter().map(layer).collect(),
            subject: None,
            annotations,
        };
        Artifact { manifest: serde_json::to_vec(&manifest).expect("string keys and plain values"), config }
    }

    /// The manifest's digest, which is the artifact's.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("string keys and plain values")
}

/// The layer of a file, uncompressed and as it is, with the attributes that the specification asks for, the same on every machine.
fn layer(file: &LockedFile) -> Descriptor {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let metadata = serde_json::json!({
        "name": name, "mode": 0o644, "uid": 0, "gid": 0, "size": file.size, "mtime": "1970-01-01T00:00:00Z", "typeflag": b'0',
    });
    Descriptor {
        media_type: format!("application/vnd.cncf.model.{}.v1.raw", kind(&file.path)),
        digest: file.digest,
        size: file.size,
        artifact_type: None,
        annotations: BTreeMap::from([
            (FILE_PATH.into(), file.path.clone()),
            // By which tools that know nothing of models name the files that they pull.
            (TITLE.into(), file.path.clone()),
            (FILE_METADATA.into(), metadata.to_string()),
        ]),
    }
}

fn kind(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let begins = |names: &[&str]| names.iter().any(|it| name.starts_with(it));
    if ends(&[".safetensors", ".onnx", ".bin"]) {
        "weight"
    } else if ends(&[".md"]) || begins(&["LICENSE", "LICENCE", "NOTICE", "COPYING"]) {
        "doc"
    } else {
        "weight.config"
    }
}

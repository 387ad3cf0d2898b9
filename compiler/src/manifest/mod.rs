//! What a service's `Cargo.toml` says of its models: `[package.metadata.modeldeploy]`.
//!
//! ```toml
//! [package.metadata.modeldeploy.model.query-encoder]
//! source   = "models/query-encoder"     # a model folder, relative to this file; or `oci://host/name@^1.2`, `hf:org/name@revision`, …
//! task     = "embed"                    # embed | score | classify
//! version  = "1.2.0"
//! license  = "Apache-2.0"
//! released = "2026-05-31"              # the day of its release, which a policy may ask for
//! quantize = "int8"                     # f32 | bf16 | int8, or a table by part of the model
//! max-tokens = 128
//! calibration = "eval/texts.txt"        # one text a line; without it documents of the suite and our own texts serve
//! gate = { suite = "eval/search.toml", metric = "ndcg@10", min-ratio = 0.99, min-cosine = 0.99 }
//!
//! [package.metadata.modeldeploy.index.catalogue]
//! model  = "query-encoder"
//! source = "catalogue/products.jsonl"   # JSON lines
//! id     = "id"
//! text   = "{title}"
//! ```

mod edit;
mod origin;
mod read;

pub use edit::{add_model, remove_model};
pub use origin::{ABSENT_SOURCE, Origin, is_remote};
pub use read::{NAMES, is_name};

use crate::compress::Precision;
use crate::diagnostic::{Code, Diagnostic};
use modeldeploy_format::{Digest, Task};
use std::path::{Path, PathBuf};

/// An entry that is not as it should be.
pub const ENTRY: Code = Code("MD0701");
/// Two entries of one name in a workspace.
pub const TWICE: Code = Code("MD0702");
/// A manifest that cannot be read or written.
pub const UNREADABLE: Code = Code("MD0707");

/// What one package's manifest says.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The `Cargo.toml`.
    pub path: PathBuf,
    /// The package's name.
    pub package: String,
    /// Its models, sorted by name.
    pub models: Vec<ModelEntry>,
    /// Its indexes, sorted by name.
    pub indexes: Vec<IndexEntry>,
}

/// `[package.metadata.modeldeploy.model.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// The name that `#[model("…")]` uses.
    pub name: String,
    /// The model's folder, relative to the manifest's; or, as [`is_remote`] tells, what `cargo modeldeploy fetch` fetches.
    pub source: String,
    /// What a remote source was resolved to; `None` before that is known, and for folders.
    pub origin: Option<Origin>,
    /// What it is for.
    pub task: Task,
    /// Its own version, a semantic one; that of a registry's model is the resolved one, empty before that is known.
    pub version: String,
    /// Its licence, as an SPDX expression; where the manifest states none, that which was published with it.
    pub license: Option<String>,
    /// The day of its release, as 2026-05-31.
    pub released: Option<String>,
    /// The precision of each part, by the part's name; `default` is that of all others. Sorted by name.
    pub quantize: Vec<(String, String)>,
    /// The thresholds, if there are any.
    pub gate: Option<GateEntry>,
    /// The most tokens of a text, or items of a session; without it the model's own limit.
    pub max_tokens: Option<u32>,
    /// The most candidates that a ranker's network scores together; without it 256.
    pub max_batch: Option<u32>,
    /// A file with a text on each line, to calibrate with, relative to the manifest's folder.
    pub calibration: Option<String>,
    /// `Cargo.toml:line:column` of the entry.
    pub place: String,
    /// The digest of the entry's settings, as the lock has it.
    pub digest: Digest,
}

/// `gate = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct GateEntry {
    /// The suite's file, relative to the manifest's folder.
    pub suite: String,
    /// The metric that decides, such as `ndcg@10`; `cosine` (the mean cosine to f32) where only that is asked for.
    pub metric: String,
    /// The least that the pack's figure may be, divided by the reference's.
    pub min_ratio: Option<f64>,
    /// The least cosine of any text's vector to the reference's.
    pub min_cosine: Option<f64>,
    /// The least that the pack's figure may be.
    pub min: Option<f64>,
}

/// `[package.metadata.modeldeploy.index.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexEntry {
    /// The name that `#[index("…")]` uses.
    pub name: String,
    /// The model that makes the vectors.
    pub model: String,
    /// The texts: JSON lines, relative to the manifest's folder.
    pub source: String,
    /// The key of a line's id.
    pub id: String,
    /// The template of a line's text: `{key}` stands for a key's value.
    pub text: String,
    /// The name of the model's prompt that is put before each text.
    pub prompt: Option<String>,
    /// How the vectors are stored: `f32` or `int8`.
    pub precision: Precision,
    /// `Cargo.toml:line:column` of the entry.
    pub place: String,
    /// The digest of the entry's settings, as the lock has it.
    pub digest: Digest,
}

impl Manifest {
    /// Reads a manifest. `shown` is its path as errors name it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its entries: unknown keys, missing ones, wrong types and values.
    pub fn parse(path: &Path, shown: &str, text: &str) -> Result<Manifest, Vec<Diagnostic>> {
        read::parse(path, shown, text)
    }

    /// Reads the manifest at `path`.
    ///
    /// # Errors
    ///
    /// As [`parse`](Manifest::parse), or that the file cannot be read.
    pub fn read(path: &Path, shown: &str) -> Result<Manifest, Vec<Diagnostic>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            vec![Diagnostic::new(UNREADABLE, format!("the manifest cannot be read: {error}")).at(shown)]
        })?;
        Manifest::parse(path, shown, &text)
    }

    /// A path of an entry: relative ones are relative to the manifest's folder.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

/// Names that two manifests of a workspace share: the names of models are the workspace's, since they share a lock.
pub fn duplicates(manifests: &[Manifest]) -> Vec<Diagnostic> {
    let models = manifests.iter().flat_map(|m| m.models.iter().map(|entry| ("model", &entry.name, &entry.place)));
    let indexes = manifests.iter().flat_map(|m| m.indexes.iter().map(|entry| ("index", &entry.name, &entry.place)));
    let mut seen = std::collections::BTreeMap::new();
    let mut errors = vec![];
    for (kind, name, place) in models.chain(indexes) {
        if let Some(first) = seen.insert((kind, name), place) {
            errors.push(
                Diagnostic::new(TWICE, format!("{kind} `{name}` stands in two manifests of this workspace"))
                    .at(format!("{place} and {first}"))
                    .help("give one of them another name: they share one Model.lock"),
            );
        }
    }
    errors
}

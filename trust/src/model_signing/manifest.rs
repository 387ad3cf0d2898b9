//! The files that a signature is of, with their digests.

use super::bundle::Bundle;
use super::legacy;
use crate::refusal::{Refusal, form};
use crate::statement::Statement;
use modeldeploy_format::Digest;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The type of the predicate.
pub(super) const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";

/// What is never part of a model: of git's own, at its root.
pub(super) const IGNORED: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// The files of a model, as its signer has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// By the path in the folder, with `/`; of a file in shards, by `path:start:end`.
    pub(super) digests: BTreeMap<String, Digest>,
    /// How long shards are; whole files have none.
    pub(super) shard: Option<u64>,
    /// Whether links count as what they lead to.
    pub(super) links: bool,
    /// What is not part of the model, by the path in the folder.
    pub(super) ignored: BTreeSet<String>,
}

/// Whether a signature is of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covered {
    /// It is of these bytes.
    Yes,
    /// It is of other bytes.
    Differs,
    /// It does not name the file.
    No,
    /// It is of several shards, so that the file's own bytes must be asked.
    Shards,
}

/// One line of a manifest.
pub(super) struct Resource {
    name: String,
    digest: Digest,
}

impl Resource {
    pub(super) fn read(name: String, hex: &str) -> Result<Resource, Refusal> {
        let shown: String = name.chars().take(200).flat_map(char::escape_debug).collect();
        let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
        // Bundles of one file called it so once.
        if name != "." && !name.split('/').all(is_part) {
            return Err(form(format!("the signature is of `{shown}`, which is no path within a model")));
        }
        let digest = format!("sha256:{hex}").parse();
        let digest = digest.map_err(|_| form(format!("the digest of `{shown}` is no sha256 in hexadecimal digits")))?;
        Ok(Resource { name, digest })
    }
}

#[derive(Deserialize)]
struct Predicate {
    resources: Vec<TextResource>,
    serialization: Serialization,
}

#[derive(Deserialize)]
struct TextResource {
    name: String,
    digest: String,
    algorithm: String,
}

#[derive(Deserialize)]
struct Serialization {
    method: String,
    hash_type: String,
    allow_symlinks: bool,
    /// Protobuf writes it with a decimal point.
    shard_size: Option<f64>,
    #[serde(default)]
    ignore_paths: Vec<String>,
}

impl Manifest {
    /// What the statement of a bundle says, which is only to be believed if the bundle is.
    pub(super) fn of_bundle(bundle: &Bundle) -> Result<Manifest, Refusal> {
        let statement = Statement::parse(bundle.payload())?;
        match statement.predicate_type.as_str() {
            PREDICATE_TYPE => {
                let predicate: Predicate = serde_json::from_value(statement.predicate)
                    .map_err(|error| form(format!("the statement's predicate is not what it should be: {error}")))?;
                Manifest::of_predicate(predicate)
            }
            legacy::PREDICATE_TYPE => legacy::manifest(bundle.payload()),
            other => {
                let other: String = other.chars().take(80).flat_map(char::escape_debug).collect();
                Err(form(format!("the statement is of `{other}`, and the signature of a model is of {PREDICATE_TYPE}")))
            }
        }
    }

    fn of_predicate(predicate: Predicate) -> Result<Manifest, Refusal> {
        let Serialization { method, hash_type, allow_symlinks, shard_size, ignore_paths } = predicate.serialization;
        if hash_type != "sha256" {
            let shown: String = hash_type.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(form(format!(
                "the files are hashed by `{shown}`, which cannot be verified here: sign with sha256"
            )));
        }
        let shard = match (method.as_str(), shard_size) {
            ("files", None) => None,
            // Whole numbers alone, and none that a float cannot count.
            ("shards", Some(size)) if size >= 1.0 && size.fract() == 0.0 && size < 9.0e15 => Some(size as u64),
            ("files" | "shards", _) => return Err(form("the length of shards is absent, or no whole number from 1")),
            (other, _) => {
                let shown: String = other.chars().take(80).flat_map(char::escape_debug).collect();
                return Err(form(format!("the files are listed by the method `{shown}`, which is not known")));
            }
        };
        let resource = |it: TextResource| {
            // Old ones add how long the shards are.
            if it.algorithm.split("-sharded-").next() != Some("sha256") {
                let shown: String = it.algorithm.chars().take(80).flat_map(char::escape_debug).collect();
                return Err(form(format!("a file is hashed by `{shown}`, and the others by sha256")));
            }
            Resource::read(it.name, &it.digest)
        };
        let resources = predicate.resources.into_iter().map(resource).collect::<Result<Vec<_>, _>>()?;
        let manifest = Manifest::whole_files(resources)?;
        Ok(Manifest { shard, links: allow_symlinks, ignored: ignore_paths.into_iter().collect(), ..manifest })
    }

    /// A list of files; none of them twice.
    pub(super) fn whole_files(resources: Vec<Resource>) -> Result<Manifest, Refusal> {
        if resources.is_empty() {
            return Err(form("the signature is of no file"));
        }
        let mut digests = BTreeMap::new();
        for Resource { name, digest } in resources {
            if digests.insert(name.clone(), digest).is_some() {
                let shown: String = name.chars().take(200).flat_map(char::escape_debug).collect();
                return Err(form(format!("the signature names `{shown}` twice")));
            }
        }
        Ok(Manifest { digests, shard: None, links: false, ignored: BTreeSet::new() })
    }

    /// How many files, or shards of files, it lists.
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Never: a signature of nothing is refused.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether it is of the file at this path of the folder, with this length and digest.
    pub fn covers(&self, path: &str, size: u64, digest: &Digest) -> Covered {
        let found = match self.shard {
            None => self.digests.get(path),
            // Nothing of an empty file is listed, and all empty files are alike.
            Some(_) if size == 0 && self.shards(path).next().is_none() => return Covered::Yes,
            Some(shard) if size > shard && self.shards(path).next().is_some() => return Covered::Shards,
            Some(_) if self.shards(path).count() > 1 => return Covered::Differs,
            Some(_) => match self.shards(path).next() {
                Some(((0, end), digest)) if end == size => Some(digest),
                Some(_) => return Covered::Differs,
                None => None,
            },
        };
        match found {
            None => Covered::No,
            Some(found) if found == digest => Covered::Yes,
            Some(_) => Covered::Differs,
        }
    }

    /// The shards of the file at this path, each with where it begins and ends.
    pub(super) fn shards<'m>(&'m self, path: &'m str) -> impl Iterator<Item = ((u64, u64), &'m Digest)> {
        let from = format!("{path}:");
        let named = self.digests.range(from.clone()..).take_while(move |(name, _)| name.starts_with(&from));
        named.filter_map(move |(name, digest)| {
            let (found, range) = split_shard(name)?;
            (found == path).then_some((range, digest))
        })
    }

    /// The paths of the files that it lists, each once.
    pub(super) fn paths(&self) -> BTreeSet<&str> {
        let path = |name: &'_ String| match self.shard {
            None => name.len(),
            Some(_) => split_shard(name).map_or(name.len(), |(path, _)| path.len()),
        };
        self.digests.keys().map(|name| &name[..path(name)]).collect()
    }

    /// Whether this path, or a folder that it is in, is not part of the model.
    pub(super) fn ignores(&self, path: &str) -> bool {
        let mut names = IGNORED.into_iter().chain(self.ignored.iter().map(String::as_str));
        names.any(|name| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

/// `path:start:end`: the last two colons count, since paths may have some.
fn split_shard(name: &str) -> Option<(&str, (u64, u64))> {
    let (rest, end) = name.rsplit_once(':')?;
    let (path, start) = rest.rsplit_once(':')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Some((path, (number(start)?, number(end)?)))
}

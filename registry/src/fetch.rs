//! Bringing a model onto the shelf: every file proved, the folder laid whole.

use crate::artifact::{Facts, parse};
use crate::error::{Error, Kind};
use crate::options::Options;
use crate::registry::Registry;
use crate::shelf::{Shelf, tree_digest};
use crate::transfer::{self, Proof, Wanted};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::LockedModel;
use semver::Version;
use serde::{Deserialize, Serialize};

/// What a remote source was resolved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The version, where it is a registry's.
    pub version: Option<String>,
    /// The digest of the artifact's manifest, or the commit on the Hub.
    pub revision: String,
    /// The digest of its files, as [`tree_digest`] takes it.
    pub tree: Digest,
    /// The licence that was published with it.
    pub license: Option<String>,
}

/// The pin that a lock has of a model whose source is remote.
pub fn locked_pin(model: &LockedModel) -> Option<Pin> {
    let origin = model.origin.as_ref()?;
    Some(Pin {
        version: origin.version.clone(),
        revision: origin.revision.clone(),
        tree: origin.tree,
        license: model.license.clone(),
    })
}

/// Brings a version's files onto the shelf.
///
/// # Errors
///
/// If one cannot be had or is not what it must be. What is there already is kept.
pub fn fetch(
    registry: &Registry,
    facts: &Facts,
    digest: &Digest,
    shelf: &Shelf,
    options: &Options,
    heard: &dyn Fn(u64, u64),
) -> Result<Pin, Error> {
    let total = facts.size();
    let mut before = 0;
    for file in &facts.files {
        if !shelf.has(file) {
            let wanted = Wanted { path: &file.path, size: file.size, proof: Proof::Sha256(file.digest) };
            let heard = |there: u64| heard(before + there, total);
            transfer::fetch(shelf, &wanted, options, &heard, &mut |from| registry.blob(&file.digest, file.size, from))
                .map_err(|error| error.at(registry))?;
        }
        before += file.size;
        heard(before, total);
    }
    shelf.lay(&facts.files)?;
    Ok(Pin {
        version: Some(facts.version.to_string()),
        revision: digest.to_string(),
        tree: tree_digest(&facts.files),
        license: facts.license.clone(),
    })
}

/// Brings what a pin names onto the shelf again, by its digests alone, whatever the registry says of versions now.
///
/// # Errors
///
/// As [`fetch`], or that the registry has another model under that digest.
pub fn fetch_listed(
    registry: &Registry,
    pin: &Pin,
    shelf: &Shelf,
    options: &Options,
    heard: &dyn Fn(u64, u64),
) -> Result<Facts, Error> {
    let wrong = |what: String| Error::new(Kind::Reference, what).help("`cargo modeldeploy lock --fresh` pins it anew");
    let digest: Digest =
        pin.revision.parse().map_err(|error| wrong(format!("`{}` is no pin of a registry: {error}", pin.revision)))?;
    let version = pin.version.as_deref().unwrap_or_default();
    let version = Version::parse(version).map_err(|error| wrong(format!("`{version}` is no version: {error}")))?;
    let bytes = registry.manifest_of(&digest)?;
    let facts = parse(&bytes, registry.name(), &version).map_err(|error| error.at(registry))?;
    let fetched = fetch(registry, &facts, &digest, shelf, options, heard)?;
    if fetched.tree != pin.tree {
        return Err(Error::new(Kind::Lie, "the files are not those that Model.lock pins").at(registry));
    }
    Ok(facts)
}

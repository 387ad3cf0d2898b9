//! Publishing a locked model: refused where its number promises what it is not.

use crate::artifact::{Artifact, Facts};
use crate::compatible::{Judgement, Level, judge, promised};
use crate::error::{Error, Kind};
use crate::registry::Registry;
use crate::shelf::facts as file_facts;
use modeldeploy_format::Digest;
use modeldeploy_format::lock::LockedFile;
use semver::Version;
use std::path::{Path, PathBuf};

/// What is published beside the files that were read, where a folder has it.
const DOCUMENTS: [&str; 6] = ["README.md", "LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "NOTICE"];

/// The longest of these.
const DOCUMENT: u64 = 4 << 20;

/// What was published, or would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// What is known of it.
    pub facts: Facts,
    /// Its manifest's digest.
    pub digest: Digest,
    /// The version before it of the same line, and how it differs.
    pub since: Option<(Version, Judgement)>,
    /// Whether it was there already, the same.
    pub known: bool,
}

/// Publishes the model in `folder`, of which the lock knows `facts`. With `dry` nothing is sent.
///
/// # Errors
///
/// If a file is not the locked one, the version is there with other bytes, or its number promises that a service with an older one
/// can take it, which it cannot.
pub fn publish(
    registry: &Registry,
    mut facts: Facts,
    folder: &Path,
    dry: bool,
    heard: &dyn Fn(&str),
) -> Result<Publication, Error> {
    for name in DOCUMENTS {
        let found = file_facts(&folder.join(name)).filter(|(size, _)| *size <= DOCUMENT);
        if let Some((size, digest)) = found
            && facts.files.iter().all(|file| file.path != name)
        {
            facts.files.push(LockedFile { path: name.into(), size, digest });
        }
    }
    facts.files.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<PathBuf> = facts.files.iter().map(|file| folder.join(&file.path)).collect();
    for (file, path) in facts.files.iter().zip(&paths) {
        if file_facts(path) != Some((file.size, file.digest)) {
            let what = format!("`{}` is not the locked file", file.path);
            return Err(Error::new(Kind::Unpublishable, what)
                .at(path.display())
                .help("`cargo modeldeploy lock` first"));
        }
    }
    let artifact = Artifact::of(&facts);
    let digest = artifact.digest();
    let listed = match registry.versions() {
        Err(error) if error.kind == Kind::Absent => vec![],
        listed => listed?,
    };
    if listed.iter().any(|it| it.version == facts.version) {
        let (_, there) = registry.manifest(&facts.version)?;
        if there == digest {
            return Ok(Publication { facts, digest, since: None, known: true });
        }
        let what = format!("version {} is there already, with other bytes: {there}", facts.version);
        let help = "versions are never changed: give the model a new one in its manifest and lock it";
        return Err(Error::new(Kind::Unpublishable, what).at(registry).help(help));
    }
    let before = listed.iter().rev().find(|it| it.version < facts.version && it.version.pre.is_empty());
    let since = match before {
        None => None,
        Some(before) => {
            let (old, _) = registry.facts(&before.version)?;
            let judged = judge(&old, &facts);
            check(&before.version, &facts.version, &judged).map_err(|error| error.at(registry))?;
            Some((before.version.clone(), judged))
        }
    };
    if !dry {
        registry.store(&facts, &artifact, &paths, heard)?;
    }
    Ok(Publication { facts, digest, since, known: false })
}

/// Refuses a number that promises less than what differs. A version before its release promises nothing.
fn check(old: &Version, new: &Version, judged: &Judgement) -> Result<(), Error> {
    if !new.pre.is_empty() || judged.level <= promised(old, new) || judged.level != Level::Major {
        return Ok(());
    }
    let reasons: Vec<&str> = judged.reasons.iter().filter(|it| it.0 == Level::Major).map(|it| it.1.as_str()).collect();
    let next = if old.major > 0 { format!("{}.0.0", old.major + 1) } else { format!("0.{}.0", old.minor + 1) };
    let what = format!("{new} promises that who has {old} can take it, which is not so: {}", reasons.join("; "));
    let help = format!(
        "give the model version {next} in its manifest and lock it; `cargo modeldeploy semver-check` says more"
    );
    Err(Error::new(Kind::Unpublishable, what).help(help))
}

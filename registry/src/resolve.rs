//! A range to a version, by Cargo's rules: the newest that is in it, not yanked, and compatible with the one that was pinned.

use crate::artifact::Facts;
use crate::compatible::{Level, judge};
use crate::error::{Error, Kind};
use crate::registry::{Listed, Registry};
use modeldeploy_format::Digest;
use semver::{Version, VersionReq};

/// How many versions an error names.
const NEAREST: usize = 5;

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Wish<'w> {
    /// The newest in the manifest's range.
    Newest(&'w VersionReq),
    /// The newest in the range that a service with the pinned version can take as it is.
    Compatible(&'w VersionReq, &'w Facts),
    /// This one, which must be in the range.
    Precise(&'w VersionReq, &'w Version),
}

/// A version that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What is known of it.
    pub facts: Facts,
    /// Its manifest's digest.
    pub digest: Digest,
    /// Newer versions in the range that were passed over, and why.
    pub passed_over: Vec<String>,
}

/// Chooses a version.
///
/// # Errors
///
/// If none is in the range (the nearest ones are named), all in it were yanked, or the registry cannot be asked.
pub fn resolve(registry: &Registry, wish: &Wish<'_>) -> Result<Resolved, Error> {
    let listed = registry.versions()?;
    let (range, precise) = match wish {
        Wish::Newest(range) | Wish::Compatible(range, _) => (*range, None),
        Wish::Precise(range, version) => (*range, Some(*version)),
    };
    if let Some(version) = precise
        && !range.matches(version)
    {
        let what = format!("version {version} is not in the range `{range}` that the manifest asks for");
        return Err(Error::new(Kind::NoVersion, what).at(registry).help("change the range in the manifest first"));
    }
    let fits = |it: &&Listed| precise.map_or(range.matches(&it.version), |version| it.version == *version);
    let candidates: Vec<&Listed> = listed.iter().rev().filter(fits).collect();
    if candidates.is_empty() {
        return Err(none(registry, range, precise, &listed));
    }
    let (mut passed_over, mut yanked) = (vec![], vec![]);
    for candidate in candidates {
        let version = &candidate.version;
        if let Some(reason) = registry.yanked(candidate)? {
            let reason = shown(&reason);
            yanked.push(format!("{version} ({reason})"));
            passed_over.push(format!("{version} was yanked: {reason}"));
            continue;
        }
        let (facts, digest) = registry.facts(version)?;
        if let Wish::Compatible(_, pinned) = wish {
            let judged = judge(pinned, &facts);
            if judged.level == Level::Major && *version != pinned.version {
                let reasons: Vec<&str> =
                    judged.reasons.iter().filter(|it| it.0 == Level::Major).map(|it| it.1.as_str()).collect();
                let reasons = shown(&reasons.join("; "));
                passed_over.push(format!(
                    "{version} is in the range, but not compatible with {}: {reasons}; `--precise {version}` takes it",
                    pinned.version
                ));
                continue;
            }
        }
        return Ok(Resolved { facts, digest, passed_over });
    }
    if yanked.len() < passed_over.len() {
        let what = format!("no version in the range `{range}` is compatible with the pinned one");
        return Err(Error::new(Kind::NoVersion, what).at(registry).help(passed_over.join("; ")));
    }
    let what = format!("every version in the range `{range}` was yanked: {}", yanked.join(", "));
    Err(Error::new(Kind::Yanked, what)
        .at(registry)
        .help("widen the range, or take the yank back: `cargo modeldeploy yank --undo`"))
}

/// What a registry says, as it may be shown.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

fn none(registry: &Registry, range: &VersionReq, precise: Option<&Version>, listed: &[Listed]) -> Error {
    let what = match precise {
        Some(version) => format!("`{}` has no version {version}", registry.name()),
        None => format!("no version of `{}` is in the range `{range}`", registry.name()),
    };
    let wanted = precise.cloned().or_else(|| {
        let first = range.comparators.first()?;
        Some(Version::new(first.major, first.minor.unwrap_or(0), first.patch.unwrap_or(0)))
    });
    let near = nearest(wanted.as_ref(), listed);
    let help = if near.is_empty() {
        "it has no versions at all".into()
    } else {
        format!("the nearest are {}", near.join(", "))
    };
    Error::new(Kind::NoVersion, what).at(registry).help(help)
}

/// The versions that are nearest, nearest first: by the first number, within the same one by the second; on either side in the order
/// in which one would go there.
fn nearest(wanted: Option<&Version>, listed: &[Listed]) -> Vec<String> {
    let mut all: Vec<&Version> = listed.iter().rev().map(|it| &it.version).collect();
    if let Some(wanted) = wanted {
        let above = all.iter().rev().filter(|it| **it > wanted);
        all = all.iter().filter(|it| **it <= wanted).chain(above).copied().collect();
        let minor = |it: &Version| if it.major == wanted.major { it.minor.abs_diff(wanted.minor) } else { 0 };
        all.sort_by_key(|it| (it.major.abs_diff(wanted.major), minor(it)));
    }
    all.into_iter().take(NEAREST).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_versions_come_first() {
        let listed: Vec<Listed> = ["0.9.0", "1.0.0", "1.1.5", "1.3.0", "2.0.0", "4.0.0", "9.0.0"]
            .map(|version| Listed { version: Version::parse(version).expect("a version"), marked: false })
            .into();
        let wanted = Version::new(1, 2, 0);
        assert_eq!(nearest(Some(&wanted), &listed), ["1.1.5", "1.3.0", "1.0.0", "0.9.0", "2.0.0"]);
        assert_eq!(nearest(None, &listed)[0], "9.0.0");
    }
}

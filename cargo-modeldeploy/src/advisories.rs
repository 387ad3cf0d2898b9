//! The crates of a program against what is known of them: RustSec's database of advisories, where a copy of it lies on this machine.
//!
//! Nothing is fetched: what an audit says depends on files alone. `cargo audit` and `cargo deny` leave copies in cargo's own folder.

use crate::exit::Failure;
use crate::shipped::cargo_home;
use auditable_serde::{Package, Source};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use rustsec::database::Query;
use rustsec::{Advisory, Collection, Database};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The database cannot be read.
pub(crate) const UNREADABLE: Code = Code("MD1008");
/// An advisory is about a crate of the program, and that was not to be.
const DENIED: Code = Code("MD1009");

/// What an advisory says of a crate of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    name: String,
    version: String,
    id: String,
    /// `vulnerability`, or what it is instead: `unmaintained`, `unsound`, `notice`.
    kind: String,
    severity: Option<String>,
    title: String,
    /// The versions that are free of it.
    patched: Vec<String>,
    url: Option<String>,
}

/// What was found where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advisories {
    folder: PathBuf,
    /// How many advisories it has.
    known: usize,
    hits: Vec<Hit>,
}

/// Looks the crates of a program up: in the database at `folder`, or in one that another tool has left. None where there is none.
pub(crate) fn look_up(folder: Option<&Path>, crates: &[Package]) -> Result<Option<Advisories>, Failure> {
    let Some(folder) = folder.map(Path::to_owned).or_else(|| found(&cargo_home())) else { return Ok(None) };
    let database = Database::open(&folder).map_err(|error| {
        Diagnostic::new(UNREADABLE, format!("the advisories cannot be read: {error}"))
            .at(folder.display().to_string())
            .help("it is a copy of https://github.com/RustSec/advisory-db, with a folder `crates`")
    })?;
    let mut hits = vec![];
    for package in crates.iter().filter(|package| package.source == Source::CratesIo) {
        let Ok(name) = package.name.parse() else { continue };
        let query = Query::new().collection(Collection::Crates).withdrawn(false).package_name(name);
        let query = query.package_version(package.version.clone());
        hits.extend(database.query(&query).into_iter().map(|advisory| hit(package, advisory)));
    }
    Ok(Some(Advisories { known: database.iter().count(), folder, hits }))
}

fn hit(package: &Package, advisory: &Advisory) -> Hit {
    let it = &advisory.metadata;
    Hit {
        name: package.name.clone(),
        version: package.version.to_string(),
        id: it.id.to_string(),
        kind: it.informational.as_ref().map_or("vulnerability".into(), |kind| kind.as_str().to_owned()),
        severity: advisory.severity().map(|severity| severity.as_str().to_owned()),
        title: it.title.clone(),
        patched: advisory.versions.patched().iter().map(ToString::to_string).collect(),
        url: it.id.url().or_else(|| it.url.as_ref().map(ToString::to_string)),
    }
}

/// The copy that `cargo audit` has left, or one of those of `cargo deny`, the last by name.
fn found(home: &Path) -> Option<PathBuf> {
    let is_one = |folder: &PathBuf| folder.join("crates").is_dir();
    let audits = Some(home.join("advisory-db")).filter(is_one);
    let denies = || {
        let folders = fs::read_dir(home.join("advisory-dbs")).ok()?.flatten().map(|entry| entry.path());
        folders.filter(is_one).max()
    };
    audits.or_else(denies)
}

impl Advisories {
    /// A line for each, after one that says where they are from.
    pub(crate) fn human(&self) -> String {
        let mut lines = vec![format!(
            "{} of {} advisories in {} are about its crates",
            self.hits.len(),
            self.known,
            self.folder.display()
        )];
        for hit in &self.hits {
            let severity = hit.severity.as_ref().map(|severity| format!(", {severity}")).unwrap_or_default();
            let patched = match &hit.patched[..] {
                [] => "no version is free of it".to_owned(),
                versions => format!("free of it: {}", versions.join(", ")),
            };
            lines.push(format!(
                "  {} {} {} ({}{severity}): {}; {patched}",
                hit.id, hit.name, hit.version, hit.kind, hit.title
            ));
        }
        lines.join("\n")
    }

    /// The same facts.
    pub(crate) fn program(&self) -> Value {
        let hits = self.hits.iter().map(|hit| {
            json!({
                "id": hit.id,
                "crate": hit.name,
                "version": hit.version,
                "kind": hit.kind,
                "severity": hit.severity,
                "title": hit.title,
                "patched": hit.patched,
                "url": hit.url,
            })
        });
        json!({"database": self.folder, "known": self.known, "found": hits.collect::<Vec<_>>()})
    }

    /// Refuses a program of which one is known.
    pub(crate) fn deny(&self, shown: &str) -> Result<(), Failure> {
        let denied = self.hits.iter().map(|hit| {
            let help = match hit.patched.first() {
                Some(_) => format!("`cargo update -p {}`, then build again", hit.name),
                None => format!("put another crate in the place of `{}`", hit.name),
            };
            Diagnostic::new(DENIED, format!("{}: {} {} ({}): {}", hit.id, hit.name, hit.version, hit.kind, hit.title))
                .at(shown)
                .help(help)
        });
        let denied: Vec<Diagnostic> = denied.collect();
        if denied.is_empty() { Ok(()) } else { Err(denied.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditable_serde::DependencyKind;

    /// As RustSec writes one: <https://github.com/RustSec/advisory-db/blob/main/EXAMPLE_ADVISORY.md>.
    const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2001-0001\"\npackage = \"teapot\"\ndate = \"2001-02-03\"\n\
        url = \"https://example.com/teapot\"\ncvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"\n\n[versions]\n\
        patched = [\">= 1.2.3\"]\nunaffected = [\"< 1.0.0\"]\n```\n\n# Tea is spilled\n\nOn every pour.\n";

    fn package(name: &str, version: &str, source: Source) -> Package {
        Package {
            name: name.into(),
            version: version.parse().expect("a version"),
            source,
            kind: DependencyKind::Runtime,
            dependencies: vec![],
            root: false,
        }
    }

    #[test]
    fn crates_are_found_by_their_versions_and_source() {
        let home = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(found(home.path()), None);
        let folder = home.path().join("advisory-dbs/advisory-db-3157b0e258782691");
        fs::create_dir_all(folder.join("crates/teapot")).expect("folders");
        fs::write(folder.join("crates/teapot/RUSTSEC-2001-0001.md"), ADVISORY).expect("written");
        assert_eq!(found(home.path()).as_ref(), Some(&folder));
        let crates = [
            package("teapot", "1.0.0", Source::CratesIo),
            package("teapot", "1.2.3", Source::CratesIo),
            package("teapot", "0.9.0", Source::CratesIo),
            package("teapot", "1.0.0", Source::Local),
            package("kettle", "1.0.0", Source::CratesIo),
        ];
        let said = look_up(Some(&folder), &crates).expect("a database").expect("it is there");
        assert_eq!(
            said.human().lines().skip(1).collect::<Vec<_>>(),
            ["  RUSTSEC-2001-0001 teapot 1.0.0 (vulnerability, critical): Tea is spilled; free of it: >=1.2.3"]
        );
        assert_eq!((said.known, &said.program()["found"][0]["version"]), (1, &"1.0.0".into()));
        let Err(Failure::Wrong(denied)) = said.deny("shop") else { panic!("it is denied") };
        assert!(denied[0].to_string().contains("cargo update -p teapot"), "{}", denied[0]);
        let none = look_up(Some(&folder), &crates[1..]).expect("a database").expect("it is there");
        assert!(none.deny("shop").is_ok());
    }

    #[test]
    fn what_is_no_database_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let absent = look_up(Some(folder.path()), &[]).expect_err("no database");
        assert!(format!("{absent:?}").contains("MD1008"), "{absent:?}");
        fs::create_dir_all(folder.path().join("crates/teapot")).expect("folders");
        fs::write(folder.path().join("crates/teapot/RUSTSEC-2001-0001.md"), "```toml\n[adv").expect("written");
        let damaged = look_up(Some(folder.path()), &[]).expect_err("damaged");
        assert!(format!("{damaged:?}").contains("MD1008"), "{damaged:?}");
    }
}

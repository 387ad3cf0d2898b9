//! Models whose source is no folder: resolved, fetched into the store, pinned. The only room of the command that uses the network.

mod changes;
mod earlier;
mod said;

pub(crate) use changes::{human as changes_for_people, program as changes_for_programs};
pub(crate) use earlier::earlier_pin;
pub(crate) use said::{UNCHANGED, diagnostic};

use crate::exit::Failure;
use crate::output::Output;
use crate::progress;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::manifest::{Manifest, ModelEntry, is_remote};
use modeldeploy_compiler::pipeline::{Event, Progress, Workspace};
use modeldeploy_format::lock::{Lock, LockedModel, LockedOrigin};
use modeldeploy_registry::hub::Hub;
use modeldeploy_registry::journal::Journal;
use modeldeploy_registry::{
    Error, Home, Kind, Options, Pin, Reference, Registry, Shelf, Source, Wish, default_registry, fetch, fetch_listed,
    locked_pin, resolve,
};
use semver::Version;
use std::path::Path;

/// Which version of a model is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want<'w> {
    /// The pinned one while the manifest's range has it.
    Pinned,
    /// The newest that is compatible with the pinned one.
    Newest,
    /// This version, or this revision.
    Precise(&'w str),
    /// This pin.
    Pin(&'w Pin),
}

/// A remote source as its manifest states it.
pub(crate) fn source(manifest: &Manifest, entry: &ModelEntry) -> Result<Source, Diagnostic> {
    let base = manifest.path.parent().unwrap_or(Path::new(""));
    Source::parse(&entry.source, base, &default_registry()).map_err(|error| {
        let mut error = diagnostic(error);
        error.place = Some(entry.place.clone());
        error
    })
}

/// Resolves, fetches and pins the remote sources among the models of these names, or all. What is pinned and there stays as it is,
/// and nothing is asked of anybody.
pub(crate) fn settle(
    workspace: &mut Workspace,
    names: &[String],
    want: Want<'_>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let selected = workspace.select(names)?;
    let remote: Vec<String> =
        selected.iter().filter(|(_, entry)| is_remote(&entry.source)).map(|(_, entry)| entry.name.clone()).collect();
    if remote.is_empty() {
        return Ok(());
    }
    // A lock that cannot be read is told of by whoever needs it.
    let lock = workspace.old_lock().ok().flatten().unwrap_or_default();
    let (mut pins, mut errors) = (vec![], vec![]);
    progress::during(output, |progress| -> Result<(), Diagnostic> {
        let _hold = workspace.hold(progress)?;
        for name in &remote {
            progress(Event::Begin(name));
            match settle_one(workspace, name, lock.model(name), want, progress) {
                Ok(pin) => pins.push((name.clone(), pin)),
                Err(error) => errors.push(error),
            }
        }
        Ok(())
    })?;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let store = workspace.store.clone();
    for (name, pin) in pins {
        let origin = LockedOrigin { version: pin.version, revision: pin.revision, tree: pin.tree };
        let entry = workspace.entry_mut(&name).expect("it was selected");
        entry.pin(origin, pin.license, &store);
    }
    Ok(())
}

fn settle_one(
    workspace: &Workspace,
    name: &str,
    locked: Option<&LockedModel>,
    want: Want<'_>,
    progress: Progress<'_>,
) -> Result<Pin, Diagnostic> {
    let selected = workspace.select(&[name.to_owned()]).map_err(|mut errors| errors.remove(0))?;
    let (manifest, entry) = *selected.first().expect("a selected model is there");
    let source = source(manifest, entry)?;
    let pinned = locked.filter(|locked| is_same_source(manifest, locked, &source)).and_then(locked_pin);
    let there = Fetching { shelf: &Shelf::new(workspace.store.root()), options: &Options::default(), progress };
    let settled = match (&source, want) {
        (_, Want::Pin(pin)) => there.again(&source, pin).map(|()| pin.clone()),
        (Source::Registry(reference), _) => there.of_registry(reference, pinned.as_ref(), want),
        (Source::Hub { repository, revision }, _) => match (pinned, want) {
            (Some(pin), Want::Pinned) => there.again(&source, &pin).map(|()| pin),
            (_, Want::Precise(revision)) => there.of_hub(repository, revision),
            _ => there.of_hub(repository, revision),
        },
    };
    settled.map_err(|error| {
        let mut error = diagnostic(error);
        error.place = Some(match error.place {
            Some(place) => format!("{} ({place})", entry.place),
            None => entry.place.clone(),
        });
        error
    })
}

/// Whether a lock's pin is of the model that the manifest names now.
fn is_same_source(manifest: &Manifest, locked: &LockedModel, source: &Source) -> bool {
    let base = manifest.path.parent().unwrap_or(Path::new(""));
    match (Source::parse(&locked.source, base, &default_registry()), source) {
        (Ok(Source::Registry(old)), Source::Registry(new)) => old.home == new.home,
        (Ok(old), new) => old == *new,
        (Err(_), _) => false,
    }
}

struct Fetching<'f> {
    shelf: &'f Shelf,
    options: &'f Options,
    progress: Progress<'f>,
}

impl Fetching<'_> {
    fn heard(&self, done: u64, total: u64) {
        (self.progress)(Event::Stage("Fetching", done as usize, total as usize));
    }

    fn of_registry(&self, reference: &Reference, pinned: Option<&Pin>, want: Want<'_>) -> Result<Pin, Error> {
        let Reference { home, range } = reference;
        let version = |pin: &Pin| Version::parse(pin.version.as_deref()?).ok();
        let fits = pinned.filter(|pin| version(pin).is_some_and(|version| range.matches(&version)));
        if let (Want::Pinned, Some(pin)) = (want, fits) {
            self.again_at(home, pin)?;
            return Ok(pin.clone());
        }
        let registry = Registry::open(home, self.options)?;
        let precise = match want {
            Want::Precise(version) => Some(Version::parse(version).map_err(|error| {
                Error::new(Kind::Reference, format!("`{version}` is not a version: {error}")).help("write it as 1.2.3")
            })?),
            _ => None,
        };
        let before = match fits {
            Some(pin) if precise.is_none() => self.published(&registry, pin),
            _ => None,
        };
        let wish = match (&precise, &before) {
            (Some(version), _) => Wish::Precise(range, version),
            (None, Some(facts)) => Wish::Compatible(range, facts),
            (None, None) => Wish::Newest(range),
        };
        let resolved = resolve(&registry, &wish)?;
        resolved.passed_over.iter().for_each(|said| (self.progress)(Event::Note(said)));
        fetch(&registry, &resolved.facts, &resolved.digest, self.shelf, self.options, &|done, total| {
            self.heard(done, total)
        })
    }

    /// What was published as the pinned version.
    fn published(&self, registry: &Registry, pin: &Pin) -> Option<modeldeploy_registry::artifact::Facts> {
        let version = Version::parse(pin.version.as_deref()?).ok()?;
        let bytes = registry.manifest_of(&pin.revision.parse().ok()?);
        let facts = bytes.and_then(|bytes| modeldeploy_registry::artifact::parse(&bytes, registry.name(), &version));
        facts
            .inspect_err(|error| {
                let said = format!("nothing is compared with the pinned version {version}: {error}");
                (self.progress)(Event::Note(&said));
            })
            .ok()
    }

    fn of_hub(&self, repository: &str, revision: &str) -> Result<Pin, Error> {
        Hub::from_env().fetch(repository, revision, self.shelf, self.options, &|done, total| self.heard(done, total))
    }

    /// Brings what is pinned into the store, unless it is there.
    fn again(&self, source: &Source, pin: &Pin) -> Result<(), Error> {
        match source {
            Source::Registry(reference) => self.again_at(&reference.home, pin),
            Source::Hub { repository, .. } => {
                if self.shelf.proves(&pin.tree) {
                    return Ok(());
                }
                let fetched = self.of_hub(repository, &pin.revision)?;
                if fetched.tree == pin.tree {
                    return Ok(());
                }
                let what = "the files of the commit are not those that Model.lock pins";
                Err(Error::new(Kind::Lie, what).at(format!("hf:{repository}@{}", pin.revision)))
            }
        }
    }

    fn again_at(&self, home: &Home, pin: &Pin) -> Result<(), Error> {
        if self.shelf.proves(&pin.tree) {
            return Ok(());
        }
        let registry = Registry::open(home, self.options)?;
        fetch_listed(&registry, pin, self.shelf, self.options, &|done, total| self.heard(done, total)).map(drop)
    }
}

/// Remembers the pins of a lock, so that they can be gone back to.
pub(crate) fn remember(workspace: &Workspace, lock: &Lock) -> Result<(), Diagnostic> {
    let mut journal = Journal::read(workspace.store.root()).map_err(diagnostic)?;
    for model in &lock.models {
        if let Some(pin) = locked_pin(model) {
            journal.add(&model.name, &pin).map_err(diagnostic)?;
        }
    }
    Ok(())
}

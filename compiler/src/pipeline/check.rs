//! `lock --check`: makes everything again and says what differs from the lock, which is left as it is.
//!
//! What has come out before, of the same bytes, is not made again: [`derived`].

use super::made::make;
use super::{Event, Progress, STALE, Workspace, derived, reuse};
use crate::diagnostic::Diagnostic;
use crate::index;
use modeldeploy_format::lock::{Lock, LockedFile, LockedGate, LockedModel, LockedPack};
use std::collections::{BTreeMap, BTreeSet};

/// How far a figure may be from the locked one: candle's last bits differ from machine to machine, and so may a close ranking.
const TOLERANCE: f64 = 1e-3;

/// Compares the lock with what the manifests and the model files give; the differences, empty if there are none. If `fresh`, all is made
/// again, whatever has come out before.
///
/// # Errors
///
/// If there is no lock, or something cannot be made at all.
pub fn check(
    workspace: &Workspace,
    names: &[String],
    fresh: bool,
    progress: Progress<'_>,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let selected = workspace.select(names)?;
    let lock = workspace.lock().map_err(|error| vec![error])?;
    let mut stale = strangers(workspace, &lock);
    let (mut packs, mut errors) = (BTreeMap::new(), vec![]);
    for (manifest, entry) in selected {
        progress(Event::Begin(&entry.name));
        let Some(model) = lock.model(&entry.name) else {
            stale.push(difference(&entry.place, format!("model `{}` is not locked", entry.name)));
            continue;
        };
        let store = &workspace.store;
        let is_current = || reuse::is_current(manifest, entry, model, &lock.models, store);
        if !fresh && derived::is_noted_model(store, model) && is_current() {
            packs.insert(entry.name.clone(), None);
            continue;
        }
        match make(manifest, entry, &lock.models, &|_, _, _| Ok(()), true, progress) {
            Ok(made) => {
                packs.insert(entry.name.clone(), Some(made.pack));
                let said = differences(model, &made.model);
                if said.is_empty() {
                    derived::note_model(store, model);
                }
                stale.extend(said.into_iter().map(|said| difference(&entry.place, said)));
            }
            Err(more) => errors.extend(more),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // What another pack makes differs anyhow, and another file's vectors are not worth making.
    let mut said = vec![];
    if stale.is_empty() {
        said = index::stale(workspace, &lock)?;
        if said.is_empty() {
            said = index::differing(workspace, &lock, &packs, fresh, progress)?;
        }
    }
    stale.extend(said.into_iter().map(|(place, said)| difference(&place, said)));
    Ok(stale)
}

fn difference(place: &str, said: String) -> Diagnostic {
    Diagnostic::new(STALE, said).at(place).help("`cargo modeldeploy lock` locks it as it is now")
}

/// Models and indexes of the lock that no manifest names.
pub(super) fn strangers(workspace: &Workspace, lock: &Lock) -> Vec<Diagnostic> {
    let models = workspace.models();
    let indexes = workspace.indexes();
    let place = workspace.lock_path().display().to_string();
    let model = lock.models.iter().filter(|model| !models.iter().any(|(_, entry)| entry.name == model.name));
    let model = model.map(|model| format!("model `{}` is locked, but no manifest names it", model.name));
    let index = lock.indexes.iter().filter(|index| !indexes.iter().any(|(_, entry)| entry.name == index.name));
    let index = index.map(|index| format!("index `{}` is locked, but no manifest names it", index.name));
    model.chain(index).map(|said| difference(&place, said)).collect()
}

/// What differs between two entries of a model. Both are taken apart whole, so that no field of them can be forgotten.
fn differences(old: &LockedModel, new: &LockedModel) -> Vec<String> {
    let LockedModel {
        name,
        version,
        source,
        origin,
        license,
        package,
        signature_digest,
        space,
        manifest,
        compressed,
        golden,
        absent,
        signature,
        recipe,
        gate,
        packs,
        files,
    } = old;
    let mut said = Differences { of: name, said: vec![] };
    for file in files {
        let now = new.files.iter().find(|now| now.path == file.path);
        said.compare(&format!("file `{}`", file.path), facts(file), now.map_or("not read".into(), facts));
    }
    for file in new.files.iter().filter(|file| !files.iter().any(|known| known.path == file.path)) {
        said.compare(&format!("file `{}`", file.path), "not there".into(), facts(file));
    }
    let stated = |license: &Option<String>| license.clone().unwrap_or_else(|| "not stated".into());
    let all = |packs: &[LockedPack]| packs.iter().map(pack).collect::<Vec<_>>().join(", ");
    said.compare("name", name.clone(), new.name.clone());
    said.compare("version", version.clone(), new.version.clone());
    said.compare("source", source.clone(), new.source.clone());
    said.compare("resolved source", format!("{origin:?}"), format!("{:?}", new.origin));
    said.compare("license", stated(license), stated(&new.license));
    said.compare("package", package.clone(), new.package.clone());
    said.compare("manifest's entry", manifest.to_string(), new.manifest.to_string());
    said.compare("list of absent files", format!("{absent:?}"), format!("{:?}", new.absent));
    said.compare("recipe", format!("{recipe:?}"), format!("{:?}", new.recipe));
    said.compare("signature", format!("{signature:?}"), format!("{:?}", new.signature));
    said.compare("signature's digest", signature_digest.to_string(), new.signature_digest.to_string());
    said.compare("compressed model", compressed.to_string(), new.compressed.to_string());
    said.compare("space", space.to_string(), new.space.to_string());
    said.compare("golden vectors", golden.to_string(), new.golden.to_string());
    said.compare("pack", all(packs), all(&new.packs));
    let mut said = said.said;
    said.extend(gates(name, gate.as_ref(), new.gate.as_ref()));
    said
}

struct Differences<'n> {
    of: &'n str,
    said: Vec<String>,
}

impl Differences<'_> {
    fn compare(&mut self, what: &str, old: String, new: String) {
        if old != new {
            self.said.push(format!("the {what} of `{}` is not as locked: {old} there, {new} now", self.of));
        }
    }
}

fn facts(LockedFile { path: _, size, digest }: &LockedFile) -> String {
    format!("{digest} ({size} bytes)")
}

fn pack(LockedPack { layout, size, digest }: &LockedPack) -> String {
    format!("{digest} ({size} bytes, layout {layout})")
}

fn gates(name: &str, old: Option<&LockedGate>, new: Option<&LockedGate>) -> Vec<String> {
    let (old, new) = match (old, new) {
        (None, None) => return vec![],
        (Some(old), Some(new)) => (old, new),
        (old, _) => {
            let (there, now) = if old.is_some() { ("one", "none") } else { ("none", "one") };
            return vec![format!("the gate of `{name}` is not as locked: {there} there, {now} now")];
        }
    };
    let mut said = vec![];
    let LockedGate { suite, metric, thresholds, base: _, got: _, figures: _ } = old;
    if (suite, metric, thresholds) != (&new.suite, &new.metric, &new.thresholds) {
        said.push(format!("the gate of `{name}` is not as locked: its suite, metric or thresholds are others"));
    }
    let (old, new) = (figures(old), figures(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for figure in names {
        let [was, is] = [&old, &new].map(|figures| figures.get(figure).map_or("not measured", String::as_str));
        let far = match (was.parse::<f64>(), is.parse::<f64>()) {
            (Ok(was), Ok(is)) => (was - is).abs() > TOLERANCE,
            _ => was != is,
        };
        if far {
            said.push(format!("the gate's figure `{figure}` of `{name}` is not as locked: {was} there, {is} now"));
        }
    }
    said
}

/// All figures of a gate, by name.
fn figures(gate: &LockedGate) -> BTreeMap<String, String> {
    let mut all = gate.figures.clone();
    all.insert("base".into(), gate.base.clone());
    all.insert("got".into(), gate.got.clone());
    all
}

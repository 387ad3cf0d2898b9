//! `lock --check`: makes everything again and says what differs from the lock. Nothing is written.

use super::derive::derive;
use super::lock::{locked, measure};
use super::{Event, Progress, STALE, Workspace};
use crate::diagnostic::Diagnostic;
use crate::index;
use crate::manifest::{Manifest, ModelEntry};
use modeldeploy_format::lock::{Lock, LockedGate, LockedModel};
use modeldeploy_format::pack::Aligned;
use std::collections::BTreeMap;

/// How far a figure may be from the locked one: candle's last bits differ from machine to machine, and so may a close ranking.
const TOLERANCE: f64 = 1e-3;

/// Compares the lock with what the manifests and the model files give; the differences, empty if there are none.
///
/// # Errors
///
/// If there is no lock, or something cannot be made at all.
pub fn check(
    workspace: &Workspace,
    names: &[String],
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
        match again(manifest, entry, progress) {
            Ok((made, pack)) => {
                packs.insert(entry.name.clone(), pack);
                let said = differences(model, &made);
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
            said = index::differing(workspace, &lock, &packs, progress)?;
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

/// The lock's entry of a model as it is now, and its pack.
fn again(
    manifest: &Manifest,
    entry: &ModelEntry,
    progress: Progress<'_>,
) -> Result<(LockedModel, Aligned), Vec<Diagnostic>> {
    let derived = derive(manifest, entry, progress)?;
    let gate = measure(entry, &derived, progress)?.map(|(gate, _)| gate);
    Ok((locked(manifest, entry, &derived, gate), derived.pack))
}

fn differences(old: &LockedModel, new: &LockedModel) -> Vec<String> {
    let name = &old.name;
    let mut said = vec![];
    let mut compare = |what: &str, old: String, new: String| {
        if old != new {
            said.push(format!("the {what} of `{name}` is not as locked: {old} there, {new} now"));
        }
    };
    for file in &old.files {
        let now = new.files.iter().find(|now| now.path == file.path);
        compare(
            &format!("file `{}`", file.path),
            file.digest.to_string(),
            now.map_or("not read".into(), |now| now.digest.to_string()),
        );
    }
    for file in new.files.iter().filter(|file| !old.files.iter().any(|known| known.path == file.path)) {
        compare(&format!("file `{}`", file.path), "not there".into(), file.digest.to_string());
    }
    compare("version", old.version.clone(), new.version.clone());
    compare("package", old.package.clone(), new.package.clone());
    compare("manifest's entry", old.manifest.to_string(), new.manifest.to_string());
    compare("recipe", format!("{:?}", old.recipe), format!("{:?}", new.recipe));
    compare("signature", old.signature_digest.to_string(), new.signature_digest.to_string());
    compare("compressed model", old.compressed.to_string(), new.compressed.to_string());
    compare("space", old.space.to_string(), new.space.to_string());
    compare("golden vectors", old.golden.to_string(), new.golden.to_string());
    let packs =
        |model: &LockedModel| model.packs.iter().map(|pack| pack.digest.to_string()).collect::<Vec<_>>().join(", ");
    compare("pack", packs(old), packs(new));
    said.extend(gates(name, old.gate.as_ref(), new.gate.as_ref()));
    said
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
    if (&old.suite, &old.metric, &old.thresholds) != (&new.suite, &new.metric, &new.thresholds) {
        said.push(format!("the gate of `{name}` is not as locked: its suite, metric or thresholds are others"));
    }
    let figures = |gate: &LockedGate| {
        let mut all = gate.figures.clone();
        all.insert("base".into(), gate.base.clone());
        all.insert("got".into(), gate.got.clone());
        all
    };
    let (old, new) = (figures(old), figures(new));
    for (figure, was) in &old {
        let is = new.get(figure).cloned().unwrap_or_else(|| "not measured".into());
        let far = match (was.parse::<f64>(), is.parse::<f64>()) {
            (Ok(was), Ok(is)) => (was - is).abs() > TOLERANCE,
            _ => *was != is,
        };
        if far {
            said.push(format!("the gate's figure `{figure}` of `{name}` is not as locked: {was} there, {is} now"));
        }
    }
    said
}

//! `lock`: makes what has changed, measures it, refuses what is under its gate, and writes `Model.lock`.

use super::derive::{Derived, derive_judged, locked_files};
use super::derived;
use super::engines::{PackEngine, ReferenceEngine};
use super::{Event, Judge, Progress, Workspace, rank, reuse};
use crate::compress::error_by_layer;
use crate::diagnostic::Diagnostic;
use crate::eval::{self, Evaluation};
use crate::gate;
use crate::index;
use crate::manifest::{Manifest, ModelEntry};
use crate::store::{Kind, Store};
use modeldeploy_format::lock::{Lock, LockedGate, LockedModel, LockedPack, VERSION};
use modeldeploy_format::pack::LAYOUT_FINGERPRINT;
use modeldeploy_format::{Digest, Task};

/// How many layers a refusal names.
const LAYERS: usize = 6;

/// Texts that the error of layers is measured with.
const LAYER_SAMPLES: usize = 16;

/// What `lock` did.
#[derive(Clone, Debug, PartialEq)]
pub struct LockReport {
    /// The lock as it is now.
    pub lock: Lock,
    /// Whether its file was written.
    pub changed: bool,
    /// The models that were asked for, sorted by name.
    pub models: Vec<ModelReport>,
}

/// One model of a [`LockReport`].
#[derive(Clone, Debug, PartialEq)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// Whether it was kept as it was locked.
    pub kept: bool,
    /// The bytes of its source files.
    pub source_bytes: u64,
    /// What its suite measured, if it was run.
    pub evaluation: Option<Evaluation>,
}

/// Locks the models of these names, or all; models that no manifest names any more leave the lock. A `fresh` lock of all models keeps
/// nothing of the old one, which may then be broken. What `judge` refuses is an error like others.
///
/// # Errors
///
/// Everything that is wrong, of all models; the lock is then left as it was. A model under its gate is `MD0610`.
pub fn lock(
    workspace: &Workspace,
    names: &[String],
    fresh: bool,
    judge: Judge<'_>,
    progress: Progress<'_>,
) -> Result<LockReport, Vec<Diagnostic>> {
    let selected = workspace.select(names)?;
    let _hold = workspace.hold(progress).map_err(|error| vec![error])?;
    let old = match workspace.old_lock() {
        // Nothing of it is kept, so it need not be right.
        Err(_) if fresh && names.is_empty() => None,
        old => old.map_err(|error| vec![error])?,
    };
    let old = old.unwrap_or_default();
    let (mut locked, mut reports, mut errors) = (vec![], vec![], vec![]);
    for (manifest, entry) in workspace.models() {
        let before = old.model(&entry.name);
        if !selected.iter().any(|(_, chosen)| chosen.name == entry.name) {
            locked.extend(before.cloned());
            continue;
        }
        progress(Event::Begin(&entry.name));
        let current = before.filter(|before| !fresh && reuse::is_current(manifest, entry, before, &workspace.store));
        let made = match current {
            Some(model) => judge(manifest, entry, &model.files).map(|()| (model.clone(), None)),
            None => make(manifest, entry, &workspace.store, judge, progress),
        };
        let (model, evaluation) = match made {
            Ok(made) => made,
            Err(more) => {
                errors.extend(more);
                continue;
            }
        };
        reports.push(ModelReport {
            name: model.name.clone(),
            kept: current.is_some(),
            source_bytes: model.files.iter().map(|file| file.size).sum(),
            evaluation,
        });
        locked.push(model);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut lock = Lock { version: VERSION, models: locked, indexes: vec![] };
    lock.indexes = index::lock(workspace, &lock, &old, progress)?;
    let changed = workspace.write_lock(&lock).map_err(|error| vec![error])?;
    let made = reports.iter().filter(|report| !report.kept).filter_map(|report| lock.model(&report.name));
    made.for_each(|model| derived::note_model(&workspace.store, model));
    let made = lock.indexes.iter().filter(|index| old.index(&index.name) != Some(index));
    made.for_each(|index| derived::note_index(&workspace.store, index));
    Ok(LockReport { lock, changed, models: reports })
}

fn make(
    manifest: &Manifest,
    entry: &ModelEntry,
    store: &Store,
    judge: Judge<'_>,
    progress: Progress<'_>,
) -> Result<(LockedModel, Option<Evaluation>), Vec<Diagnostic>> {
    if entry.task == Task::Rank {
        let made = rank::derive(manifest, entry, judge, progress)?;
        let files = [(&made.compressed[..], Kind::Compressed), (&made.golden, Kind::Golden), (&made.pack, Kind::Pack)];
        for (bytes, kind) in files {
            store.put(bytes, kind).map_err(|error| vec![error])?;
        }
        return Ok((made.model, None));
    }
    let derived = derive_judged(manifest, entry, judge, progress)?;
    let measured = measure(entry, &derived, progress)?;
    let (gate, evaluation) = measured.unzip();
    let model = locked(manifest, entry, &derived, gate);
    for (bytes, kind) in
        [(&derived.compressed[..], Kind::Compressed), (&derived.golden, Kind::Golden), (&derived.pack, Kind::Pack)]
    {
        store.put(bytes, kind).map_err(|error| vec![error])?;
    }
    Ok((model, evaluation))
}

/// Runs the gate's suite and refuses a model under its thresholds.
pub(super) fn measure(
    entry: &ModelEntry,
    derived: &Derived,
    progress: Progress<'_>,
) -> Result<Option<(LockedGate, Evaluation)>, Vec<Diagnostic>> {
    let (Some(gate), Some(suite)) = (&entry.gate, &derived.suite) else { return Ok(None) };
    let one = |error: Diagnostic| vec![error];
    let metric = gate::metric(gate, &entry.place, &suite.metrics).map_err(one)?;
    let loaded = &derived.loaded;
    let base = ReferenceEngine::new(&loaded.graph, &loaded.tokenizer, loaded.signature.max_tokens)?;
    let got = PackEngine::new(&derived.pack).map_err(one)?;
    let heard = |done, total| progress(Event::Stage("Evaluating", done, total));
    let evaluation = eval::run(suite, &loaded.signature, &base, &got, &heard)?;
    gate::measures(metric, &evaluation, suite).map_err(one)?;
    let short = gate::shortfalls(gate, metric, &evaluation);
    if !short.is_empty() {
        let samples = &derived.samples[..derived.samples.len().min(LAYER_SAMPLES)];
        let mut layers = error_by_layer(&loaded.graph, &derived.compressed_graph, samples)?;
        layers.sort_by(|a, b| b.own.total_cmp(&a.own));
        let worst: Vec<(String, f64)> = layers.into_iter().take(LAYERS).map(|layer| (layer.name, layer.own)).collect();
        return Err(vec![gate::refusal(&entry.name, &entry.place, &short, &evaluation, &worst)]);
    }
    Ok(Some((gate::locked(gate, metric, suite.digest, &evaluation), evaluation)))
}

/// The lock's entry of a model.
pub(super) fn locked(
    manifest: &Manifest,
    entry: &ModelEntry,
    derived: &Derived,
    gate: Option<LockedGate>,
) -> LockedModel {
    let loaded = &derived.loaded;
    LockedModel {
        name: entry.name.clone(),
        version: entry.version.clone(),
        source: entry.source.clone(),
        origin: entry.origin.as_ref().map(|origin| origin.locked.clone()),
        license: entry.license.clone(),
        package: manifest.package.clone(),
        signature_digest: Digest::of(&loaded.signature.encode()),
        space: derived.space,
        manifest: entry.digest,
        compressed: Digest::of(&derived.compressed),
        golden: Digest::of(&derived.golden),
        absent: loaded.absent.clone(),
        signature: loaded.signature.clone(),
        recipe: derived.recipe.clone(),
        gate,
        packs: vec![LockedPack {
            layout: format!("{LAYOUT_FINGERPRINT:016x}"),
            size: derived.pack.len() as u64,
            digest: Digest::of(&derived.pack),
        }],
        files: locked_files(&loaded.files),
    }
}

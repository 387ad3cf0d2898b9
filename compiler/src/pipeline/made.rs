//! A model with all that is made of it, whatever its task: what `lock` writes, `lock --check` compares and `build` falls back to.

use super::{Judge, Progress, rank, texts};
use crate::diagnostic::Diagnostic;
use crate::eval::Evaluation;
use crate::gate;
use crate::manifest::{GateEntry, Manifest, ModelEntry};
use crate::metrics::Metric;
use crate::store::{Kind, Store};
use crate::suite::Suite;
use modeldeploy_format::lock::{LockedFile, LockedGate, LockedModel, LockedPack};
use modeldeploy_format::pack::{Aligned, LAYOUT_FINGERPRINT};
use modeldeploy_format::{Digest, Signature, Task};
use std::collections::BTreeMap;

/// What was made of a model's folder.
pub(super) struct Made {
    /// Its entry of the lock.
    pub(super) model: LockedModel,
    /// What the store keeps as the compressed model, from which the pack is made again.
    pub(super) compressed: Vec<u8>,
    /// Its golden vectors, rows or requests.
    pub(super) golden: Vec<u8>,
    /// Its pack.
    pub(super) pack: Aligned,
    /// What its suite measured, if it was run.
    pub(super) evaluation: Option<Evaluation>,
}

/// Makes a model from its folder; a ranker against the encoders that are `locked`. `measured`: its gate's suite is run, and a model under
/// it refused.
///
/// # Errors
///
/// Everything that is wrong with its folder, its suite or its recipe.
pub(super) fn make(
    manifest: &Manifest,
    entry: &ModelEntry,
    locked: &[LockedModel],
    judge: Judge<'_>,
    measured: bool,
    progress: Progress<'_>,
) -> Result<Made, Vec<Diagnostic>> {
    match entry.task {
        Task::Rank => rank::make(manifest, entry, locked, judge, measured, progress),
        _ => texts::make(manifest, entry, judge, measured, progress),
    }
}

/// The pack of a locked model, from what the store has of it.
///
/// # Errors
///
/// If the store's files are not this model's.
pub(super) fn again(
    model: &LockedModel,
    compressed: Aligned,
    golden: &[u8],
    progress: Progress<'_>,
) -> Result<Aligned, Vec<Diagnostic>> {
    match model.signature.task {
        Task::Rank => rank::again(model, &compressed, golden),
        _ => texts::again(model, compressed, golden, progress),
    }
}

/// Whether a model would be locked with the recipe that is locked.
pub(super) fn has_recipe(manifest: &Manifest, entry: &ModelEntry, locked: &BTreeMap<String, String>) -> bool {
    match entry.task {
        Task::Rank => rank::has_recipe(entry, locked),
        _ => super::derive::recipe(manifest, entry).is_ok_and(|(settings, _)| settings == *locked),
    }
}

/// What the lock says of a gate that a model has passed. `worst` gives the layers that cost most, where it has not.
///
/// # Errors
///
/// If the suite measures nothing, or the model is under a threshold.
pub(super) fn passed(
    entry: &ModelEntry,
    (gate, metric): (&GateEntry, Metric),
    suite: &Suite,
    evaluation: Evaluation,
    worst: impl FnOnce() -> Result<Vec<(String, f64)>, Vec<Diagnostic>>,
) -> Result<(LockedGate, Evaluation), Vec<Diagnostic>> {
    gate::measures(metric, &evaluation, suite).map_err(|error| vec![error])?;
    let short = gate::shortfalls(gate, metric, &evaluation);
    if !short.is_empty() {
        return Err(vec![gate::refusal(&entry.name, &entry.place, &short, &evaluation, &worst()?)]);
    }
    Ok((gate::locked(gate, metric, suite.digest, &evaluation), evaluation))
}

/// What an entry of the lock says of what was made.
pub(super) struct Locking<'l> {
    pub(super) files: Vec<LockedFile>,
    pub(super) absent: Vec<String>,
    pub(super) signature: Signature,
    pub(super) recipe: BTreeMap<String, String>,
    pub(super) gate: Option<LockedGate>,
    pub(super) space: Digest,
    pub(super) compressed: &'l [u8],
    pub(super) golden: &'l [u8],
    pub(super) pack: &'l [u8],
}

/// The lock's entry of a model.
pub(super) fn locked(manifest: &Manifest, entry: &ModelEntry, made: Locking<'_>) -> LockedModel {
    let Locking { files, absent, signature, recipe, gate, space, compressed, golden, pack } = made;
    LockedModel {
        name: entry.name.clone(),
        version: entry.version.clone(),
        source: entry.source.clone(),
        origin: entry.origin.as_ref().map(|origin| origin.locked.clone()),
        license: entry.license.clone(),
        package: manifest.package.clone(),
        signature_digest: Digest::of(&signature.encode()),
        space,
        manifest: entry.digest,
        compressed: Digest::of(compressed),
        golden: Digest::of(golden),
        absent,
        signature,
        recipe,
        gate,
        packs: vec![LockedPack {
            layout: format!("{LAYOUT_FINGERPRINT:016x}"),
            size: pack.len() as u64,
            digest: Digest::of(pack),
        }],
        files,
    }
}

impl Made {
    /// Puts what it is made again from into the store.
    pub(super) fn put_sources(&self, store: &Store) -> Result<(), Vec<Diagnostic>> {
        for (bytes, kind) in [(&self.compressed, Kind::Compressed), (&self.golden, Kind::Golden)] {
            store.put(bytes, kind).map_err(|error| vec![error])?;
        }
        Ok(())
    }

    /// Puts all of it there.
    pub(super) fn put(&self, store: &Store) -> Result<(), Vec<Diagnostic>> {
        self.put_sources(store)?;
        store.put(&self.pack, Kind::Pack).map(drop).map_err(|error| vec![error])
    }
}

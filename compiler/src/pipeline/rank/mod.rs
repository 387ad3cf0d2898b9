//! A ranker, from its folder to its pack and its entry in the lock. What the store keeps as the compressed model is the pack without golden
//! rows.

mod encoders;
mod network;
mod trees;

pub(super) use encoders::are_as_locked;

use super::derive::{REVISION, REVISION_KEY, locked_files};
use super::made::{Locking, Made, locked, passed};
use super::{Event, Judge, OTHER_BYTES, Progress};
use crate::diagnostic::Diagnostic;
use crate::eval::{self, Evaluation};
use crate::features::{OTHER_SCORES, Served};
use crate::front::{LoadedRanker, LoadedScorer, RankerOptions, load_ranker};
use crate::gate;
use crate::manifest::{Manifest, ModelEntry};
use crate::passes;
use crate::reference::Reference;
use crate::suite::Suite;
use modeldeploy::isa::Isa;
use modeldeploy_format::lock::{LockedGate, LockedModel};
use modeldeploy_format::pack::{Aligned, Scorer};
use modeldeploy_format::{Artifact, Digest};
use std::collections::BTreeMap;

/// How far a score may be from what a file of golden candidates says, of its size: that file has digits, not bits.
const TOLERANCE: f64 = 1e-6;

/// The settings of a ranker's recipe: of trees none but who made it.
fn settings(entry: &ModelEntry, network: bool) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let mut settings = if network { network::recipe(entry)?.0 } else { BTreeMap::new() };
    if network && let Some(batch) = entry.max_batch {
        settings.insert("max-batch".to_owned(), batch.to_string());
    }
    let made_by = [("modeldeploy", env!("CARGO_PKG_VERSION")), (REVISION_KEY, REVISION)];
    settings.extend(made_by.map(|(key, value)| (key.to_owned(), value.to_owned())));
    Ok(settings)
}

/// Whether a ranker would be locked with this recipe, be it trees or a network: its files say which it is.
pub(super) fn has_recipe(entry: &ModelEntry, locked: &BTreeMap<String, String>) -> bool {
    let is = |network| settings(entry, network).is_ok_and(|settings| settings == *locked);
    is(true) || (entry.quantize.is_empty() && is(false))
}

/// A ranker before it is locked.
pub(super) struct Derived {
    loaded: LoadedRanker,
    /// The pack without golden rows.
    compressed: Aligned,
    golden: Vec<u8>,
    /// The pack.
    pub(super) pack: Aligned,
}

/// Makes a ranker's packs, against the encoders that are `locked`.
pub(super) fn derive(
    manifest: &Manifest,
    entry: &ModelEntry,
    locked: &[LockedModel],
    judge: Judge<'_>,
    progress: Progress<'_>,
) -> Result<Derived, Vec<Diagnostic>> {
    progress(Event::Stage("Loading", 0, 0));
    let options = RankerOptions { max_items: entry.max_tokens, max_batch: entry.max_batch };
    let loaded = load_ranker(&manifest.folder(entry).map_err(|error| vec![error])?, options)?;
    let mut loaded = encoders::in_spaces(loaded, locked)?;
    judge(manifest, entry, &locked_files(&loaded.files))?;
    if let LoadedScorer::Network(graph, _) = &mut loaded.scorer {
        passes::run(graph);
    }
    progress(Event::Stage("Packing", 0, 0));
    let (compressed, golden, pack) = match &loaded.scorer {
        LoadedScorer::Trees(ensemble, expected) => {
            let no = |key: &str, help: &str| {
                let message = format!("trees are packed as they are: they have no `{key}`");
                Err(vec![Diagnostic::new(crate::manifest::ENTRY, message).at(&entry.place).help(help)])
            };
            if !entry.quantize.is_empty() {
                let help = "take the line away; what the pack gives is held against `golden.tsv` in the folder";
                return no("quantize", help);
            }
            if entry.max_batch.is_some() {
                return no("max-batch", "take the line away; it bounds what networks score together");
            }
            trees::packs(&loaded, ensemble, expected, entry)?
        }
        LoadedScorer::Network(graph, served) => network::packs(&loaded, graph, served, entry, progress)?,
    };
    Ok(Derived { loaded, compressed, golden, pack })
}

/// As [`make`](super::made::make), of a ranker.
pub(super) fn make(
    manifest: &Manifest,
    entry: &ModelEntry,
    encoders: &[LockedModel],
    judge: Judge<'_>,
    measured: bool,
    progress: Progress<'_>,
) -> Result<Made, Vec<Diagnostic>> {
    let derived = derive(manifest, entry, encoders, judge, progress)?;
    let (gate, evaluation) = if measured { gated(manifest, entry, &derived, progress)? } else { None }.unzip();
    let Derived { loaded, compressed, golden, pack } = derived;
    let model = locked(
        manifest,
        entry,
        Locking {
            files: locked_files(&loaded.files),
            absent: loaded.absent,
            signature: loaded.signature,
            recipe: settings(entry, matches!(loaded.scorer, LoadedScorer::Network(..)))?,
            gate,
            space: Digest::of(&[b"rank 1\n", &compressed[..]].concat()),
            compressed: &compressed,
            golden: &golden,
            pack: &pack,
        },
    );
    Ok(Made { model, compressed: compressed.to_vec(), golden, pack, evaluation })
}

/// Runs the gate's suite and refuses a ranker under its thresholds.
fn gated(
    manifest: &Manifest,
    entry: &ModelEntry,
    derived: &Derived,
    progress: Progress<'_>,
) -> Result<Option<(LockedGate, Evaluation)>, Vec<Diagnostic>> {
    let Some(gate) = &entry.gate else { return Ok(None) };
    let one = |error: Diagnostic| vec![error];
    let suite = Suite::read(&manifest.resolve(&gate.suite))?;
    let metric = gate::metric(gate, &entry.place, &suite.metrics).map_err(one)?;
    let evaluation = measure(&suite, derived, progress)?;
    passed(entry, (gate, metric), &suite, evaluation, || Ok(vec![])).map(Some)
}

/// Runs a suite on a ranker's reference and on its pack.
pub(super) fn measure(suite: &Suite, derived: &Derived, progress: Progress<'_>) -> Result<Evaluation, Vec<Diagnostic>> {
    let heard = |done, total| progress(Event::Stage("Evaluating", done, total));
    let (features, pack) = (&derived.loaded.features, &derived.pack);
    match &derived.loaded.scorer {
        LoadedScorer::Trees(ensemble, _) => {
            let engine = trees::engine(pack)?;
            let base = |request: &Served| trees::reference(ensemble, features, request);
            let got = |request: &Served| trees::scores(&engine, features, request);
            eval::run_requests(suite, features, &base, &got, &heard)
        }
        LoadedScorer::Network(graph, _) => {
            let (reference, engine) = (Reference::new(graph)?, network::engine(pack, Isa::detect())?);
            let most = derived.loaded.signature.max_tokens as usize;
            let base = |request: &Served| network::reference(&reference, features, most, request);
            let got = |request: &Served| network::scores(&engine, features, request);
            eval::run_requests(suite, features, &base, &got, &heard)
        }
    }
}

/// The pack from what the store has of it.
pub(super) fn again(model: &LockedModel, compressed: &Aligned, golden: &[u8]) -> Result<Aligned, Vec<Diagnostic>> {
    let wrong = |why: String| {
        let place = format!("the store's compressed {}", model.name);
        vec![Diagnostic::new(OTHER_BYTES, why).at(place).help("`cargo modeldeploy lock` makes it again")]
    };
    let artifact = Artifact::parse(compressed).map_err(|error| wrong(error.to_string()))?;
    let ranker = artifact.ranker().ok_or_else(|| wrong("it is no ranker".to_owned()))?;
    match ranker.scorer {
        Scorer::Forest(_) => trees::again(&artifact, &ranker.features, golden).map_err(wrong),
        Scorer::Network => network::again(&artifact, &ranker.features, golden).map_err(wrong),
    }
}

/// Whether a score is further off than a share of its size and the least that counts. Of scores that are no numbers, both must be none.
fn is_off(got: f64, expected: f64, tolerance: f64, least: f64) -> bool {
    let off = (got - expected).abs();
    let same = got == expected || (got.is_nan() && expected.is_nan());
    !same && (off.is_nan() || off > tolerance * expected.abs() + least)
}

/// The error for a candidate that gets other scores than its maker says.
fn other_scores(place: &str, got: &[f64], said: &[f64]) -> Diagnostic {
    let message = format!("the candidate gets {got:?}, and had {said:?} where the model was trained");
    let help = "make features.toml say what training did to its data, or make the file anew from this model";
    Diagnostic::new(OTHER_SCORES, message).at(place).help(help)
}

/// A value of a suite that its feature does not take.
fn refused(request: &Served, error: impl ToString, code: crate::diagnostic::Code) -> Diagnostic {
    Diagnostic::new(code, error.to_string())
        .at(&request.place)
        .help("`features.toml` says which values a feature takes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_score_must_be_as_near_as_a_large_one() {
        let is_off = |got, expected| super::is_off(got, expected, TOLERANCE, 1e-12);
        for size in [1e-8, 1e-3, 1.0, 1e6] {
            assert!(!is_off(size * 1.000_000_5, size) && is_off(size * 1.001, size) && is_off(size, -size), "{size}");
        }
        assert!(!is_off(1e-13, 0.0) && !is_off(f64::NAN, f64::NAN) && is_off(f64::NAN, 0.0) && is_off(0.0, f64::NAN));
        assert!(!is_off(f64::INFINITY, f64::INFINITY) && is_off(f64::INFINITY, 1.0));
    }
}

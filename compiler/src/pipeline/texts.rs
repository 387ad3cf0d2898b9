//! A model that reads texts: derived, measured, and made again from what the store has.

use super::derive::{Derived, derive_judged, locked_files};
use super::engines::{PackEngine, ReferenceEngine};
use super::made::{Locking, Made, locked, passed};
use super::{Event, Judge, OTHER_BYTES, Progress};
use crate::compress::error_by_layer;
use crate::compressed;
use crate::diagnostic::Diagnostic;
use crate::emit::pack;
use crate::eval::{self, Evaluation};
use crate::gate;
use crate::manifest::{Manifest, ModelEntry};
use modeldeploy_format::golden;
use modeldeploy_format::lock::{LockedGate, LockedModel};
use modeldeploy_format::pack::Aligned;
use std::sync::Arc;

/// How many layers a refusal names.
const LAYERS: usize = 6;

/// Texts that the error of layers is measured with.
const LAYER_SAMPLES: usize = 16;

pub(super) fn make(
    manifest: &Manifest,
    entry: &ModelEntry,
    judge: Judge<'_>,
    measured: bool,
    progress: Progress<'_>,
) -> Result<Made, Vec<Diagnostic>> {
    let derived = derive_judged(manifest, entry, judge, progress)?;
    let measured = if measured { measure(entry, &derived, progress)? } else { None };
    let (gate, evaluation) = measured.unzip();
    let Derived { loaded, recipe, compressed, golden, pack, space, .. } = derived;
    let model = locked(
        manifest,
        entry,
        Locking {
            files: locked_files(&loaded.files),
            absent: loaded.absent,
            signature: loaded.signature,
            recipe,
            gate,
            space,
            compressed: &compressed,
            golden: &golden,
            pack: &pack,
        },
    );
    Ok(Made { model, compressed, golden, pack, evaluation })
}

/// Runs the gate's suite and refuses a model under its thresholds.
fn measure(
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
    let worst = || {
        let samples = &derived.samples[..derived.samples.len().min(LAYER_SAMPLES)];
        let mut layers = error_by_layer(&loaded.graph, &derived.compressed_graph, samples)?;
        layers.sort_by(|a, b| b.own.total_cmp(&a.own));
        Ok(layers.into_iter().take(LAYERS).map(|layer| (layer.name, layer.own)).collect())
    };
    passed(entry, (gate, metric), suite, evaluation, worst).map(Some)
}

pub(super) fn again(
    model: &LockedModel,
    compressed: Aligned,
    golden: &[u8],
    progress: Progress<'_>,
) -> Result<Aligned, Vec<Diagnostic>> {
    progress(Event::Stage("Packing", 0, 0));
    let place = format!("the store's compressed {}", model.name);
    let file = compressed.to_vec();
    let compressed = compressed::read(Arc::new(file), &place).map_err(|error| vec![error])?;
    let goldens = golden::decode(golden, model.signature.outputs as usize).map_err(|why| {
        vec![Diagnostic::new(OTHER_BYTES, why).at(place).help("`cargo modeldeploy lock` makes them again")]
    })?;
    pack(&compressed, goldens)
}

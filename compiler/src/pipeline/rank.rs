//! A ranker, from its folder to its pack and its entry in the lock. Nothing is compressed and no suite is run: what decides is that
//! the pack's own kernel gives what the plain evaluator gives, to the bit, and what the model's maker says in `golden.tsv`.

use super::derive::{REVISION, REVISION_KEY};
use super::{Event, Judge, OTHER_BYTES, Progress};
use crate::diagnostic::Diagnostic;
use crate::front::{LoadedRanker, load_ranker};
use crate::manifest::{Manifest, ModelEntry};
use crate::trees::{self, Ensemble, Link, probes};
use modeldeploy::isa::Isa;
use modeldeploy::rank::Engine;
use modeldeploy_format::golden::rows::{self, GoldenRow};
use modeldeploy_format::lock::{LockedFile, LockedModel, LockedPack};
use modeldeploy_format::pack::{Aligned, LAYOUT_FINGERPRINT, RankContents, write_ranker};
use modeldeploy_format::{Artifact, Digest};
use std::collections::BTreeMap;

/// How far a score may be from what `golden.tsv` says, of its size or of 1: that file has digits, not bits.
const TOLERANCE: f64 = 1e-6;

/// How far the function of an objective may be from the system's, of its size or of 1.
const LINK: f64 = 1e-6;

/// Rows that are probed, and of these how many stay in the pack.
const PROBES: usize = 256;
const GOLDENS: usize = 16;

/// A ranker with all that is made of it.
pub(super) struct DerivedRanker {
    pub(super) model: LockedModel,
    /// The pack without golden rows: what the store keeps as the compressed model.
    pub(super) compressed: Aligned,
    pub(super) golden: Vec<u8>,
    pub(super) pack: Aligned,
}

/// The settings of a ranker's recipe.
pub(super) fn settings() -> BTreeMap<String, String> {
    let made_by = [("modeldeploy", env!("CARGO_PKG_VERSION")), (REVISION_KEY, REVISION)];
    made_by.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Makes a ranker's pack and its entry of the lock.
pub(super) fn derive(
    manifest: &Manifest,
    entry: &ModelEntry,
    judge: Judge<'_>,
    progress: Progress<'_>,
) -> Result<DerivedRanker, Vec<Diagnostic>> {
    progress(Event::Stage("Loading", 0, 0));
    let loaded = load_ranker(&manifest.folder(entry).map_err(|error| vec![error])?)?;
    let files: Vec<LockedFile> = loaded
        .files
        .iter()
        .map(|file| LockedFile { path: file.path.clone(), size: file.size, digest: file.digest })
        .collect();
    judge(manifest, entry, &files)?;
    progress(Event::Stage("Packing", 0, 0));
    let forest = trees::pack(&loaded.ensemble, &entry.place)?;
    let write = |goldens: &[GoldenRow]| {
        let LoadedRanker { signature, features, .. } = &loaded;
        let pack = write_ranker(&RankContents { signature, forest: &forest, features, goldens });
        pack.map_err(|error| vec![Diagnostic::new(OTHER_BYTES, error.to_string()).at(&entry.place)])
    };
    let compressed = write(&[])?;
    let goldens = prove(&loaded, &compressed, entry)?;
    let golden = rows::encode(&goldens);
    let pack = write(&goldens)?;
    let signature = loaded.signature;
    let model = LockedModel {
        name: entry.name.clone(),
        version: entry.version.clone(),
        source: entry.source.clone(),
        origin: entry.origin.as_ref().map(|origin| origin.locked.clone()),
        license: entry.license.clone(),
        package: manifest.package.clone(),
        signature_digest: Digest::of(&signature.encode()),
        space: Digest::of(&[b"rank 1\n", &compressed[..]].concat()),
        manifest: entry.digest,
        compressed: Digest::of(&compressed),
        golden: Digest::of(&golden),
        absent: loaded.absent,
        signature,
        recipe: settings(),
        gate: None,
        packs: vec![LockedPack {
            layout: format!("{LAYOUT_FINGERPRINT:016x}"),
            size: pack.len() as u64,
            digest: Digest::of(&pack),
        }],
        files,
    };
    Ok(DerivedRanker { model, compressed, golden, pack })
}

/// The pack from what the store has of it.
pub(super) fn repack(model: &LockedModel, compressed: &Aligned, golden: &[u8]) -> Result<Aligned, Vec<Diagnostic>> {
    let wrong = |why: String| {
        let place = format!("the store's compressed {}", model.name);
        vec![Diagnostic::new(OTHER_BYTES, why).at(place).help("`cargo modeldeploy lock` makes it again")]
    };
    let artifact = Artifact::parse(compressed).map_err(|error| wrong(error.to_string()))?;
    let ranker = artifact.ranker().ok_or_else(|| wrong("it is no ranker".to_owned()))?;
    let signature = artifact.signature();
    let goldens = rows::decode(golden, signature.features.len(), signature.outputs as usize).map_err(wrong)?;
    let forest = artifact.bytes(modeldeploy_format::program::TensorId(0));
    let contents = RankContents { signature, forest, features: &ranker.features, goldens: &goldens };
    write_ranker(&contents).map_err(|error| wrong(error.to_string()))
}

/// Holds the packed trees against the plain evaluator, on every instruction set that there is, and against `golden.tsv`. Gives rows to
/// remember.
fn prove(loaded: &LoadedRanker, pack: &Aligned, entry: &ModelEntry) -> Result<Vec<GoldenRow>, Vec<Diagnostic>> {
    let failed = |why: String| {
        let help = "please report it with the model's file";
        vec![Diagnostic::new(trees::codes::NO_PARITY, why).at(&entry.place).help(help)]
    };
    let mut rows = probes(&loaded.ensemble, PROBES);
    rows.extend(loaded.expected.iter().map(|expected| expected.row.clone()));
    let (all, outputs) = (rows.concat(), loaded.ensemble.outputs());
    let sums = Ensemble { link: Link::Identity, ..loaded.ensemble.clone() };
    let forest = trees::pack(&sums, &entry.place)?;
    let LoadedRanker { signature, features, .. } = loaded;
    let of_sums = write_ranker(&RankContents { signature, forest: &forest, features, goldens: &[] });
    let of_sums = of_sums.map_err(|error| failed(error.to_string()))?;
    let mut scores = vec![0.0; rows.len() * outputs];
    for isa in Isa::available() {
        let engine = |pack| Engine::with_isa("the pack", pack, isa).map_err(|error| failed(error.to_string()));
        engine(&of_sums)?.run_numbers(&all, &mut scores).map_err(|error| failed(error.to_string()))?;
        for (row, got) in rows.iter().zip(scores.chunks(outputs)) {
            let expected = sums.raw(row);
            if got.iter().zip(&expected).any(|(got, expected)| got.to_bits() != expected.to_bits()) {
                return Err(failed(format!(
                    "the packed trees give {got:?} on {isa}, and the model {expected:?}: {row:?}"
                )));
            }
        }
        engine(pack)?.run_numbers(&all, &mut scores).map_err(|error| failed(error.to_string()))?;
    }
    for (row, got) in rows.iter().zip(scores.chunks(outputs)) {
        let expected = loaded.ensemble.predict(row);
        if got.iter().zip(&expected).any(|(&got, &expected)| is_off(got, expected, LINK)) {
            return Err(failed(format!("the pack predicts {got:?}, and the model {expected:?}: {row:?}")));
        }
    }
    let said = scores.chunks(outputs).skip(PROBES).zip(&loaded.expected);
    let wrong = said.filter(|(got, expected)| got.iter().zip(&expected.scores).any(|(&a, &b)| is_off(a, b, TOLERANCE)));
    let errors: Vec<Diagnostic> = wrong
        .map(|(got, expected)| {
            let message =
                format!("the candidate gets {got:?}, and had {:?} where the model was trained", expected.scores);
            let help = "make features.toml say what training did to its data, or make the file anew from this model";
            Diagnostic::new(trees::codes::OTHER_SCORES, message).at(&expected.place).help(help)
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let goldens = rows.iter().zip(scores.chunks(outputs)).take(GOLDENS);
    Ok(goldens.map(|(row, scores)| GoldenRow { row: row.clone(), scores: scores.to_vec() }).collect())
}

fn is_off(got: f64, expected: f64, tolerance: f64) -> bool {
    let off = (got - expected).abs();
    got != expected && (off.is_nan() || off > tolerance * expected.abs().max(1.0))
}

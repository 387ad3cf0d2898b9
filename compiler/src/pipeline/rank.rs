//! A ranker, from its folder to its pack and its entry in the lock. Nothing is compressed and no suite is run: what decides is that
//! the pack's own kernel gives what the plain evaluator gives, to the bit, and what the model's maker says in `golden.tsv`.

use super::derive::{REVISION, REVISION_KEY, locked_files};
use super::{Event, Judge, OTHER_BYTES, Progress};
use crate::diagnostic::Diagnostic;
use crate::features;
use crate::front::{LoadedRanker, load_ranker};
use crate::manifest::{Manifest, ModelEntry};
use crate::trees::{self, Ensemble, Link, probes};
use modeldeploy::isa::Isa;
use modeldeploy::rank::Engine;
use modeldeploy_format::golden::rows::{self, GoldenRow};
use modeldeploy_format::lock::{LockedModel, LockedPack};
use modeldeploy_format::pack::{Aligned, LAYOUT_FINGERPRINT, RankContents, write_ranker};
use modeldeploy_format::{Artifact, Digest};
use std::collections::BTreeMap;

/// How far a score may be from what `golden.tsv` says, of its size: that file has digits, not bits.
const TOLERANCE: f64 = 1e-6;

/// How far the function of an objective may be from the system's, of its size.
const LINK: f64 = 1e-6;

/// How far any score may be off beside that: one so small is nothing.
const LEAST: f64 = 1e-12;

/// The same where f32 products are added, in whichever order: what is left of a sum that comes near to 0.
const LEAST_OF_LINEAR: f64 = 1e-7;

/// Rows that are probed, and of these how many stay in the pack: fewer where all their values would be more than a bound, whatever
/// number of features a small file claims to have.
const PROBES: usize = 256;
const PROBED_VALUES: usize = 1 << 22;
const GOLDENS: usize = 16;
const GOLDEN_VALUES: usize = 1 << 18;

/// How many of `most` rows with so many values are within `values` together; at least one.
fn rows_within(most: usize, values: usize, ensemble: &Ensemble) -> usize {
    (values / (ensemble.features.len() + ensemble.outputs())).clamp(1, most)
}

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
    let files = locked_files(&loaded.files);
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
    let probed = rows_within(PROBES, PROBED_VALUES, &loaded.ensemble);
    let mut rows = probes(&loaded.ensemble, probed);
    rows.extend(loaded.expected.iter().map(|expected| expected.row.clone()));
    let (all, outputs) = (rows.concat(), loaded.ensemble.outputs());
    let sums = Ensemble { link: Link::Identity, ..loaded.ensemble.clone() };
    let forest = trees::pack(&sums, &entry.place)?;
    let LoadedRanker { signature, features, .. } = loaded;
    let of_sums = write_ranker(&RankContents { signature, forest: &forest, features, goldens: &[] });
    let of_sums = of_sums.map_err(|error| failed(error.to_string()))?;
    let mut scores = vec![0.0; rows.len() * outputs];
    let mut predicted = None;
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
        let bits: Vec<u64> = scores.iter().map(|score| score.to_bits()).collect();
        if *predicted.get_or_insert_with(|| bits.clone()) != bits {
            return Err(failed(format!("the pack predicts otherwise on {isa} than on another instruction set")));
        }
    }
    for (row, got) in rows.iter().zip(scores.chunks(outputs)) {
        let expected = loaded.ensemble.predict(row);
        if got.iter().zip(&expected).any(|(&got, &expected)| is_off(got, expected, LINK, LEAST)) {
            return Err(failed(format!("the pack predicts {got:?}, and the model {expected:?}: {row:?}")));
        }
    }
    let least = if loaded.ensemble.linear.is_empty() { LEAST } else { LEAST_OF_LINEAR };
    let is_wrong = |(&got, &expected): (&f64, &f64)| is_off(got, expected, TOLERANCE, least);
    let said = scores.chunks(outputs).skip(probed).zip(&loaded.expected);
    let wrong = said.filter(|(got, expected)| got.iter().zip(&expected.scores).any(is_wrong));
    let errors: Vec<Diagnostic> = wrong
        .map(|(got, expected)| {
            let message =
                format!("the candidate gets {got:?}, and had {:?} where the model was trained", expected.scores);
            let help = "make features.toml say what training did to its data, or make the file anew from this model";
            Diagnostic::new(features::OTHER_SCORES, message).at(&expected.place).help(help)
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let goldens = rows.iter().zip(scores.chunks(outputs)).take(rows_within(GOLDENS, GOLDEN_VALUES, &loaded.ensemble));
    Ok(goldens.map(|(row, scores)| GoldenRow { row: row.clone(), scores: scores.to_vec() }).collect())
}

/// Whether a score is further off than a share of its size and the least that counts. Of scores that are no numbers, both must be none.
fn is_off(got: f64, expected: f64, tolerance: f64, least: f64) -> bool {
    let off = (got - expected).abs();
    let same = got == expected || (got.is_nan() && expected.is_nan());
    !same && (off.is_nan() || off > tolerance * expected.abs() + least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_score_must_be_as_near_as_a_large_one() {
        let is_off = |got, expected| super::is_off(got, expected, TOLERANCE, LEAST);
        for size in [1e-8, 1e-3, 1.0, 1e6] {
            assert!(!is_off(size * 1.000_000_5, size) && is_off(size * 1.001, size) && is_off(size, -size), "{size}");
        }
        assert!(!is_off(1e-13, 0.0) && !is_off(f64::NAN, f64::NAN) && is_off(f64::NAN, 0.0) && is_off(0.0, f64::NAN));
        assert!(!is_off(f64::INFINITY, f64::INFINITY) && is_off(f64::INFINITY, 1.0));
    }

    #[test]
    fn a_small_file_that_claims_many_features_is_probed_with_few_rows() {
        let tree = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\nobjective=regression\n\
                    feature_names=a b\n\nTree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=1\n\nend of trees\n";
        let mut ensemble = trees::read("model.txt", tree.as_bytes()).expect("a tree");
        assert_eq!(rows_within(PROBES, PROBED_VALUES, &ensemble), PROBES);
        ensemble.features = vec![String::new(); trees::MAX_FEATURES];
        assert!(rows_within(PROBES, PROBED_VALUES, &ensemble) < 4);
        assert_eq!(rows_within(GOLDENS, GOLDEN_VALUES, &ensemble), 1);
    }
}

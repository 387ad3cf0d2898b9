//! Trees: nothing is compressed. What decides is that the pack's own kernel gives what the plain evaluator gives, to the bit, and what the
//! model's maker says of some candidates.

use super::{TOLERANCE, is_off, other_scores, refused};
use crate::diagnostic::Diagnostic;
use crate::eval::FAILED;
use crate::features::{Expected, Served};
use crate::front::LoadedRanker;
use crate::manifest::ModelEntry;
use crate::pipeline::OTHER_BYTES;
use crate::trees::{self, Ensemble, Link, probes};
use modeldeploy::isa::Isa;
use modeldeploy::rank::Engine;
use modeldeploy_format::Artifact;
use modeldeploy_format::features::Features;
use modeldeploy_format::golden::rows::{self, GoldenRow};
use modeldeploy_format::pack::{Aligned, RankContents, write_ranker};
use modeldeploy_format::program::TensorId;

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

/// The pack without golden rows, these, and the pack.
pub(super) fn packs(
    loaded: &LoadedRanker,
    ensemble: &Ensemble,
    expected: &[Expected],
    entry: &ModelEntry,
) -> Result<(Aligned, Vec<u8>, Aligned), Vec<Diagnostic>> {
    let forest = trees::pack(ensemble, &entry.place)?;
    let write = |goldens: &[GoldenRow]| {
        let LoadedRanker { signature, features, .. } = &loaded;
        let pack = write_ranker(&RankContents { signature, forest: &forest, features, goldens });
        pack.map_err(|error| vec![Diagnostic::new(OTHER_BYTES, error.to_string()).at(&entry.place)])
    };
    let compressed = write(&[])?;
    let goldens = prove(loaded, (ensemble, expected), &compressed, entry)?;
    let pack = write(&goldens)?;
    Ok((compressed, rows::encode(&goldens), pack))
}

/// The pack from the one without golden rows.
pub(super) fn again(artifact: &Artifact<'_>, features: &Features, golden: &[u8]) -> Result<Aligned, String> {
    let signature = artifact.signature();
    let goldens = rows::decode(golden, features.width(), signature.outputs as usize)?;
    let forest = artifact.bytes(TensorId(0));
    let contents = RankContents { signature, forest, features, goldens: &goldens };
    write_ranker(&contents).map_err(|error| error.to_string())
}

/// The engine of a pack.
pub(super) fn engine(pack: &Aligned) -> Result<Engine<'_>, Vec<Diagnostic>> {
    Engine::with_isa("the pack", pack, Isa::detect()).map_err(|error| vec![Diagnostic::new(FAILED, error.to_string())])
}

/// The first score of each candidate of a request, by a plain walk of the trees.
pub(super) fn reference(ensemble: &Ensemble, features: &Features, request: &Served) -> Result<Vec<f64>, Diagnostic> {
    let rows = request.rows(features).map_err(|error| refused(request, error, FAILED))?;
    Ok(rows.iter().map(|row| ensemble.predict(row)[0]).collect())
}

/// The same by a pack.
pub(super) fn scores(engine: &Engine<'_>, features: &Features, request: &Served) -> Result<Vec<f64>, Diagnostic> {
    let rows = request.rows(features).map_err(|error| refused(request, error, FAILED))?;
    let outputs = engine.signature().outputs as usize;
    let mut scores = vec![0.0; rows.len() * outputs];
    engine.run_numbers(&rows.concat(), &mut scores).map_err(|error| refused(request, error, FAILED))?;
    Ok(scores.chunks(outputs).map(|scores| scores[0]).collect())
}

/// Holds the packed trees against the plain evaluator, on every instruction set that there is, and against `golden.tsv`. Gives rows to
/// remember.
fn prove(
    loaded: &LoadedRanker,
    (ensemble, expected): (&Ensemble, &[Expected]),
    pack: &Aligned,
    entry: &ModelEntry,
) -> Result<Vec<GoldenRow>, Vec<Diagnostic>> {
    let failed = |why: String| {
        let help = "please report it with the model's file";
        vec![Diagnostic::new(trees::codes::NO_PARITY, why).at(&entry.place).help(help)]
    };
    let probed = rows_within(PROBES, PROBED_VALUES, ensemble);
    let mut rows = probes(ensemble, probed);
    rows.extend(expected.iter().map(|expected| expected.row.clone()));
    let (all, outputs) = (rows.concat(), ensemble.outputs());
    let sums = Ensemble { link: Link::Identity, ..ensemble.clone() };
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
        let expected = ensemble.predict(row);
        if got.iter().zip(&expected).any(|(&got, &expected)| is_off(got, expected, LINK, LEAST)) {
            return Err(failed(format!("the pack predicts {got:?}, and the model {expected:?}: {row:?}")));
        }
    }
    let least = if ensemble.linear.is_empty() { LEAST } else { LEAST_OF_LINEAR };
    let is_wrong = |(&got, &expected): (&f64, &f64)| is_off(got, expected, TOLERANCE, least);
    let said = scores.chunks(outputs).skip(probed).zip(expected);
    let wrong = said.filter(|(got, expected)| got.iter().zip(&expected.scores).any(is_wrong));
    let errors: Vec<Diagnostic> =
        wrong.map(|(got, expected)| other_scores(&expected.place, got, &expected.scores)).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let goldens = rows.iter().zip(scores.chunks(outputs)).take(rows_within(GOLDENS, GOLDEN_VALUES, ensemble));
    Ok(goldens.map(|(row, scores)| GoldenRow { row: row.clone(), scores: scores.to_vec() }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

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

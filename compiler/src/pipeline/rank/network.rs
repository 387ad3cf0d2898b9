//! A ranker's network: passes, compression, packs. What decides is that the pack without compression gives what the reference gives, and
//! what the model's maker says; that the pack gives the same bits on every instruction set; and the gate.

use super::{is_off, other_scores, refused};
use crate::compress::{Recipe, Smoothing, compress, quantize_settings};
use crate::diagnostic::Diagnostic;
use crate::emit;
use crate::eval::FAILED;
use crate::features::{NetworkRows, Served};
use crate::front::LoadedRanker;
use crate::graph::Graph;
use crate::manifest::ModelEntry;
use crate::ops::Request;
use crate::pipeline::{Event, Progress};
use crate::reference::Reference;
use crate::trees::codes::NO_PARITY;
use modeldeploy::isa::Isa;
use modeldeploy::rank::Engine;
use modeldeploy_format::Artifact;
use modeldeploy_format::features::{Features, Takes};
use modeldeploy_format::golden::requests::{self, GivenRows, GoldenRequest};
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::program::{Columns, Rows};
use std::collections::BTreeMap;

/// How far a score may be from the reference's, of its size and beside it: sums in f32 have another order there.
const TOLERANCE: f64 = 1e-4;
const LEAST: f64 = 1e-4;

/// How far from what the maker says, whose sums have yet another order.
const SAID: f64 = 1e-3;

/// Requests that are probed, and of these and of the maker's how many stay in the pack.
const PROBES: usize = 24;
const GOLDENS: usize = 8;

/// Candidates of a probe.
const CANDIDATES: usize = 9;

/// The recipe of a network: int8 where the manifest says nothing.
pub(super) fn recipe(entry: &ModelEntry) -> Result<(BTreeMap<String, String>, Recipe), Vec<Diagnostic>> {
    let usual = vec![("default".to_owned(), "int8".to_owned())];
    let parts = if entry.quantize.is_empty() { &usual } else { &entry.quantize };
    let mut recipe = Recipe::read(&quantize_settings(parts), &entry.place)?;
    // What smoothing is fitted to, texts, is not what a network reads.
    recipe.smoothing = Smoothing::Off;
    Ok((recipe.settings(), recipe))
}

/// The pack without golden requests, these, and the pack.
pub(super) fn packs(
    loaded: &LoadedRanker,
    graph: &Graph,
    served: &[Served],
    entry: &ModelEntry,
    progress: Progress<'_>,
) -> Result<(Aligned, Vec<u8>, Aligned), Vec<Diagnostic>> {
    let LoadedRanker { signature, features, .. } = loaded;
    let (_, recipe) = recipe(entry)?;
    let small = compress(graph, &recipe, &[], &mut |step| {
        progress(Event::Stage("Quantizing", step.done, step.total));
    })?;
    let exact = emit::network(graph, signature, features, &[])?;
    let compressed = emit::network(&small, signature, features, &[])?;
    let most = signature.max_tokens as usize;
    let mut rows: Vec<NetworkRows> = vec![];
    for request in served {
        rows.push(request.split(features, most).map_err(|error| vec![refused(request, error, FAILED)])?);
    }
    let probed = (0..PROBES).map(|at| probe(features, most, at));
    let asked: Vec<GoldenRequest> = rows.iter().cloned().chain(probed).map(|rows| golden(rows, features)).collect();
    prove(graph, &exact, &asked, entry)?;
    said(&exact, served, &asked)?;
    let goldens = remember(&compressed, &asked, entry)?;
    let pack = emit::network(&small, signature, features, &goldens)?;
    Ok((compressed, requests::encode(&goldens, &features.given()), pack))
}

/// The pack from the one without golden requests.
pub(super) fn again(artifact: &Artifact<'_>, features: &Features, golden: &[u8]) -> Result<Aligned, String> {
    let goldens = requests::decode(golden, &features.given(), artifact.signature().outputs as usize)?;
    emit::with_requests(artifact, features, &goldens).map_err(|error| error.to_string())
}

/// The first score of each candidate of a request, by the reference.
pub(super) fn reference(
    reference: &Reference,
    features: &Features,
    most: usize,
    request: &Served,
) -> Result<Vec<f64>, Diagnostic> {
    let rows = request.split(features, most).map_err(|error| refused(request, error, FAILED))?;
    let count = request.candidates();
    let scores = reference.score(asked(&golden(rows, features), features))?;
    let outputs = scores.len() / count;
    Ok(scores.chunks(outputs).map(|scores| f64::from(scores[0])).collect())
}

/// The same by a pack.
pub(super) fn scores(engine: &Engine<'_>, features: &Features, request: &Served) -> Result<Vec<f64>, Diagnostic> {
    let signature = engine.signature();
    let (most, outputs) = (signature.max_tokens as usize, signature.outputs as usize);
    let rows = request.split(features, most).map_err(|error| refused(request, error, FAILED))?;
    let mut all = Vec::with_capacity(request.candidates());
    for part in parts(&golden(rows, features), features) {
        let mut keep = |scores: &[f32]| all.extend(scores.chunks(outputs).map(|scores| f64::from(scores[0])));
        engine.run_request(&part, &mut keep).map_err(|error| refused(request, error, FAILED))?;
    }
    Ok(all)
}

/// A request that is not scored yet.
fn golden(rows: NetworkRows, features: &Features) -> GoldenRequest {
    let NetworkRows { session, user, candidates } = rows;
    let count = candidates.count(features.given().candidate);
    GoldenRequest { session, user, candidates, scores: vec![0.0; count] }
}

/// A request in parts of as many candidates as are scored together.
fn parts(request: &GoldenRequest, features: &Features) -> Vec<GoldenRequest> {
    let Columns { numbers, ids } = features.given().candidate;
    let all = request.candidates.count(features.given().candidate);
    let some = |from: usize, to: usize| GoldenRequest {
        candidates: GivenRows {
            numbers: request.candidates.numbers[from * numbers as usize..to * numbers as usize].to_vec(),
            ids: request.candidates.ids[from * ids as usize..to * ids as usize].to_vec(),
        },
        scores: vec![0.0; to - from],
        ..request.clone()
    };
    let together = features.together();
    (0..all).step_by(together).map(|from| some(from, all.min(from + together))).collect()
}

/// A request as the reference takes it.
fn asked<'r>(request: &'r GoldenRequest, features: &Features) -> Request<'r> {
    let given = features.given();
    Request {
        session: &request.session,
        items: request.session.count(given.session),
        user: &request.user,
        candidates: &request.candidates,
        count: request.candidates.count(given.candidate),
    }
}

/// A request of numbers and ids as they may come, the same for the same `at` on every machine.
fn probe(features: &Features, most: usize, at: usize) -> NetworkRows {
    // Marsaglia 2003, xorshift.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (at as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    };
    let mut rows = |kind: Rows, count: usize| {
        let mut rows = GivenRows::default();
        for _ in 0..count {
            for feature in features.list().iter().filter(|feature| feature.rows() == kind) {
                match feature.takes {
                    // From -2 to 2, in steps of 1/64.
                    Takes::Number => {
                        let number = || (next() % 257) as f32 / 64.0 - 2.0;
                        rows.numbers.extend(std::iter::repeat_with(number).take(feature.rule.width() as usize));
                    }
                    Takes::Id => rows.ids.push((next() % feature.rule.below().unwrap_or(1).max(1)) as u32),
                }
            }
        }
        rows
    };
    let items = features.items([1, most, 2, 7.min(most), 3][at % 5], most);
    NetworkRows {
        session: rows(Rows::Tokens, items),
        user: rows(Rows::Texts, 1),
        candidates: rows(Rows::Candidates, 1 + at % CANDIDATES),
    }
}

fn failed(entry: &ModelEntry, why: String) -> Vec<Diagnostic> {
    vec![Diagnostic::new(NO_PARITY, why).at(&entry.place).help("please report it with the model's file")]
}

/// The engine of a pack on an instruction set.
pub(super) fn engine(pack: &Aligned, isa: Isa) -> Result<Engine<'_>, Vec<Diagnostic>> {
    Engine::with_isa("the pack", pack, isa).map_err(|error| vec![Diagnostic::new(FAILED, error.to_string())])
}

/// Holds the pack without compression against the reference.
fn prove(
    graph: &Graph,
    exact: &Aligned,
    asked_for: &[GoldenRequest],
    entry: &ModelEntry,
) -> Result<(), Vec<Diagnostic>> {
    let (reference, engine) = (Reference::new(graph)?, engine(exact, Isa::detect())?);
    let features = &engine.ranker().features;
    for request in asked_for.iter().flat_map(|request| parts(request, features)) {
        let expected = reference.score(asked(&request, features)).map_err(|error| vec![error])?;
        let got = run(&engine, &request)?;
        let wrong = got
            .iter()
            .zip(&expected)
            .find(|(got, expected)| is_off(f64::from(**got), f64::from(**expected), TOLERANCE, LEAST));
        if let Some((got, expected)) = wrong {
            return Err(failed(entry, format!("the packed network gives {got}, and the model {expected}")));
        }
    }
    Ok(())
}

/// Holds the pack without compression against what the model's maker says.
fn said(exact: &Aligned, served: &[Served], asked_for: &[GoldenRequest]) -> Result<(), Vec<Diagnostic>> {
    let engine = engine(exact, Isa::detect())?;
    let features = &engine.ranker().features;
    let outputs = engine.signature().outputs as usize;
    let mut errors = vec![];
    for (request, asked) in served.iter().zip(asked_for) {
        let mut got = vec![];
        for part in parts(asked, features) {
            got.extend(run(&engine, &part)?.into_iter().map(f64::from));
        }
        let pairs = got.chunks(outputs).zip(request.said.chunks(outputs));
        let wrong =
            pairs.filter(|(got, said)| got.iter().zip(*said).any(|(&got, &said)| is_off(got, said, SAID, SAID)));
        errors.extend(wrong.map(|(got, said)| other_scores(&request.place, got, said)).take(1));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The first requests with what the pack gives them, on every instruction set alike.
fn remember(
    pack: &Aligned,
    asked_for: &[GoldenRequest],
    entry: &ModelEntry,
) -> Result<Vec<GoldenRequest>, Vec<Diagnostic>> {
    let mut goldens: Option<Vec<GoldenRequest>> = None;
    for isa in Isa::available() {
        let engine = engine(pack, isa)?;
        let features = &engine.ranker().features;
        let mut here = vec![];
        for request in asked_for.iter().flat_map(|request| parts(request, features)).take(GOLDENS) {
            here.push(GoldenRequest { scores: run(&engine, &request)?, ..request });
        }
        let bits = |goldens: &[GoldenRequest]| -> Vec<u32> {
            goldens.iter().flat_map(|golden| &golden.scores).map(|score| score.to_bits()).collect()
        };
        match &goldens {
            Some(first) if bits(first) != bits(&here) => {
                return Err(failed(
                    entry,
                    format!("the pack predicts otherwise on {isa} than on another instruction set"),
                ));
            }
            Some(_) => {}
            None => goldens = Some(here),
        }
    }
    Ok(goldens.unwrap_or_default())
}

fn run(engine: &Engine<'_>, request: &GoldenRequest) -> Result<Vec<f32>, Vec<Diagnostic>> {
    engine
        .run_request(request, <[f32]>::to_vec)
        .map_err(|error| vec![Diagnostic::new(FAILED, format!("a request cannot be run: {error}"))])
}

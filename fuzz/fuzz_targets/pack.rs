//! Any bytes as a pack: refused, or run without a panic by one thread and by two with the same bits, candidates of a network too; as a program that holds packs in parts; and a pack in two parts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy::isa::Isa;
use modeldeploy::rank::Engine;
use modeldeploy::session::{Batch, Capacity, Columns, Options, Request, RunError, Session, Stage, Threads};
use modeldeploy_format::Artifact;
use modeldeploy_format::pack::{Aligned, Ranker, Scorer, gather};
use modeldeploy_format::program::{Given, Rows};

fuzz_target!(|bytes: &[u8]| {
    gather(bytes);
    let pack = Aligned::copy(bytes);
    let Ok(artifact) = Artifact::parse(&pack) else { return };
    if let Some(tensor) = artifact.tensors().first() {
        let (head, tail) = pack.split_at(tensor.offset as usize);
        if let Ok(divided) = Artifact::parse_parts(&[head, tail]) {
            assert_eq!(divided.goldens(), artifact.goldens());
        }
    }
    let program = artifact.program();
    let row_bytes = Rows::ALL.map(|rows| program.row_bytes(rows));
    match artifact.ranker() {
        Some(Ranker { scorer: Scorer::Forest(forest), .. }) => {
            let (features, outputs) = (forest.features(), forest.outputs());
            if features + outputs + forest.columns() < 1 << 12 {
                let engine = Engine::with_isa("the pack", &pack, Isa::detect()).expect("a ranker that was read");
                engine.run_numbers(&vec![f64::NAN; 7 * features], &mut vec![0.0; 7 * outputs]).expect("scores");
                let _ = engine.self_test();
            }
        }
        // Wide slots are right, but they make a run slow.
        _ if row_bytes.iter().sum::<u64>() > 1 << 20 => {}
        Some(Ranker { scorer: Scorer::Network, features }) => score(&artifact, &features.given()),
        None => run(&artifact),
    }
});

/// Rows of which a stretch of steps is divided between two threads, and a product where it is not small.
const DIVIDED: u32 = 32;

/// A session of one thread and one of two, if both can be made.
fn sessions<'a>(artifact: &Artifact<'a>, capacity: Capacity) -> Option<[Session<'a>; 2]> {
    let options = |threads| Options { threads: Threads::for_test(threads), ..Options::default() };
    let [one, two] = [1, 2].map(|threads| Session::with(artifact, capacity, options(threads)));
    // Two need more memory than one.
    assert!(one.is_ok() || two.is_err());
    Some([one.ok()?, two.ok()?])
}

fn assert_same(one: &Result<&[f32], RunError>, two: &Result<&[f32], RunError>) {
    match (one, two) {
        (Ok(one), Ok(two)) => assert!(one.iter().map(|it| it.to_bits()).eq(two.iter().map(|it| it.to_bits()))),
        (one, two) => assert_eq!(one.is_ok(), two.is_ok()),
    }
}

fn run(artifact: &Artifact<'_>) {
    let Some([mut session, mut team]) = sessions(artifact, Capacity::new(DIVIDED as usize, 4)) else { return };
    for (ids, starts) in [
        (&[0, 1, 0, 1, 1][..], &[0, 2, 5][..]),
        (&[0], &[0, 1]),
        (&[u32::MAX], &[0, 1]),
        (&[], &[0]),
        (&[1; DIVIDED as usize], &[0, 3, 9, DIVIDED]),
    ] {
        let types = vec![0; ids.len()];
        let batch = Batch { ids, types: &types, starts };
        let outputs = session.run(&batch);
        assert_same(&outputs, &team.run(&batch));
        if let Ok(outputs) = outputs {
            assert_eq!(outputs.len(), (starts.len() - 1) * artifact.signature().outputs as usize);
        }
        for (stage, rows) in
            [(Stage::Tokens, ids.len()), (Stage::Unscaled, starts.len() - 1), (Stage::Raw, starts.len() - 1)]
        {
            let given = session.run_to(stage, &batch);
            assert_same(&given, &team.run_to(stage, &batch));
            if let Ok(given) = given {
                assert_eq!(Some(given.len()), stage.width(artifact.program()).map(|width| rows * width));
            }
        }
    }
}

fn score(artifact: &Artifact<'_>, given: &Given) {
    if Rows::ALL.iter().any(|&rows| given.with(rows).numbers.saturating_add(given.with(rows).ids) > 1 << 12) {
        return;
    }
    let capacity = Capacity { tokens: DIVIDED as usize, texts: 4, candidates: DIVIDED as usize };
    let Some([mut session, mut team]) = sessions(artifact, capacity) else { return };
    for (starts, candidates) in [
        (&[0, 2, 5][..], &[0, 4, 5][..]),
        (&[0, 1, 1], &[0, 0, 2]),
        (&[0, 0], &[0, 1]),
        (&[0, DIVIDED + 1], &[0, 1]),
        (&[0, DIVIDED], &[0, DIVIDED]),
        (&[0, 1], &[0, 0]),
        (&[0], &[0]),
    ] {
        let rows = [starts[starts.len() - 1], starts.len() as u32 - 1, candidates[candidates.len() - 1]];
        // Ids that some table has, and ids that it may not have.
        for id in [0, 1] {
            let numbers = Rows::ALL.map(|it| vec![f32::NAN; (rows[it as usize] * given.with(it).numbers) as usize]);
            let ids = Rows::ALL.map(|it| vec![id; (rows[it as usize] * given.with(it).ids) as usize]);
            let [items, user, candidate] = [0, 1, 2].map(|of| Columns { numbers: &numbers[of], ids: &ids[of] });
            let request = Request { session: items, starts, user, candidate, candidates };
            let scores = session.score(&request);
            assert_same(&scores, &team.score(&request));
            if let Ok(scores) = scores {
                assert_eq!(scores.len(), rows[2] as usize * artifact.signature().outputs as usize);
            }
        }
    }
}

//! A ranker's pack, made by hand: what it scores, on which it refuses, and that it allocates nothing.

#[path = "packs/mod.rs"]
mod packs;

use modeldeploy::format::features::ValueError;
use modeldeploy::format::pack::Aligned;
use modeldeploy::format::{Artifact, Task};
use modeldeploy::isa::Isa;
use modeldeploy::model::{self, AnyModel, Compiled, Facts};
use modeldeploy::rank::{Engine, For, Handle, RankModel, Row, Userless, Value};
use modeldeploy::session::{Capacity, Session, SessionError};
use packs::shelf::pack;
use std::sync::OnceLock;

/// What `#[model]` writes, by hand.
struct Candidate(f64, &'static str);
struct Ranker;

impl AnyModel for Ranker {
    const COMPILED: Compiled = Compiled::ranker::<Ranker>();
}

impl RankModel for Ranker {
    const NAME: &'static str = "ranker";
    const VERSION: &'static str = "1.0.0";
    const DIGEST: &'static str = "";
    const FEATURES: &'static [&'static str] = &["price", "brand"];
    const OUTPUTS: usize = 1;
    const FACTS: Facts =
        Facts { task: Task::Rank, max_tokens: 1, outputs: 1, normalized: false, labels: &[], prompts: &[], gate: None };

    fn engine() -> Result<&'static Engine<'static>, model::Error> {
        static ENGINE: OnceLock<Engine<'static>> = OnceLock::new();
        Ok(ENGINE.get_or_init(|| {
            Engine::with_isa("the pack", Box::leak(Box::new(pack(0.75))), Isa::SCALAR).expect("an engine")
        }))
    }
}

impl Userless for Ranker {}

impl Row for Candidate {
    type Model = Ranker;

    fn values(&self) -> impl AsRef<[Value<'_>]> {
        [Value::Number(self.0), Value::Text(self.1)]
    }
}

#[test]
fn rows_are_scored_on_every_isa_without_an_allocation() {
    let pack = pack(0.75);
    // More than a block, and each kind of path through the trees.
    let kinds = [
        (3.0, "acme", 0.75),
        (20.0, "globex", 1.75),
        (7.0, "globex", 1.25),
        (f64::NAN, "initech", 0.75),
        (11.0, "acme", 0.25),
    ];
    let rows: Vec<Candidate> = (0..333).map(|at| Candidate(kinds[at % 5].0, kinds[at % 5].1)).collect();
    for isa in Isa::available() {
        let engine = Engine::with_isa("the pack", &pack, isa).expect("an engine");
        engine.warm().expect("a worker");
        let mut scores = Vec::with_capacity(rows.len());
        let used = allocation_counter::measure(|| {
            engine.run(For::default(), &rows, |row| scores.push(row[0])).expect("scores")
        });
        assert_eq!(used.count_total, 0, "{isa}");
        assert!(scores.iter().enumerate().all(|(at, &score)| score == kinds[at % 5].2), "{isa}: {scores:?}");
        assert_eq!(engine.self_test().expect("the same bits"), 1);
    }
}

#[test]
fn a_handle_scores_into_memory_that_is_there() {
    let handle = Handle::<Ranker>::new();
    let rows: Vec<Candidate> = (0..333).map(|at| Candidate(if at % 2 == 0 { 3.0 } else { 20.0 }, "globex")).collect();
    let mut scores = vec![0.0; rows.len()];
    handle.warm().expect("a worker");
    let used = allocation_counter::measure(|| handle.scores_into(&rows, &mut scores).expect("scores"));
    assert_eq!(used.count_total, 0);
    // 1 + 0.25, and 2 - 0.25.
    assert!(scores.iter().enumerate().all(|(at, &score)| score == if at % 2 == 0 { 1.25 } else { 1.75 }));
    let ranked = handle.rank(&rows[..3]).expect("an order");
    assert_eq!(ranked.iter().map(|it| it.row).collect::<Vec<_>>(), [1, 0, 2]);
}

#[test]
fn what_is_wrong_names_row_and_feature() {
    let pack = pack(0.75);
    let engine = Engine::with_isa("the pack", &pack, Isa::SCALAR).expect("an engine");
    let mut rows: Vec<Candidate> = (0..200).map(|_| Candidate(1.0, "acme")).collect();
    rows[150].1 = "nobody";
    let error = engine.run(For::default(), &rows, |_| {}).expect_err("no such brand");
    let unknown = ValueError::Unknown { feature: "brand".into(), text: "nobody".into() };
    assert!(matches!(&error, model::Error::Value { row: 150, cause } if *cause == unknown), "{error}");
    let other = packs::shelf::pack(0.5);
    let error = Engine::with_isa("the pack", &other, Isa::SCALAR).expect("an engine").self_test().expect_err("others");
    assert!(error.to_string().contains("score 0 of golden row 0 is 7.5e-1, and was 5e-1"), "{error}");
    // No session reads rows.
    let artifact = Artifact::parse(&pack).expect("a pack");
    assert_eq!(Session::new(&artifact, Capacity::new(4, 1)).map(drop), Err(SessionError::Ranker));
}

#[test]
fn any_byte_of_a_pack_may_be_wrong() {
    let pack = pack(0.75);
    for len in (0..pack.len()).step_by(3) {
        assert!(Artifact::parse(&Aligned::copy(&pack[..len])).is_err(), "{len} bytes");
    }
    for at in 0..pack.len() {
        for flip in [1, 0x80, 0xff] {
            let mut wrong = pack.to_vec();
            wrong[at] ^= flip;
            let wrong = Aligned::copy(&wrong);
            // What is still a pack can be run.
            if let Ok(engine) = Engine::with_isa("the pack", &wrong, Isa::SCALAR) {
                let count = engine.signature().features.len();
                let mut scores = vec![0.0; engine.signature().outputs as usize];
                engine.run_numbers(&vec![1.0; count], &mut scores).expect("scores");
            }
        }
    }
}

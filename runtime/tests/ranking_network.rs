//! A ranker's network by its engine and its handle: what a service gives for a user, a session and candidates becomes the scores that the
//! tables say.

#[path = "packs/mod.rs"]
mod packs;

use modeldeploy::format::Task;
use modeldeploy::isa::Isa;
use modeldeploy::model::{self, AnyModel, Compiled, Facts};
use modeldeploy::rank::{Engine, For, Handle, List, RankModel, Row, User, Value, ValueError};
use packs::feed::{ITEMS, expected, pack};
use std::sync::OnceLock;

/// What `#[model]` writes, by hand.
struct Candidate {
    item: f64,
    boost: f64,
}
struct Visitor<'a> {
    seen: &'a [f64],
    country: &'a str,
}
struct Ranker;

impl AnyModel for Ranker {
    const COMPILED: Compiled = Compiled::ranker::<Ranker>();
}

impl RankModel for Ranker {
    const NAME: &'static str = "ranker";
    const VERSION: &'static str = "1.0.0";
    const DIGEST: &'static str = "";
    const FEATURES: &'static [&'static str] = &["seen", "country", "item", "boost"];
    const OUTPUTS: usize = 2;
    const FACTS: Facts =
        Facts { task: Task::Rank, max_tokens: 3, outputs: 2, normalized: false, labels: &[], prompts: &[], gate: None };

    fn engine() -> Result<&'static Engine<'static>, model::Error> {
        static ENGINE: OnceLock<Engine<'static>> = OnceLock::new();
        Ok(ENGINE.get_or_init(|| {
            Engine::with_isa("the pack", Box::leak(Box::new(pack(0.0))), Isa::detect()).expect("an engine")
        }))
    }
}

impl Row for Candidate {
    type Model = Ranker;

    fn values(&self) -> impl AsRef<[Value<'_>]> {
        [Value::Number(self.item), Value::Number(self.boost)]
    }
}

impl User for Visitor<'_> {
    type Model = Ranker;

    fn values(&self) -> impl AsRef<[Value<'_>]> {
        [Value::Text(self.country)]
    }

    fn session(&self) -> impl AsRef<[List<'_>]> {
        [List::Numbers(self.seen)]
    }
}

#[test]
fn candidates_are_scored_for_a_user_without_an_allocation() {
    let handle = Handle::<Ranker>::new();
    handle.warm().expect("a worker");
    // More candidates than are scored together.
    let rows: Vec<Candidate> =
        (0..600).map(|at| Candidate { item: f64::from(at % ITEMS), boost: f64::from(at) }).collect();
    // Of a session the last three items count; what is not in the vocabulary is 0, and an empty session one unknown item.
    for (seen, country, ids, code) in [
        (&[1.0, 3.0][..], "de", &[1, 3][..], 2),
        (&[5.0, 1.0, 2.0, 3.0], "fr", &[1, 2, 3], 1),
        (&[f64::NAN, 99.0], "xx", &[0, 0], 0),
        (&[], "fr", &[0], 1),
    ] {
        let user = Visitor { seen, country };
        let mut scores = vec![0.0; 2 * rows.len()];
        let used = allocation_counter::measure(|| handle.scores_for_into(&user, &rows, &mut scores).expect("scores"));
        assert_eq!(used.count_total, 0);
        for (at, score) in scores.chunks(2).enumerate() {
            let item = at as u32 % ITEMS;
            assert!((score[0] - expected(ids, code, item)).abs() < 1e-4, "{seen:?} {country} {item}: {score:?}");
            assert_eq!(score[1], at as f64 / 2.0);
        }
        assert_eq!(handle.scores_for(&user, &rows).expect("scores"), scores);
        let ranked = handle.rank_for(&user, &rows[..ITEMS as usize]).expect("an order");
        assert!(ranked.windows(2).all(|two| two[0].score >= two[1].score));
    }
}

#[test]
fn every_isa_gives_the_same_bits_and_the_golden_request_comes_back() {
    let right = expected(&[1, 3], 2, 4) as f32;
    let good = pack(right);
    let user = Visitor { seen: &[2.0, 5.0], country: "fr" };
    let rows: Vec<Candidate> = (0..ITEMS).map(|at| Candidate { item: f64::from(at), boost: 1.0 }).collect();
    let mut first: Option<Vec<u64>> = None;
    for isa in Isa::available() {
        let engine = Engine::with_isa("the pack", &good, isa).expect("an engine");
        assert_eq!(engine.self_test().expect("the same bits"), 1, "{isa}");
        let mut bits = vec![];
        let (values, lists) = (user.values(), user.session());
        let asked = For { user: values.as_ref(), session: lists.as_ref() };
        engine.run(asked, &rows, |scores| bits.extend(scores.iter().map(|score| score.to_bits()))).expect("scores");
        assert_eq!(*first.get_or_insert_with(|| bits.clone()), bits, "{isa}");
    }
    let wrong = pack(right + 1.0);
    let error = Engine::with_isa("the pack", &wrong, Isa::SCALAR).expect("an engine").self_test().expect_err("others");
    assert!(error.to_string().contains("score 0 of golden row 0"), "{error}");
}

#[test]
fn what_is_wrong_names_the_user_or_the_row_and_the_feature() {
    let handle = Handle::<Ranker>::new();
    let user = Visitor { seen: &[1.0], country: "fr" };
    let row = |item: f64, boost: f64| Candidate { item, boost };
    let error = handle.rank_for(&user, &[row(1.0, 1.0), row(6.0, 1.0)]).expect_err("no such item").to_string();
    assert!(error.contains("row 1: 6 of feature `item` is no id below 6"), "{error}");
    let error = handle.rank_for(&user, &[row(1.0, f64::NAN)]).expect_err("no boost");
    assert!(
        matches!(&error, model::Error::Value { row: 0, cause: ValueError::Missing { feature } } if feature == "boost"),
        "{error}"
    );
    // Values that another struct than the macro's may give.
    let engine = Ranker::engine().expect("an engine");
    let rows = [row(1.0, 1.0)];
    let error = engine.run(For::default(), &rows, |_| {}).expect_err("nobody asks").to_string();
    assert!(error.contains("the user or the session: 0 values were given for 1 features"), "{error}");
}

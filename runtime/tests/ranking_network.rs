//! A ranker's network by its engine and its handle: what a service gives for a user, a session and candidates becomes the scores that the
//! tables say.

#[path = "packs/mod.rs"]
mod packs;

use modeldeploy::format::Task;
use modeldeploy::isa::Isa;
use modeldeploy::model::{self, AnyModel, Compiled, Facts};
use modeldeploy::rank::{Engine, For, Handle, List, RankModel, Row, User, Value, ValueError};
use packs::feed::{ITEMS, expected, features, pack, pack_of};
use packs::nearby;
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
fn how_many_are_scored_together_changes_memory_and_no_bit() {
    let user = Visitor { seen: &[2.0, 5.0], country: "fr" };
    let rows: Vec<Candidate> =
        (0..600).map(|at| Candidate { item: f64::from(at % ITEMS), boost: f64::from(at) / 7.0 }).collect();
    let scored = |together: u32| {
        let pack = pack_of(0.0, &features().scored_together(together).expect("features"));
        let mut bits = Vec::with_capacity(2 * rows.len());
        let used = allocation_counter::measure(|| {
            let engine = Engine::with_isa("the pack", &pack, Isa::detect()).expect("an engine");
            let (values, lists) = (user.values(), user.session());
            let asked = For { user: values.as_ref(), session: lists.as_ref() };
            engine.run(asked, &rows, |scores| bits.extend(scores.iter().map(|score| score.to_bits()))).expect("scores");
        });
        (bits, used.bytes_max)
    };
    let (usual, bytes) = scored(256);
    assert_eq!(usual.len(), 1200);
    for (together, least, most) in [(1, 0, bytes / 2), (7, 0, bytes / 2), (600, bytes + 10_000, u64::MAX)] {
        let (bits, bytes) = scored(together);
        assert_eq!(bits, usual, "{together} together");
        assert!((least..=most).contains(&bytes), "{together} together: {bytes} bytes");
    }
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

#[test]
fn embeddings_are_scored_as_they_are_and_those_of_another_width_refused() {
    let pack = nearby::pack();
    let query = [0.5, -1.0, 0.25];
    // More candidates than are scored together; all of halves and eighths, so that any order of a sum is exact.
    let titles: Vec<[f32; 3]> =
        (0..300_u16).map(|at| [f32::from(at % 7), f32::from(at) / 2.0, f32::from(at % 3) - 1.0]).collect();
    let dot = |title: &[f32; 3]| query.iter().zip(title).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    for isa in Isa::available() {
        let engine = Engine::with_isa("the pack", &pack, isa).expect("an engine");
        assert_eq!(engine.self_test().expect("the golden request"), 1);
        let user = [Value::Embedding(&query)];
        let asked = For { user: &user, session: &[] };
        let rows: Vec<[Value<'_>; 2]> =
            titles.iter().enumerate().map(|(at, title)| [Value::Number(at as f64), Value::Embedding(title)]).collect();
        let (mut scores, mut room) = (vec![0.0; 600], 0);
        let used = allocation_counter::measure(|| {
            let each = |row: &[f64]| {
                scores[room..room + 2].copy_from_slice(row);
                room += 2;
            };
            engine.run_values(asked, rows.iter(), each).expect("scores");
        });
        assert_eq!(used.count_total, 0, "{isa}");
        for (at, (score, title)) in scores.chunks(2).zip(&titles).enumerate() {
            assert_eq!(score, [dot(title), at as f64 - 1.0], "{isa} {at}");
        }
        for (user, row, said) in [
            (&query[..2], &[1.0, 2.0, 3.0][..], "the embedding `query` has 2 values, and its model makes 3"),
            (&query, &[1.0; 4], "row 0: the embedding `title` has 4 values, and its model makes 3"),
            (&query, &[1.0, f32::NAN, 0.0], "row 0: value 1 of the embedding `title` is NaN"),
        ] {
            let (user, row) = ([Value::Embedding(user)], [[Value::Number(1.0), Value::Embedding(row)]]);
            let asked = For { user: &user, session: &[] };
            let error = engine.run_values(asked, row.iter(), |_| {}).expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

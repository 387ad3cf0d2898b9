//! Values become numbers and ids, and what cannot is refused.

use super::*;
use crate::program::Columns;

fn sample() -> Features {
    let feature = |name: &str, rule| Feature {
        name: name.into(),
        side: Side::Candidate,
        repeated: false,
        takes: Takes::Number,
        rule,
    };
    let vocabulary = || vec!["globex".to_owned(), "acme".to_owned(), "手机".to_owned()];
    Features::new(vec![
        feature("price", Rule::Number { mean: 10.0, deviation: 4.0, default: -1.0 }),
        feature("age", Rule::Bucket { boundaries: vec![18.0, 25.0] }),
        feature("brand", Rule::Category { vocabulary: vocabulary(), first: 0, unknown: Unknown::Missing }),
        feature("shop", Rule::Category { vocabulary: vocabulary(), first: 0, unknown: Unknown::Refused }),
        feature("city", Rule::Category { vocabulary: vocabulary(), first: 0, unknown: Unknown::Number(3.0) }),
        feature("query", Rule::Hash { buckets: 1000, seed: 7 }),
    ])
    .expect("features")
}

#[test]
fn values_become_numbers() {
    use Value::{Number, Text};
    let features = sample();
    let mut row = [0.0; 6];
    let values = [Number(12.0), Number(18.0), Text("acme"), Text("手机"), Text("x"), Text("a")];
    features.row(Side::Candidate, &values, &mut row).expect("a row");
    assert_eq!(row[..5], [0.5, 1.0, 1.0, 2.0, 3.0]);
    assert_eq!(row[5], (hash(7, "a") % 1000) as f64);
    let missing = [Number(f64::NAN), Number(f64::NAN), Text(""), Text("acme"), Text("globex"), Text("")];
    features.row(Side::Candidate, &missing, &mut row).expect("a row");
    assert!(row[0] == -1.0 && row[1].is_nan() && row[2].is_nan() && row[3] == 1.0 && row[4] == 0.0);
}

#[test]
fn how_many_are_scored_together_comes_back_and_is_bounded() {
    assert_eq!(sample().together(), 256);
    let few = sample().scored_together(12).expect("features");
    assert_eq!(Features::decode(&few.encode()), Ok(few.clone()));
    assert_eq!(few.encode().len(), sample().encode().len() + 4);
    assert_eq!(few.scored_together(256).expect("the usual").encode(), sample().encode());
    for (together, bytes) in [(0, vec![0; 4]), (4097, vec![1, 16, 0, 0]), (256, vec![0, 1, 0, 0]), (12, vec![12, 0])] {
        let error = Features::decode(&[sample().encode(), bytes].concat()).expect_err("no features");
        assert!(error.contains("scored together") || error.contains("end"), "{together}: {error}");
    }
}

#[test]
fn the_hash_is_fnv1a() {
    // The vectors of the FNV authors for "" and "a" begin with no seed; a seed is eight bytes before them.
    let plain = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    assert_eq!((plain(b""), plain(b"a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
    assert_eq!(hash(7, "a"), plain(b"\x07\0\0\0\0\0\0\0a"));
}

#[test]
fn what_no_feature_takes_is_refused() {
    use Value::{Number, Text};
    let features = sample();
    let right = [Number(1.0), Number(2.0), Text("acme"), Text("acme"), Text("acme"), Text("a")];
    let mut wrong = right;
    wrong[3] = Text("nobody");
    let error = features.row(Side::Candidate, &wrong, &mut [0.0; 6]).expect_err("no such shop").to_string();
    assert!(error.contains("`nobody` is not in the vocabulary of feature `shop`"), "{error}");
    wrong[0] = Text("1.0");
    assert_eq!(features.row(Side::Candidate, &wrong, &mut [0.0; 6]), Err(ValueError::Kind { feature: "price".into() }));
    assert_eq!(
        features.row(Side::Candidate, &right[..5], &mut [0.0; 6]),
        Err(ValueError::Count { values: 5, features: 6 })
    );
}

#[test]
fn what_is_written_is_read_and_every_truncation_refused() {
    for features in [sample(), network()] {
        let bytes = features.encode();
        for len in 0..bytes.len() {
            assert!(Features::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
        assert_eq!(Features::decode(&bytes), Ok(features));
    }
}

#[test]
fn features_that_cannot_be_are_refused() {
    let number = |deviation| Rule::Number { mean: 0.0, deviation, default: 0.0 };
    let twice = vec!["a".to_owned(), "b".to_owned(), "a".to_owned()];
    for (said, rules) in [
        ("no number above 0", vec![number(0.0)]),
        ("without a boundary", vec![Rule::Bucket { boundaries: vec![] }]),
        ("do not ascend", vec![Rule::Bucket { boundaries: vec![1.0, 1.0] }]),
        ("`a` is twice", vec![Rule::Category { vocabulary: twice, first: 0, unknown: Unknown::Missing }]),
        ("no bucket", vec![Rule::Hash { buckets: 0, seed: 0 }]),
        ("two features are called `f`", vec![number(1.0), number(1.0)]),
    ] {
        let features = rules
            .into_iter()
            .map(|rule| Feature {
                name: "f".into(),
                side: Side::Candidate,
                repeated: false,
                takes: Takes::Number,
                rule,
            })
            .collect();
        let error = Features::new(features).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn users_sessions_and_candidates_have_columns_of_their_own() {
    use Value::{Number, Text};
    let features = network();
    let given = features.given();
    let columns = |numbers, ids| Columns { numbers, ids };
    assert_eq!((given.session, given.user, given.candidate), (columns(1, 1), columns(0, 1), columns(1, 3)));

    let (mut numbers, mut ids) = ([0.0], [0; 3]);
    let values = [Number(3.0), Number(7.0), Text("acme")];
    features.candidate(&values, RowMut { numbers: &mut numbers, ids: &mut ids }).expect("a candidate");
    assert_eq!((numbers, ids), ([1.5], [7, 0, 2]));
    // The city stands in the candidate's row, and is the user's to give.
    let (user, row) = (RowMut { numbers: &mut [], ids: &mut [9] }, RowMut { numbers: &mut numbers, ids: &mut ids });
    features.user(&[Text("fr"), Text("acme")], user, row).expect("a user");
    assert_eq!((numbers, ids), ([1.5], [7, 2, 2]));
    let mut country = [9];
    let (user, row) = (RowMut { numbers: &mut [], ids: &mut country }, RowMut { numbers: &mut numbers, ids: &mut ids });
    features.user(&[Text("acme"), Text("fr")], user, row).expect("a user");
    assert_eq!((country, ids), ([2], [7, 0, 2]));

    let (mut numbers, mut ids) = ([0.0; 2], [0; 2]);
    let lists = [List::Numbers(&[1.0, 2.0, 12.0]), List::Numbers(&[f64::NAN, 5.0, 6.0])];
    assert_eq!(features.session(&lists, 2, &mut numbers, &mut ids), Ok(2));
    assert_eq!((numbers, ids), ([5.0, 6.0], [2, 0]));
    // Of no item all is missing.
    assert_eq!(features.session(&[List::Numbers(&[]); 2], 2, &mut numbers, &mut ids), Ok(1));
    assert_eq!((numbers, ids), ([0.0, 6.0], [0, 0]));
    assert_eq!((features.items(0, 8), features.items(5, 8), features.items(9, 8), sample().items(3, 8)), (1, 5, 8, 0));
}

#[test]
fn sessions_are_filled_up_before_their_items() {
    let features = network().filled_up(vec![3.0, -0.5]).expect("an id and a number");
    let again = Features::decode(&features.encode()).expect("the same features");
    assert_eq!(again, features);
    let (mut numbers, mut ids) = ([9.0; 3], [9; 3]);
    let mut given = |seen: &[f64], dwell: &[f64]| {
        let lists = [List::Numbers(seen), List::Numbers(dwell)];
        assert_eq!(again.session(&lists, 3, &mut numbers, &mut ids), Ok(3));
        (numbers, ids)
    };
    assert_eq!(given(&[], &[]), ([-0.5; 3], [3; 3]));
    assert_eq!(given(&[7.0], &[2.5]), ([-0.5, -0.5, 2.5], [3, 3, 7]));
    assert_eq!(given(&[1.0, 2.0, 4.0, 5.0], &[0.0, 1.0, 2.0, 3.0]), ([1.0, 2.0, 3.0], [2, 4, 5]));
    assert_eq!(features.items(0, 8), 8);
    for (pads, said) in [
        (vec![1.0], "1 numbers fill up the items of 2 features"),
        (vec![0.5, 0.0], "feature `seen` is filled up with 0.5, which is no id"),
        (vec![0.0, f64::NAN], "feature `dwell` is filled up with NaN, which is no number"),
    ] {
        assert!(network().filled_up(pads).expect_err(said).contains(said));
    }
    assert!(sample().filled_up(vec![]).is_err());
}

#[test]
fn features_that_end_early_or_late_are_refused() {
    let bytes = network().filled_up(vec![3.0, -0.5]).expect("an id and a number").encode();
    for len in 0..bytes.len() {
        // Where the pads or the number together are left out, what is left may be whole.
        if let Ok(read) = Features::decode(&bytes[..len]) {
            assert!(read.pads().is_empty() && len + 24 <= bytes.len(), "{len} of {} bytes", bytes.len());
        }
    }
    assert!(Features::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_value_that_is_no_id_is_refused_by_name() {
    use Value::{Number, Text};
    let features = network();
    for (value, said) in [
        (f64::NAN, "feature `item` is missing, which is an id below 10"),
        (10.0, "10 of feature `item` is no id below 10"),
        (1.5, "1.5 of feature `item`"),
        (-1.0, "-1 of feature `item`"),
        (f64::INFINITY, "inf of feature `item`"),
    ] {
        let values = [Number(3.0), Number(value), Text("acme")];
        let row = RowMut { numbers: &mut [0.0], ids: &mut [0; 3] };
        let error = features.candidate(&values, row).expect_err("no id").to_string();
        assert!(error.contains(said), "{error}");
    }
    let lists = [List::Numbers(&[1.0, 2.0]), List::Numbers(&[1.0])];
    let error = features.session(&lists, 8, &mut [0.0; 2], &mut [0; 2]).expect_err("unequal").to_string();
    assert!(error.contains("2 values of feature `seen` and 1 of feature `dwell`"), "{error}");
    let lists = [List::Texts(&["a"]), List::Numbers(&[1.0])];
    let error = features.session(&lists, 8, &mut [0.0; 1], &mut [0; 1]).expect_err("a text");
    assert_eq!(error, ValueError::Kind { feature: "seen".into() });
}

#[test]
fn a_rule_that_may_give_no_id_is_refused_where_the_model_takes_one() {
    let feature = |rule| vec![Feature { name: "f".into(), side: Side::User, repeated: false, takes: Takes::Id, rule }];
    let category = |unknown| Rule::Category { vocabulary: vec!["a".into()], first: 1, unknown };
    let number = Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 };
    for rule in [number, category(Unknown::Missing), category(Unknown::Number(0.5))] {
        assert!(Features::new(feature(rule.clone())).expect_err("no id").contains("`unknown-id`"), "{rule:?}");
    }
    for (rule, below) in [
        (category(Unknown::Refused), 2),
        (category(Unknown::Number(0.0)), 2),
        (category(Unknown::Number(9.0)), 10),
        (Rule::Hash { buckets: 5, seed: 0 }, 5),
        (Rule::Bucket { boundaries: vec![1.0, 2.0] }, 3),
        (Rule::Id { size: 4, unknown: Some(4) }, 5),
    ] {
        assert_eq!(rule.below(), Some(below), "{rule:?}");
        Features::new(feature(rule)).expect("an id");
    }
}

/// Features of a network: of a session, a user and a candidate.
fn network() -> Features {
    let feature =
        |name: &str, side, takes, rule| Feature { name: name.into(), side, repeated: name == "city", takes, rule };
    let plain = Rule::Number { mean: 0.0, deviation: 2.0, default: 0.0 };
    let seconds = Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 };
    let words = |unknown| Rule::Category { vocabulary: vec!["globex".into(), "acme".into()], first: 1, unknown };
    Features::new(vec![
        feature("price", Side::Candidate, Takes::Number, plain),
        feature("seen", Side::Session, Takes::Id, Rule::Id { size: 10, unknown: Some(0) }),
        feature("country", Side::User, Takes::Id, words(Unknown::Number(0.0))),
        feature("item", Side::Candidate, Takes::Id, Rule::Id { size: 10, unknown: None }),
        feature("city", Side::User, Takes::Id, words(Unknown::Number(0.0))),
        feature("brand", Side::Candidate, Takes::Id, words(Unknown::Refused)),
        feature("dwell", Side::Session, Takes::Number, seconds),
    ])
    .expect("features")
}

/// Features of a network that takes a query's embedding of the user, one of each candidate, and one of the user beside columns of candidates.
fn with_embeddings() -> Features {
    let feature = |name: &str, side, rule| Feature {
        name: name.into(),
        side,
        repeated: name == "taste",
        takes: Takes::Number,
        rule,
    };
    let number = || Rule::Number { mean: 0.0, deviation: 2.0, default: f64::NAN };
    let of = |model: &str, width| {
        Rule::Embedding(EmbeddingOf { model: model.into(), space: crate::Digest::from_bytes([9; 32]), width })
    };
    Features::new(vec![
        feature("age", Side::User, number()),
        feature("query", Side::User, of("query-encoder", 3)),
        feature("price", Side::Candidate, number()),
        feature("taste", Side::User, of("query-encoder", 2)),
        feature("title", Side::Candidate, of("title-encoder", 2)),
        feature("stock", Side::Candidate, number()),
    ])
    .expect("features")
}

#[test]
fn an_embedding_is_as_many_numbers_as_it_is_wide() {
    use Value::{Embedding, Number};
    let features = with_embeddings();
    let given = features.given();
    assert_eq!((given.user.numbers, given.candidate.numbers, features.width()), (4, 6, 10));
    assert_eq!((0..6).map(|at| features.place(at)).collect::<Vec<_>>(), [0..1, 1..4, 4..5, 5..7, 7..9, 9..10]);

    let (mut user, mut row) = ([0.0; 4], [9.0; 6]);
    let values = [Number(30.0), Embedding(&[0.5, -1.0, 0.25]), Embedding(&[3.0, 4.0])];
    let places = RowMut { numbers: &mut user, ids: &mut [] };
    features.user(&values, places, RowMut { numbers: &mut row, ids: &mut [] }).expect("a user");
    let values = [Number(8.0), Embedding(&[5.0, 6.0]), Number(2.0)];
    features.candidate(&values, RowMut { numbers: &mut row, ids: &mut [] }).expect("a candidate");
    assert_eq!((user, row), ([15.0, 0.5, -1.0, 0.25], [4.0, 3.0, 4.0, 5.0, 6.0, 1.0]));

    // The same as the whole rows of trees.
    let mut whole = [0.0; 10];
    features
        .row(Side::User, &[Number(30.0), Embedding(&[0.5, -1.0, 0.25]), Embedding(&[3.0, 4.0])], &mut whole)
        .expect("a user");
    features.row(Side::Candidate, &values, &mut whole).expect("a candidate");
    assert_eq!(whole, [15.0, 0.5, -1.0, 0.25, 4.0, 3.0, 4.0, 5.0, 6.0, 1.0]);
}

#[test]
fn an_embedding_of_another_width_or_of_what_is_no_number_is_refused_by_name() {
    use Value::{Embedding, Number, Text};
    let features = with_embeddings();
    for (title, said) in [
        (Embedding(&[1.0]), "the embedding `title` has 1 values, and its model makes 2"),
        (Embedding(&[1.0, 2.0, 3.0]), "the embedding `title` has 3 values"),
        (Embedding(&[1.0, f32::NAN]), "value 1 of the embedding `title` is NaN"),
        (Embedding(&[f32::INFINITY, 0.0]), "value 0 of the embedding `title` is inf"),
        (Number(1.0), "the value of feature `title` is of another type"),
        (Text("a"), "the value of feature `title` is of another type"),
    ] {
        let row = RowMut { numbers: &mut [0.0; 6], ids: &mut [] };
        let error = features.candidate(&[Number(1.0), title, Number(1.0)], row).expect_err(said).to_string();
        assert!(error.contains(said), "{error}");
    }
    let row = RowMut { numbers: &mut [0.0; 6], ids: &mut [] };
    let error = features.candidate(&[Embedding(&[1.0]), Embedding(&[1.0, 2.0]), Number(1.0)], row);
    assert_eq!(error, Err(ValueError::Kind { feature: "price".into() }));
}

#[test]
fn embeddings_come_back_from_bytes_and_such_as_cannot_be_are_refused() {
    let features = with_embeddings();
    let bytes = features.encode();
    for len in 0..bytes.len() {
        assert!(Features::decode(&bytes[..len]).is_err(), "{len} bytes");
    }
    let read = Features::decode(&bytes).expect("features");
    // A default that is missing is NaN, which equals nothing.
    assert_eq!(format!("{read:?}"), format!("{features:?}"));
    let facts = features.in_spaces(|_| EmbeddingOf::UNLOCKED).facts();
    assert!(facts.iter().filter_map(|fact| fact.kind.embedding()).all(|of| of.space == EmbeddingOf::UNLOCKED));

    let of = |width| Rule::Embedding(EmbeddingOf { model: "e".into(), space: EmbeddingOf::UNLOCKED, width });
    let feature =
        |name: &str, side, takes, width| Feature { name: name.into(), side, repeated: false, takes, rule: of(width) };
    let (user, session) = (Side::User, Side::Session);
    for (said, list) in [
        ("an embedding of 0 values", vec![feature("f", user, Takes::Number, 0)]),
        ("an embedding of 65537 values", vec![feature("f", user, Takes::Number, MOST_VALUES + 1)]),
        ("of a session's items", vec![feature("f", session, Takes::Number, 4)]),
        ("looks rows up by its values", vec![feature("f", user, Takes::Id, 4)]),
        (
            "more than 65536 values",
            vec![feature("f", user, Takes::Number, MOST_VALUES), feature("g", user, Takes::Number, 1)],
        ),
    ] {
        let error = Features::new(list).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
}

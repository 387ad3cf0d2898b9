//! The packs against training: what PyTorch and LightGBM said of the requests in the models' folders.

use crate::process::packs;
use modeldeploy::model;
use modeldeploy::rank::{Handle, RankModel, Row, User};
use serde_json::Value;

/// The models as the service has them.
#[model("two-tower")]
struct TwoTower;
#[model("sasrec")]
struct Sasrec;
#[model("ranker")]
struct Ranker;
#[model("feed-re-ranker")]
struct ReRanker;

fn lines(model: &str) -> Vec<Value> {
    let path = format!("{}/models/{model}/golden.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A number of a request; what is null is missing.
fn number(of: &Value, name: &str) -> f64 {
    let value = &of[name];
    if value.is_null() { f64::NAN } else { value.as_f64().unwrap_or_else(|| panic!("{name} of {of}")) }
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("{name} of {of}"))
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

/// Holds the scores of a request against training's: the networks' weights are 8-bit codes here, and `within` is what that may cost.
fn check<M: RankModel>(
    at: usize,
    user: &impl User<Model = M>,
    rows: &[impl Row<Model = M>],
    request: &Value,
    within: f64,
) {
    let scores = Handle::<M>::new().scores_for(user, rows).expect("scores");
    let training = numbers(&request["scores"]);
    assert_eq!(scores.len(), training.len(), "request {at} of {}", M::NAME);
    for (candidate, (score, training)) in scores.iter().zip(&training).enumerate() {
        assert!((score - training).abs() <= within, "{}, {at}.{candidate}: {score} and {training}", M::NAME);
    }
}

fn candidates(request: &Value) -> &[Value] {
    request["candidates"].as_array().expect("a list")
}

#[test]
fn the_two_tower_model_scores_as_in_training() {
    packs();
    for (at, request) in lines("two-tower").iter().enumerate() {
        let (of, session) = (&request["user"], numbers(&request["session"]["session"]));
        let user = TwoTowerUser {
            user: text(of, "user"),
            country: text(of, "country"),
            device: text(of, "device"),
            age: number(of, "age"),
            session: &session,
        };
        let row = |it| TwoTowerRow {
            item: number(it, "item"),
            category: text(it, "category"),
            subcategory: text(it, "subcategory"),
            brand: text(it, "brand"),
            age_days: number(it, "age_days"),
            log_price: number(it, "log_price"),
            log_popularity: number(it, "log_popularity"),
        };
        check(at, &user, &candidates(request).iter().map(row).collect::<Vec<_>>(), request, 0.02);
    }
}

#[test]
fn sasrec_scores_as_in_training() {
    packs();
    for (at, request) in lines("sasrec").iter().enumerate() {
        let session = numbers(&request["session"]["session"]);
        let rows: Vec<_> = candidates(request).iter().map(|it| SasrecRow { item: number(it, "item") }).collect();
        check(at, &SasrecUser { session: &session }, &rows, request, 0.1);
        // Before the first click a service gives none, training the item that is not known.
        if session == [0.0] {
            check(at, &SasrecUser { session: &[] }, &rows, request, 0.1);
        }
        // Of a long session the last items count.
        if session.len() == 50 {
            let longer = [&[7.0, 8.0, 9.0], session.as_slice()].concat();
            check(at, &SasrecUser { session: &longer }, &rows, request, 0.1);
        }
    }
}

#[test]
fn the_ranker_scores_as_in_training() {
    packs();
    for (at, request) in lines("ranker").iter().enumerate() {
        let of = &request["user"];
        let user = RankerUser {
            clicks: number(of, "clicks"),
            user: text(of, "user"),
            country: text(of, "country"),
            device: text(of, "device"),
            age: number(of, "age"),
            last_item: number(of, "last_item"),
            last_subcategory: text(of, "last_subcategory"),
        };
        let row = |it| RankerRow {
            log_price: number(it, "log_price"),
            log_popularity: number(it, "log_popularity"),
            age_days: number(it, "age_days"),
            two_tower_score: number(it, "two_tower_score"),
            sasrec_score: number(it, "sasrec_score"),
            price_ratio: number(it, "price_ratio"),
            same_brand: number(it, "same_brand"),
            same_subcategory: number(it, "same_subcategory"),
            same_category: number(it, "same_category"),
            category: text(it, "category"),
            subcategory: text(it, "subcategory"),
            brand: text(it, "brand"),
            item: number(it, "item"),
        };
        check(at, &user, &candidates(request).iter().map(row).collect::<Vec<_>>(), request, 0.01);
    }
}

/// Trees add up as LightGBM does: the same f64.
#[test]
fn the_re_ranker_scores_as_in_training_to_the_bit() {
    packs();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/re-ranker/golden.tsv");
    let file = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (head, lines) = file.split_once('\n').expect("a line of names");
    let names: Vec<&str> = head.split('\t').collect();
    let (mut rows, mut scores) = (vec![], vec![]);
    for line in lines.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |name: &str| fields[names.iter().position(|it| *it == name).expect("a name")];
        let number = |name| if field(name).is_empty() { f64::NAN } else { field(name).parse().expect("a number") };
        rows.push(ReRankerRow {
            click: number("click"),
            sasrec_score: number("sasrec_score"),
            two_tower_score: number("two_tower_score"),
            price_ratio: number("price_ratio"),
            same_brand: number("same_brand"),
            same_subcategory: number("same_subcategory"),
            same_category: number("same_category"),
            clicks: number("clicks"),
            price: number("price"),
            age_days: number("age_days"),
            popularity: number("popularity"),
            subcategory: fields[names.iter().position(|it| *it == "subcategory").expect("a name")],
        });
        scores.push(number("score"));
    }
    assert!(rows.len() > 100);
    assert_eq!(ReRanker::get().scores(&rows).expect("scores"), scores);
}

//! The packs against training: what PyTorch and LightGBM said of the requests in the models' folders. And the service's protocols against
//! the packs: what a client gets for the same requests is what the handle says, to the bit.

use crate::process;
use modeldeploy::model;
use modeldeploy::rank::{Handle, RankModel, Row, User};
use modeldeploy_house::shop::Shop;
use serde_json::{Map, Value, json};

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

/// What a client gets for a request, by the names of its features.
fn over_the_wire(shop: &Shop, model: &str, request: &Value) -> Vec<f64> {
    let of = |side: &str| request[side].as_object().cloned().unwrap_or_default();
    let mut columns: Map<String, Value> = of("user").into_iter().chain(of("session")).collect();
    for candidate in candidates(request) {
        for (name, value) in candidate.as_object().expect("features") {
            columns.entry(name).or_insert_with(|| json!([])).as_array_mut().expect("a list").push(value.clone());
        }
    }
    numbers(&shop.ask(&format!("/v1/models/{model}:predict"), json!({ "inputs": columns }))["outputs"])
}

/// Holds the scores of a request against training's: the networks' weights are 8-bit codes here, and `within` is what that may cost.
fn check<M: RankModel>(
    shop: &Shop,
    at: usize,
    user: &impl User<Model = M>,
    rows: &[impl Row<Model = M>],
    request: &Value,
    within: f64,
) {
    let scores = Handle::<M>::new().scores_for(user, rows).expect("scores");
    let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
    assert_eq!(
        bits(&over_the_wire(shop, M::NAME, request)),
        bits(&scores),
        "request {at} of {} over the wire",
        M::NAME
    );
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
    let shop = process::open();
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
        check(&shop, at, &user, &candidates(request).iter().map(row).collect::<Vec<_>>(), request, 0.02);
    }
}

#[test]
fn sasrec_scores_as_in_training() {
    let shop = process::open();
    for (at, request) in lines("sasrec").iter().enumerate() {
        let session = numbers(&request["session"]["session"]);
        let rows: Vec<_> = candidates(request).iter().map(|it| SasrecRow { item: number(it, "item") }).collect();
        check(&shop, at, &SasrecUser { session: &session }, &rows, request, 0.1);
        // Before the first click a service gives none, training the item that is not known.
        if session == [0.0] {
            let mut none = request.clone();
            none["session"]["session"] = json!([]);
            check(&shop, at, &SasrecUser { session: &[] }, &rows, &none, 0.1);
        }
        // Of a long session the last items count.
        if session.len() == 50 {
            let longer = [&[7.0, 8.0, 9.0], session.as_slice()].concat();
            let mut whole = request.clone();
            whole["session"]["session"] = json!(longer);
            check(&shop, at, &SasrecUser { session: &longer }, &rows, &whole, 0.1);
        }
    }
}

#[test]
fn the_ranker_scores_as_in_training() {
    let shop = process::open();
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
        check(&shop, at, &user, &candidates(request).iter().map(row).collect::<Vec<_>>(), request, 0.01);
    }
}

/// Trees add up as LightGBM does: the same f64.
#[test]
fn the_re_ranker_scores_as_in_training_to_the_bit() {
    let shop = process::open();
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
    // Its features are those of the table but for the last column.
    let (features, lines) = (&names[..names.len() - 1], lines.lines());
    let candidate = |line: &str| -> Map<String, Value> {
        let fields = features.iter().zip(line.split('\t'));
        let value = |name: &str, field: &str| match field.parse::<f64>() {
            Ok(number) if name != "subcategory" && number.is_finite() => json!(number),
            _ if name == "subcategory" => json!(field),
            _ => Value::Null,
        };
        fields.map(|(name, field)| ((*name).to_owned(), value(name, field))).collect()
    };
    let request = json!({ "candidates": lines.map(candidate).collect::<Vec<_>>() });
    assert_eq!(over_the_wire(&shop, ReRanker::NAME, &request), scores);
}

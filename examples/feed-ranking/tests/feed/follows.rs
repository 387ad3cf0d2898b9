//! Does the feed follow its shopper? Clicks move it to where they were, and held-out clicks stand high in it.

use crate::process;
use serde_json::{Value, json};
use std::collections::HashSet;

fn lines(path: &str) -> Vec<Value> {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn feed(answer: &Value) -> &[Value] {
    answer["feed"].as_array().expect("a feed")
}

/// How many items of a feed have the value that `like` has.
fn share(answer: &Value, key: &str, like: &Value) -> usize {
    feed(answer).iter().filter(|entry| entry[key] == like[key]).count()
}

#[test]
fn a_click_draws_the_feed_to_its_shelf() {
    let shop = process::open();
    let (mut before, mut after, mut drawn) = (0, 0, 0);
    let shoppers: Vec<Value> = lines("log/users.jsonl").into_iter().step_by(80).collect();
    for shopper in &shoppers {
        let user = json!({"id": shopper["id"]});
        let first = shop.predict(json!({"user": user, "limit": 20}));
        // A click low in the feed, so that the feed was not of its shelf before.
        let clicked = &feed(&first)[14];
        let second = shop.predict(json!({"user": user, "session": [clicked["item"]], "limit": 20}));
        assert!(
            !feed(&second).iter().any(|entry| entry["item"] == clicked["item"]),
            "what was clicked is not shown again"
        );
        let of_shelf = [&first, &second].map(|answer| share(answer, "subcategory", clicked));
        before += of_shelf[0];
        after += of_shelf[1];
        drawn += usize::from(of_shelf[1] > of_shelf[0]);
    }
    let shoppers = shoppers.len();
    println!("of the clicked shelf: {before} items before, {after} after; more for {drawn} of {shoppers} shoppers");
    assert!(drawn * 10 >= shoppers * 9, "more of the clicked shelf for {drawn} of {shoppers} shoppers alone");
    assert!(after >= 2 * before, "{before} items of the clicked shelves before, {after} after");
}

#[test]
fn a_visit_that_turns_to_another_shelf_turns_the_feed() {
    let shop = process::open();
    let items = lines("log/items.jsonl");
    let of = |shelf: &str| -> Vec<Value> {
        items.iter().filter(|item| item["subcategory"] == shelf).take(3).map(|item| item["id"].clone()).collect()
    };
    for (from, to) in [("headphones", "running shoes"), ("tents", "coffee"), ("dresses", "keyboards")] {
        let both = [of(from), of(to)].concat();
        let [early, late] = [&both[..3], &both].map(|session| shop.predict(json!({"session": session, "limit": 20})));
        let count = |answer: &Value, shelf: &str| share(answer, "subcategory", &json!({"subcategory": shelf}));
        assert!(count(&early, from) > count(&early, to), "{from} first");
        assert!(count(&late, to) > count(&late, from), "then {to}");
    }
}

#[test]
fn two_shoppers_see_two_feeds() {
    let shop = process::open();
    let feeds = |user: Value| -> Vec<u64> {
        let answer = shop.predict(json!({"user": user, "limit": 20}));
        feed(&answer).iter().map(|entry| entry["item"].as_u64().expect("a number")).collect()
    };
    let all: Vec<Vec<u64>> = ["u0017", "u0400", "u1200"].iter().map(|id| feeds(json!({"id": id}))).collect();
    let strangers = [feeds(json!({})), feeds(json!({"country": "JP", "device": "web", "age": 70}))];
    let different: HashSet<&Vec<u64>> = all.iter().chain(&strangers).collect();
    assert_eq!(different.len(), 5);
}

/// The clicks are the log's own, of days that no model has seen.
#[test]
fn held_out_clicks_stand_high_in_the_feed() {
    let shop = process::open();
    let mut popular = lines("log/items.jsonl");
    popular.sort_by_key(|item| std::cmp::Reverse(item["popularity"].as_u64()));
    let (mut in_feed, mut in_popular, mut asked) = (0, 0, 0);
    for request in lines("eval/two-tower.jsonl") {
        let session: Vec<&Value> =
            request["session"]["session"].as_array().expect("a list").iter().filter(|it| **it != 0).collect();
        let labels = request["labels"].as_array().expect("labels");
        let right = labels.iter().position(|label| *label == 1).expect("a click");
        let right = &request["candidates"][right]["item"];
        let answer = shop.predict(json!({"user": {"id": request["user"]["user"]}, "session": session, "limit": 50}));
        in_feed += usize::from(feed(&answer).iter().any(|entry| &entry["item"] == right));
        let new = popular.iter().map(|item| &item["id"]).filter(|id| !session.contains(id));
        in_popular += usize::from(new.take(50).any(|id| id == right));
        asked += 1;
    }
    println!("of {asked} held-out clicks {in_feed} are in the feed, {in_popular} among what sells best");
    assert!(
        in_feed >= 2 * in_popular.max(1),
        "of {asked} clicks {in_feed} are in the feed, {in_popular} in what sells"
    );
}

//! The service from outside: what a client meets.

use crate::process;
use serde_json::{Value, json};
use std::collections::HashSet;

fn feed(answer: &Value) -> &[Value] {
    answer["feed"].as_array().expect("a feed")
}

const MODELS: [&str; 4] = ["two-tower", "sasrec", "ranker", "feed-re-ranker"];

#[test]
fn a_feed_says_what_each_model_said_and_which_models_they_were() {
    let shop = process::open();
    let session = [2560, 12, 12, 7];
    let answer = shop.predict(json!({"user": {"id": "u0017"}, "session": session}));
    let found = feed(&answer);
    assert_eq!(found.len(), 20);
    let (number, place) = (
        |entry: &Value, key: &str| entry["scores"][key].as_f64().expect("a number"),
        |entry: &Value, key: &str| entry["places"][key].as_u64().expect("a place"),
    );
    let ids: HashSet<u64> = found.iter().map(|entry| entry["item"].as_u64().expect("a number")).collect();
    assert!(ids.len() == 20 && session.iter().all(|id| !ids.contains(id)), "{ids:?}");
    for (at, entry) in found.iter().enumerate() {
        assert!(place(entry, "rank") == at as u64 + 1, "{entry}");
        assert!(place(entry, "two_tower") <= 200 || place(entry, "sasrec") <= 50, "a model found it: {entry}");
        assert!((1..=50).contains(&place(entry, "click")), "the ranker's first: {entry}");
        assert!(
            number(entry, "two_tower").abs() <= 1.0 + 1e-5 && (0.0..=1.0).contains(&number(entry, "click")),
            "{entry}"
        );
    }
    // The better the score, the earlier the place.
    for key in ["two_tower", "sasrec", "click", "rank"] {
        let mut by_place: Vec<&Value> = found.iter().collect();
        by_place.sort_by_key(|entry| place(entry, key));
        assert!(by_place.is_sorted_by(|a, b| number(a, key) >= number(b, key)), "{key}");
        assert!(by_place.windows(2).all(|two| place(two[0], key) < place(two[1], key)), "{key}");
    }
    let stages = &answer["stages"];
    assert_eq!(stages["two_tower"], json!({"in": 3000, "out": 200}));
    assert_eq!(stages["sasrec"], json!({"in": 3000, "out": 50}));
    let judged = stages["ranker"]["in"].as_u64().expect("a count");
    assert!((200..=250).contains(&judged) && stages["ranker"]["out"] == 50, "{stages}");
    assert_eq!(stages["re_ranker"], json!({"in": 50, "out": 20}));
    assert!(answer["timing_us"]["two_tower"].as_u64() > Some(0), "{answer}");

    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Model.lock")).expect("Model.lock");
    let models = answer["models"].as_array().expect("a list");
    assert_eq!(models.iter().map(|model| &model["name"]).collect::<Vec<_>>(), MODELS);
    for model in models {
        for fact in ["version", "digest"] {
            assert!(lock.contains(model[fact].as_str().expect("a text")), "{fact} of {model} is not in Model.lock");
        }
    }
}

#[test]
fn a_limit_cuts_the_feed_and_changes_nothing_in_it() {
    let shop = process::open();
    let asked = |limit: usize| shop.predict(json!({"user": {"id": "u1999"}, "session": [100, 200], "limit": limit}));
    let whole = asked(50);
    assert_eq!(feed(&whole).len(), 50);
    for limit in [1, 7, 49] {
        assert_eq!(feed(&asked(limit)), &feed(&whole)[..limit]);
    }
}

/// The networks read the last 50 clicks; what an item shares with the session is counted over all.
#[test]
fn long_sessions_are_answered_and_their_last_clicks_count() {
    let shop = process::open();
    let long: Vec<u32> = (1..=1000).collect();
    let answer = shop.predict(json!({"session": long, "limit": 50}));
    assert!(feed(&answer).iter().all(|entry| entry["item"].as_u64() > Some(1000)));
    let last = shop.predict(json!({"session": long[950..], "limit": 50}));
    let sasrec = |answer: &Value| -> Vec<(u64, String)> {
        let of = |entry: &Value| (entry["item"].as_u64().expect("a number"), entry["scores"]["sasrec"].to_string());
        feed(answer).iter().map(of).collect()
    };
    let [all, last] = [sasrec(&answer), sasrec(&last)];
    let shared = all.iter().filter(|(item, score)| last.iter().any(|(other, of)| other == item && of == score)).count();
    let met = all.iter().filter(|(item, _)| last.iter().any(|(other, _)| other == item)).count();
    assert!(met > 0 && shared == met, "{shared} of {met} have the same score");
}

#[test]
fn the_answer_does_not_depend_on_company() {
    let shop = process::open();
    let request = json!({"user": {"id": "u0300"}, "session": [40, 41, 42], "limit": 50});
    let alone = shop.predict(request.clone());
    let (shop, request) = (&shop, &request);
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..16)
            .map(|turn| {
                scope.spawn(move || {
                    if turn % 2 == 0 { shop.predict(request.clone()) } else { shop.predict(json!({"session": [turn]})) }
                })
            })
            .collect();
        for answer in asked.into_iter().step_by(2) {
            let answer = answer.join().expect("an answer");
            assert_eq!((&answer["feed"], &answer["stages"]), (&alone["feed"], &alone["stages"]));
        }
    });
}

/// Wherever the service runs by itself, what it says is what plain scalar code says, to the last bit.
#[test]
fn the_answer_does_not_depend_on_the_processor() {
    let (here, scalar) = (process::open(), process::on("scalar"));
    for request in [
        json!({"limit": 50}),
        json!({"user": {"id": "u0042"}, "session": [1], "limit": 50}),
        json!({"user": {"id": "u1500"}, "session": (900..980).collect::<Vec<u32>>(), "limit": 50}),
    ] {
        let [a, b] = [&here, &scalar].map(|shop| shop.predict(request.clone()));
        assert_eq!((&a["feed"], &a["stages"]), (&b["feed"], &b["stages"]), "{request}");
    }
}

#[test]
fn bad_requests_are_refused_with_a_reason() {
    let shop = process::open();
    const JSON: Option<&str> = Some("application/json");
    let megabyte = format!(r#"{{"user": {{"country": "{}"}}}}"#, "a".repeat(1 << 20));
    let clicks = json!({"session": vec![1; 1001]}).to_string();
    /// What it is, the content type, the body, the status and a part of the message.
    type Case<'a> = (&'a str, Option<&'a str>, &'a [u8], u16, &'a str);
    let cases: [Case<'_>; 19] = [
        ("an array", JSON, br#"[{"id": "u0017"}, []]"#, 400, "an object with the keys `user`, `session`, `limit`"),
        ("another field", JSON, br#"{"k": 3}"#, 400, "unknown field `k`"),
        ("a user's other field", JSON, br#"{"user": {"name": "x"}}"#, 400, "unknown field `name`"),
        ("a user in an array", JSON, br#"{"user": ["u0017", null, null, null]}"#, 400, "expected a map"),
        ("nobody", JSON, br#"{"user": {"id": "u2001"}}"#, 400, "`u0001` to `u2000`"),
        ("a number for a name", JSON, br#"{"user": {"id": 17}}"#, 400, "expected a string"),
        ("a name and more", JSON, br#"{"user": {"id": "u0017", "age": 30}}"#, 400, "`user` has an `id` and more"),
        ("no age", JSON, br#"{"user": {"age": 0}}"#, 400, "`user.age` is 0: it must be 1 to 150 years"),
        ("a great age", JSON, br#"{"user": {"age": 151}}"#, 400, "`user.age` is 151"),
        ("no item", JSON, br#"{"session": [5, 0]}"#, 400, "`session[1]` is 0: the items of the shop are 1 to 3000"),
        ("an item past the last", JSON, br#"{"session": [3001]}"#, 400, "`session[0]` is 3001"),
        ("an item below 0", JSON, br#"{"session": [-1]}"#, 400, "-1"),
        ("half an item", JSON, br#"{"session": [1.5]}"#, 400, "expected u32"),
        ("many clicks", JSON, clicks.as_bytes(), 400, "`session` has 1001 clicks: give the last 1000 at most"),
        ("no limit", JSON, br#"{"limit": 0}"#, 400, "`limit` is 0: it must be 1 to 50"),
        ("a large limit", JSON, br#"{"limit": 51}"#, 400, "`limit` is 51"),
        ("half a body", JSON, br#"{"user": "#, 400, "EOF"),
        ("no JSON", Some("text/plain"), b"{}", 415, "application/json"),
        ("a megabyte", JSON, megabyte.as_bytes(), 413, "longer than 1048576 bytes"),
    ];
    for (what, content_type, body, status, message) in cases {
        let (got, answer) = shop.post(content_type, body);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(got == status && error.contains(message), "{what}: {got} {answer}");
    }
    assert_eq!(shop.get("/predict").0, 405);
    assert_eq!(shop.get("/nowhere").0, 404);
    for item in ["0", "3001", "-1", "kettle"] {
        let (status, error) = shop.get(&format!("/items/{item}"));
        assert!(status == 404 && error.contains(&format!("no item `{item}`")), "{status} {error}");
    }
}

/// What no vocabulary has is what the models know as unknown, and no error.
#[test]
fn of_whom_little_is_known_is_served() {
    let shop = process::open();
    let nobody = shop.predict(json!({}));
    assert_eq!(feed(&nobody).len(), 20);
    let elsewhere = shop.predict(json!({"user": {"country": "Atlantis", "device": "abacus"}}));
    assert_eq!(feed(&nobody), feed(&elsewhere));
    let somebody = shop.predict(json!({"user": {"country": "FR", "age": 44}}));
    assert_ne!(feed(&nobody), feed(&somebody));
}

#[test]
fn health_and_metrics_answer() {
    let shop = process::open();
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(shop.get(path), (200, "ok\n".into()), "{path}");
    }
    shop.predict(json!({}));
    let metrics = shop.get("/metrics").1;
    assert!(metrics.contains(r#"modeldeploy_requests_total{route="/predict""#), "{metrics}");
}

#[test]
fn an_audit_of_the_running_service_sees_its_four_models() {
    let shop = process::open();
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Model.lock");
    let output = process::modeldeploy().args(["audit", &shop.url, "--lock", lock, "--format", "json"]).output();
    let output = output.expect("the command runs");
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{errors}");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let models = told["models"].as_array().expect("a list").iter();
    assert_eq!(models.map(|model| model["name"].as_str().expect("a name")).collect::<Vec<_>>(), MODELS, "{told}");
    let listed: Value = serde_json::from_str(&shop.get("/models").1).expect("JSON");
    for model in listed.as_array().expect("a list") {
        assert!(model["task"] == "rank" && model["gate"]["metric"].is_string(), "{model}");
    }
}

#[test]
fn it_ends_well_when_told() {
    let shop = process::open();
    assert_eq!(shop.get("/readyz").0, 200);
    assert_eq!(shop.close().code(), Some(0));
}

#[test]
fn the_golden_requests_come_back() {
    let output = process::program(&["--self-test"]).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Vec<&str> = text.lines().filter(|line| line.ends_with(" golden requests came back to the bit")).collect();
    let all = told.iter().zip(MODELS).all(|(line, model)| line.starts_with(&format!("{model} 1.0.0: ")));
    assert!(output.status.success() && told.len() == 4 && all, "{text}{}", String::from_utf8_lossy(&output.stderr));
    // Nothing is proved by no request.
    assert!(!text.contains(": 0 golden"), "{text}");
}

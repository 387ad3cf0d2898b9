//! The service from outside: what a client meets.

use crate::process;
use serde_json::{Value, json};
use std::collections::HashMap;

fn recommendations(answer: &Value) -> &[Value] {
    answer["recommendations"].as_array().expect("a list")
}

#[test]
fn a_search_answers_with_products_and_the_models_that_found_them() {
    let shop = process::open();
    let answer = shop.predict(json!({"query": "手机"}));
    let found = recommendations(&answer);
    assert_eq!(found.len(), 10);
    let number = |product: &Value, key: &str| product[key].as_f64().expect("a number");
    let (score, relevance) = (|it: &Value| number(it, "score"), |it: &Value| number(it, "relevance"));
    // The encoder's logit and the re-ranker's, as the README says; the answer's digits are those of f32.
    let both = |product: &Value| 20.0 * score(product) + (relevance(product) / (1.0 - relevance(product))).ln();
    assert!(found.is_sorted_by(|a, b| both(a) >= both(b) - 1e-4), "best first");
    for product in found {
        assert!(product["id"].is_string() && product["price"].as_f64() > Some(0.0), "{product}");
        assert!(score(product) <= 1.0 + 1e-5, "{product}");
        assert!((0.0..=1.0).contains(&relevance(product)), "{product}");
        assert!(product.get("why").is_none(), "no explanation unless asked for");
    }
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Model.lock")).expect("Model.lock");
    for (key, name) in [("model", "query-encoder"), ("re_ranker", "re-ranker")] {
        let model = &answer[key];
        assert_eq!(model["name"], name);
        for fact in ["version", "digest"] {
            assert!(lock.contains(model[fact].as_str().expect("a text")), "{fact} of {model} is not in Model.lock");
        }
    }
}

/// The judgments are the catalogue generator's own knowledge; no model had a part in them.
#[test]
fn held_out_queries_find_what_was_judged_relevant_and_sooner_when_re_ranked() {
    let shop = process::open();
    let read = |name: &str| {
        let path = format!("{}/eval/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let mut judged: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for line in read("judgments.heldout.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let Ok(rating) = fields[2].parse() else { continue };
        judged.entry(fields[0].into()).or_default().insert(fields[1].into(), rating);
    }
    let gain = |rating: f64, rank: usize| (rating.exp2() - 1.0) / (rank as f64 + 2.0).log2();
    let mut ndcgs = vec![];
    // None of the fourth by which the re-ranker's recipe was chosen.
    for line in read("queries.heldout.jsonl").lines().skip(3).step_by(8) {
        let query: Value = serde_json::from_str(line).expect("a query");
        let ratings = &judged[query["id"].as_str().expect("an id")];
        let rating = |product: &Value| ratings.get(product["id"].as_str().expect("an id")).copied().unwrap_or(0.0);
        let got = [false, true].map(|rerank| -> f64 {
            let answer = shop.predict(json!({"query": query["text"], "rerank": rerank}));
            recommendations(&answer).iter().enumerate().map(|(rank, product)| gain(rating(product), rank)).sum()
        });
        let mut best: Vec<f64> = ratings.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        let best: f64 = best.iter().take(10).enumerate().map(|(rank, &rating)| gain(rating, rank)).sum();
        ndcgs.push(got.map(|got| got / best));
    }
    let mean = |at: usize| ndcgs.iter().map(|of| of[at]).sum::<f64>() / ndcgs.len() as f64;
    let (found, re_ranked) = (mean(0), mean(1));
    assert!(found >= 0.6, "mean ndcg@10 of {} held-out queries is {found:.3}", ndcgs.len());
    assert!(re_ranked > found, "and {re_ranked:.3} re-ranked");
}

#[test]
fn an_explanation_marks_words_and_gives_the_texts_back() {
    let shop = process::open();
    let answer = shop.predict(json!({"query": "red running shoes", "limit": 3, "explain": true}));
    for product in recommendations(&answer) {
        let text = |pieces: &Value| -> String {
            pieces.as_array().expect("pieces").iter().map(|piece| piece["text"].as_str().expect("a text")).collect()
        };
        assert_eq!(text(&product["why"]["query"]), "red running shoes");
        assert_eq!(text(&product["why"]["title"]["en"]), product["title"].as_str().expect("a title"));
        assert!(!text(&product["why"]["title"]["zh"]).is_empty());
        let weights: Vec<f64> = product["why"]["query"]
            .as_array()
            .expect("pieces")
            .iter()
            .map(|piece| piece["weight"].as_f64().expect("a weight"))
            .collect();
        assert!(weights.contains(&1.0) && weights.iter().all(|weight| (0.0..=1.0).contains(weight)), "{weights:?}");
    }
}

#[test]
fn the_answer_does_not_depend_on_company() {
    let shop = process::open();
    let alone = shop.predict(json!({"query": "保温杯", "limit": 20}));
    let shop = &shop;
    std::thread::scope(|scope| {
        let ask = |query: &'static str| scope.spawn(move || shop.predict(json!({"query": query, "limit": 20})));
        let asked: Vec<_> = (0..16)
            .map(|turn| {
                ask(if turn % 2 == 0 {
                    "保温杯"
                } else {
                    "a very long query about a coffee machine with a milk frother"
                })
            })
            .collect();
        for answer in asked.into_iter().step_by(2) {
            assert_eq!(answer.join().expect("an answer"), alone);
        }
    });
}

#[test]
fn bad_requests_are_refused_with_a_reason() {
    let shop = process::open();
    const JSON: Option<&str> = Some("application/json");
    let megabyte = format!(r#"{{"query": "{}"}}"#, "a".repeat(1 << 20));
    let explained = format!(r#"{{"query": "{}", "explain": true}}"#, "a ".repeat(1_001));
    /// What it is, the content type, the body, the status and a part of the message.
    type Case<'a> = (&'a str, Option<&'a str>, &'a [u8], u16, &'a str);
    let cases: [Case<'_>; 14] = [
        ("no text", JSON, br#"{"query": ""}"#, 400, "`query` is empty"),
        ("only blanks", JSON, br#"{"query": " \t\n"}"#, 400, "`query` is empty"),
        ("no query", JSON, b"{}", 400, "missing field `query`"),
        (
            "an array",
            JSON,
            br#"["red shoes", 3]"#,
            400,
            "an object with the keys `query`, `limit`, `explain`, `rerank`",
        ),
        ("another field", JSON, br#"{"query": "a", "k": 3}"#, 400, "unknown field `k`"),
        ("a number", JSON, br#"{"query": 7}"#, 400, "expected a string"),
        ("no limit", JSON, br#"{"query": "a", "limit": 0}"#, 400, "`limit` is 0"),
        ("a large limit", JSON, br#"{"query": "a", "limit": 101}"#, 400, "`limit` is 101"),
        ("a long explanation", JSON, explained.as_bytes(), 400, "at most 2000 are explained"),
        ("a lone surrogate", JSON, br#"{"query": "\ud83d"}"#, 400, "cannot be read"),
        ("not UTF-8", JSON, b"{\"query\": \"\xff\"}", 400, "cannot be read"),
        ("half a body", JSON, br#"{"query": "#, 400, "EOF"),
        ("no JSON", Some("text/plain"), br#"{"query": "a"}"#, 415, "application/json"),
        ("a megabyte", JSON, megabyte.as_bytes(), 413, "longer than 1048576 bytes"),
    ];
    for (what, content_type, body, status, message) in cases {
        let (got, answer) = shop.post(content_type, body);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(got == status && error.contains(message), "{what}: {got} {answer}");
    }
    assert_eq!(shop.get("/predict").0, 405);
    assert_eq!(shop.get("/nowhere").0, 404);
}

#[test]
fn a_long_query_is_cut_and_not_refused() {
    let shop = process::open();
    let answer = shop.predict(json!({"query": "phone ".repeat(20_000)}));
    assert_eq!(recommendations(&answer).len(), 10);
}

#[test]
fn health_metrics_and_models_answer() {
    let shop = process::open();
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(shop.get(path), (200, "ok\n".into()), "{path}");
    }
    shop.predict(json!({"query": "desk"}));
    let (status, metrics) = shop.get("/metrics");
    assert_eq!(status, 200);
    // The last model that it asked is a label, too.
    for (family, labels) in [
        ("modeldeploy_requests_total", r#"route="/predict",model="re-ranker",version="1.0.0",status="200""#),
        (
            "modeldeploy_request_duration_seconds_bucket",
            r#"route="/predict",model="re-ranker",version="1.0.0",le="0.005""#,
        ),
        ("modeldeploy_model_build_info", r#"model="query-encoder",version="1.0.0""#),
    ] {
        let line = format!("{family}{{{labels}");
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
    let models: Value = serde_json::from_str(&shop.get("/models").1).expect("JSON");
    assert_eq!([&models[0]["name"], &models[1]["name"]], ["query-encoder", "re-ranker"]);
}

#[test]
fn it_ends_well_when_told() {
    let shop = process::open();
    assert_eq!(shop.get("/readyz").0, 200);
    assert_eq!(shop.close().code(), Some(0));
}

#[test]
fn the_golden_vectors_come_back() {
    let output = process::program(&["--self-test"]).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.starts_with("query-encoder ") && text.contains("\nre-ranker "),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn wrong_options_and_taken_addresses_are_refused() {
    let shop = process::open();
    let address = shop.url.trim_start_matches("http://");
    for (args, message) in
        [(&["--listen", "nowhere"][..], "--listen is `nowhere`"), (&["--listen", address], "cannot listen on")]
    {
        let output = process::program(args).output().expect("the program runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(message) && text.contains("help: "), "{args:?}: {text}");
    }
}

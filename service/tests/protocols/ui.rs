//! What the dashboard asks, without a browser: `service/tests/pages/` has one.

use crate::client::{Answer, floats, get, post, rows_of, same_bits};
use crate::models::{Encoder2, Ranker, rows};
use axum::http::StatusCode;
use modeldeploy::model::{Input, Model};
use serde_json::{Value, json};

async fn ask(body: Value) -> Answer {
    post("/ui/try", &[("content-type", "application/json")], body.to_string()).await
}

#[tokio::test]
async fn what_is_tried_has_the_engines_bits_its_tokens_and_its_times() {
    let answer = ask(json!({"model": "encoder", "texts": [{"text": "phone"}, {"text": "abcdefghijklmnop"}]})).await;
    let shown = answer.json();
    for (at, row) in rows_of::<Encoder2>(&["phone", "abcdefghijklmnop"]).iter().enumerate() {
        same_bits(&floats(&shown["texts"][at]["values"]), row);
    }
    let ids = |text: &Value| -> Vec<u64> {
        text["tokens"].as_array().expect("a list").iter().map(|token| token["id"].as_u64().expect("an id")).collect()
    };
    let expected: Vec<u64> =
        [0].into_iter().chain("phone".bytes().map(|byte| crate::packs::token_of(byte).into())).chain([1]).collect();
    assert_eq!(ids(&shown["texts"][0]), expected);
    assert_eq!((ids(&shown["texts"][1]).len(), &shown["texts"][1]["uncut"]), (9, &json!(18)));
    let times = answer.headers["server-timing"].to_str().expect("ASCII");
    for stage in ["tokenize;dur=", "queue;dur=", "infer;dur=", "serialize;dur="] {
        assert!(times.contains(stage), "{stage}: {times}");
    }

    let pair = ask(json!({"model": "ranker", "texts": [{"text": "ab", "pair": "cde"}]})).await.json();
    let expected = rows::<Ranker>([Input { text: "ab", pair: Some("cde"), ..Input::default() }]).concat();
    same_bits(&floats(&pair["texts"][0]["values"]), &expected);
    let sides = pair["texts"][0]["tokens"].as_array().expect("a list").iter().map(|token| token["side"].as_u64());
    assert!(sides.clone().any(|side| side == Some(0)) && sides.clone().any(|side| side == Some(1)), "{pair}");
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_with_its_cause() {
    for (body, status, message) in [
        (json!({"model": "x", "texts": []}), 404, "there is no model `x`"),
        (json!({"model": "encoder", "version": "9", "texts": []}), 404, "there is no version `9`"),
        (json!({"model": "encoder", "prompt": "x", "texts": [{"text": "a"}]}), 400, "no prompt `x`; there is `query`"),
        (json!({"model": "ranker", "texts": [{"text": "a"}]}), 400, "the model scores a query and a document"),
        (json!({"model": "encoder", "texts": ["a"]}), 400, "`texts[0]`: invalid type: string"),
        (json!({"model": "encoder", "texts": [["a", "b"]]}), 400, "expected an object with the keys `text`, `pair`"),
        (json!({"model": "encoder", "texts": [], "more": 1}), 400, "unknown field `more`"),
    ] {
        let answer = ask(body).await;
        let error = answer.json();
        assert_eq!(answer.status.as_u16(), status, "{error}");
        assert!(error["error"].as_str().is_some_and(|error| error.contains(message)), "{message}: {error}");
    }
}

#[tokio::test]
async fn the_models_are_told_with_what_their_gates_measured() {
    let models = get("/ui/models").await.json();
    let gate = Encoder2::FACTS.gate.expect("a gate");
    let told = json!({
        "metric": gate.metric, "base": gate.base, "got": gate.got,
        "thresholds": {"min-cosine": "0.98", "min-ratio": "0.99"}, "figures": {"cosine-min": "0.999953"},
    });
    assert_eq!(
        (&models[0]["name"], &models[0]["version"], &models[0]["gate"]),
        (&json!("encoder"), &json!("2.1.0"), &told)
    );
    assert_eq!((&models[3]["labels"], &models[3]["gate"]), (&json!(crate::packs::means::LABELS), &Value::Null));
    let state = get("/ui/state").await.json();
    let names = |value: &Value| -> Vec<Value> {
        value.as_array().expect("a list").iter().map(|model| model["version"].clone()).collect()
    };
    assert_eq!(names(&state["models"]), names(&models));
}

#[tokio::test]
async fn pages_load_nothing_but_their_own() {
    for page in ["/ui", "/docs"] {
        let answer = get(page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        let policy = answer.headers["content-security-policy"].to_str().expect("ASCII");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        // What it names is there, and none of it is elsewhere.
        let parts = answer
            .text()
            .split('"')
            .filter(|text| text.ends_with(".css") || text.ends_with(".js") || text.ends_with(".svg"));
        for part in parts {
            assert!(part.starts_with(page), "{part}");
            assert_eq!(get(part).await.status, StatusCode::OK, "{part}");
        }
        assert!(!answer.text().contains("http"), "{page} names an address");
    }
}

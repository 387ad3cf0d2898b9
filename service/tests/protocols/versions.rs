//! Versions side by side: which one answers, that it says so, and that a shadow changes nothing and is compared rightly.

use crate::client::{Answer, floats, rows_of, same_bits, send};
use crate::packs::{self, Head, Precision};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use modeldeploy::Error;
use modeldeploy::format::Task;
use modeldeploy::model::{Engine, Facts, Input, Model, Space};
use modeldeploy_service::{Service, Share, Version};
use serde_json::{Value, json};
use std::sync::OnceLock;

const EMBED: Facts = Facts {
    task: Task::Embed,
    max_tokens: packs::MAX_TOKENS as usize,
    outputs: packs::SMALL.width as usize,
    normalized: true,
    labels: &[],
    prompts: &["query"],
    gate: None,
};
const SCORE: Facts = Facts { task: Task::Score, outputs: 1, normalized: false, ..EMBED };
const CLASSIFY: Facts =
    Facts { task: Task::Classify, outputs: 3, normalized: false, labels: &["bad", "fair", "good"], ..EMBED };

// One model in three precisions: what they say is near, and not the same.
pub(crate) struct Int8;
pub(crate) struct Bf16;
struct F32;
struct ScoreInt8;
struct ScoreF32;
pub(crate) struct MoodInt8;
pub(crate) struct MoodF32;
struct OtherWidth;

model!(Int8: "query-encoder" "1.2.0", EMBED, packs::build(Precision::Int8, Head::Embed, vec![]).pack);
model!(Bf16: "query-encoder-next" "1.3.0", EMBED, packs::build(Precision::Bf16, Head::Embed, vec![]).pack);
model!(F32: "query-encoder-try" "2.0.0", EMBED, packs::build(Precision::F32, Head::Embed, vec![]).pack);
model!(ScoreInt8: "ranker" "1.0.0", SCORE, packs::build(Precision::Int8, Head::Score, vec![]).pack);
model!(ScoreF32: "ranker" "2.0.0", SCORE, packs::build(Precision::F32, Head::Score, vec![]).pack);
model!(MoodInt8: "mood" "1.0.0", CLASSIFY, packs::build(Precision::Int8, Head::Classify, vec![]).pack);
model!(MoodF32: "mood" "2.0.0", CLASSIFY, packs::build(Precision::F32, Head::Classify, vec![]).pack);
model!(OtherWidth: "wide" "3.0.0", Facts { outputs: 2, ..EMBED }, packs::means::build(Task::Embed));

fn plain() -> Service {
    Service::new("shop", "1.2.3")
}

/// The stable version answers three of four, the canary one.
pub(crate) fn three_to_one() -> Service {
    plain().versions("encoder", [Version::stable::<Int8>(), Version::canary::<Bf16>(Share::percent(25.0))])
}

fn router(service: Service) -> Router {
    service.into_router().expect("a router")
}

async fn ask(router: &Router, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router, request.body(body.into()).expect("a request")).await
}

pub(crate) async fn get(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).expect("a request")).await
}

/// The version that an answer says it is of.
#[track_caller]
fn version(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.headers["x-model-version"].to_str().expect("ASCII")
}

/// A body of each protocol that asks for the vector of `phone`, and the place of that in its answer.
fn bodies() -> [(&'static str, Value, &'static str); 6] {
    let oip = json!({"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["phone"]}]});
    [
        ("/v2/models/{}/infer", oip, "/outputs/0/data"),
        ("/v1/models/{}:predict", json!({"instances": ["phone"]}), "/predictions/0"),
        ("/v1/embeddings", json!({"model": "{}", "input": "phone"}), "/data/0/embedding"),
        ("/embed", json!({"inputs": "phone"}), "/0"),
        ("/predictions/{}", json!({"data": "phone"}), ""),
        ("/invocations", json!({"inputs": ["phone"]}), "/predictions/0"),
    ]
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn what_a_request_asks_for_answers_in_every_protocol() {
    let router = router(three_to_one());
    let expected = |version: &str| match version {
        "1.2.0" => rows_of::<Int8>(&["phone"]).concat(),
        _ => rows_of::<Bf16>(&["phone"]).concat(),
    };
    let headers = [
        ("x-model-label", "stable", "1.2.0"),
        ("x-model-label", "canary", "1.3.0"),
        ("x-model-version", "1.2.0", "1.2.0"),
        ("x-model-version", "1.3.0", "1.3.0"),
    ];
    for (path, body, place) in bodies() {
        let named = |name: &str| (path.replace("{}", name), body.to_string().replace("{}", name));
        for (header, value, answers) in headers {
            let (path, body) = named("encoder");
            let answer = ask(&router, &path, &[JSON, (header, value)], body).await;
            assert_eq!(version(&answer), answers, "{path} {header} {value}");
            same_bits(&floats(answer.json().pointer(place).expect(place)), &expected(answers));
        }
        if !path.contains("{}") && !body.to_string().contains("{}") {
            continue;
        }
        for (name, answers) in [
            ("encoder@canary", "1.3.0"),
            ("encoder:canary", "1.3.0"),
            ("encoder:1.2.0", "1.2.0"),
            ("encoder@1.3.0", "1.3.0"),
        ] {
            let (path, body) = named(name);
            // What stands with the name goes before a header.
            let answer = ask(&router, &path, &[JSON, ("x-model-label", "none")], body).await;
            assert_eq!(version(&answer), answers, "{path}");
            same_bits(&floats(answer.json().pointer(place).expect(place)), &expected(answers));
        }
    }
    let [(_, oip, _), (_, instances, _), ..] = bodies();
    for (path, body, answers) in [
        ("/v2/models/encoder/versions/canary/infer", &oip, "1.3.0"),
        ("/v2/models/encoder/versions/1.2.0/infer", &oip, "1.2.0"),
        ("/v1/models/encoder/labels/canary:predict", &instances, "1.3.0"),
        ("/v1/models/encoder/labels/stable:predict", &instances, "1.2.0"),
        // Both are 1 there: the stable one answers.
        ("/v1/models/encoder/versions/1:predict", &instances, "1.2.0"),
        ("/predictions/encoder/canary", &instances, "1.3.0"),
    ] {
        assert_eq!(version(&ask(&router, path, &[JSON], body.to_string()).await), answers, "{path}");
    }
}

#[tokio::test]
async fn what_is_asked_for_and_not_there_is_an_error_that_says_what_is() {
    let router = router(three_to_one());
    let known = "; there is 1.3.0 (canary), 1.2.0 (stable)";
    for (path, body, _) in bodies() {
        let (path, body) = (path.replace("{}", "encoder"), body.to_string().replace("{}", "encoder"));
        for (header, value, message) in [
            ("x-model-label", "shadow", "there is no label `shadow` of model `encoder`"),
            ("x-model-version", "2.0.0", "there is no version `2.0.0` of model `encoder`"),
        ] {
            let answer = ask(&router, &path, &[JSON, (header, value)], body.clone()).await;
            let is_client_error = answer.status.is_client_error();
            assert!(
                is_client_error && answer.text().contains(&format!("{message}{known}")),
                "{path} {}",
                answer.text()
            );
        }
    }
    let both = [JSON, ("x-model-version", "1.3.0"), ("x-model-label", "stable")];
    let answer = ask(&router, "/embed", &both, r#"{"inputs": "a"}"#).await;
    assert!(answer.text().contains("there is no version `1.3.0` with the label `stable`"), "{}", answer.text());
    let answer = get(&router, "/v1/models/encoder/labels/next").await;
    assert!(answer.status == StatusCode::NOT_FOUND && answer.text().contains("there is no label `next`"));
    assert_eq!(get(&router, "/v1/models/encoder/labels/canary/metadata").await.status, StatusCode::OK);
}

#[tokio::test]
async fn shares_are_kept_and_a_key_stays_with_its_version() {
    let router = router(three_to_one());
    let body = r#"{"inputs": "phone"}"#;
    let mut canary = 0;
    for _ in 0..200 {
        canary += u32::from(version(&ask(&router, "/embed", &[], body).await) == "1.3.0");
    }
    assert!((47..=53).contains(&canary), "{canary} of 200 are not a quarter");
    // By sha256sum of `encoder`, a zero byte and the key, as a part of 1.
    for (user, part) in
        [0.929, 0.182, 0.968, 0.867, 0.409, 0.549, 0.998, 0.428, 0.391, 0.106, 0.625, 0.664].into_iter().enumerate()
    {
        let key = format!("user-{user}");
        let expected = if part < 0.25 { "1.3.0" } else { "1.2.0" };
        for path in ["/embed", "/invocations"] {
            let answer =
                ask(&router, path, &[JSON, ("x-routing-key", &key)], body.replace("\"phone\"", "[\"phone\"]")).await;
            assert_eq!(version(&answer), expected, "{key}");
        }
    }
}

/// `/embed` and others tell how long they took.
fn without_times(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let headers = answer.headers.iter().filter(|(name, _)| !name.as_str().ends_with("-time"));
    headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

#[tokio::test]
async fn a_shadow_changes_no_byte_of_an_answer_and_is_seen_by_nobody() {
    let alone = router(plain().versions("encoder", [Version::stable::<Int8>()]));
    let followed = router(plain().versions("encoder", [Version::shadow::<F32>(), Version::stable::<Int8>()]));
    let texts = ["phone", "手机", "", "abc abc abc abc abc abc abc"];
    for (path, body, _) in bodies() {
        for text in texts {
            let path = path.replace("{}", "encoder");
            let body = body.to_string().replace("{}", "encoder").replace("phone", text);
            let (a, b) = (ask(&alone, &path, &[JSON], body.clone()).await, ask(&followed, &path, &[JSON], body).await);
            assert_eq!(
                (a.status, without_times(&a), a.text()),
                (b.status, without_times(&b), b.text()),
                "{path} {text}"
            );
        }
    }
    for path in
        ["/v2/models", "/v2/models/encoder", "/v1/models", "/v1/models/encoder", "/v1/models/encoder/metadata", "/info"]
    {
        assert_eq!(get(&alone, path).await.text(), get(&followed, path).await.text(), "{path}");
    }
    for label in ["shadow", "2.0.0"] {
        let answer = ask(&followed, &format!("/predictions/encoder/{label}"), &[], "phone").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{label}");
    }
    // It is listed among what is compiled in.
    let listed = get(&followed, "/models").await.json();
    assert_eq!((&listed[0]["version"], &listed[0]["label"]), (&json!("2.0.0"), &json!("shadow")));
}

/// The report on a model once so many requests were compared.
pub(crate) async fn report(router: &Router, name: &str, requests: u64) -> Value {
    loop {
        let report = get(router, &format!("/models/{name}/shadow")).await.json();
        let shadow = &report["shadows"][0];
        assert_eq!((&shadow["dropped"], &shadow["failed"]), (&json!(0), &json!(0)), "{report}");
        if shadow["compared"] == requests {
            return shadow.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[track_caller]
pub(crate) fn near(got: &Value, expected: f64) {
    let got = got.as_f64().expect("a number");
    assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
}

#[tokio::test]
async fn a_shadows_vectors_are_compared_as_the_engines_say() {
    let router = router(plain().versions("encoder", [Version::stable::<Int8>(), Version::shadow::<F32>()]));
    let texts = ["phone", "手机", "abc", "a", "phone case"];
    let ask = |inputs: Value| ask(&router, "/embed", &[], json!({ "inputs": inputs, "truncate": true }).to_string());
    assert_eq!(version(&ask(json!(texts)).await), "1.2.0");
    assert_eq!(version(&ask(json!("phone")).await), "1.2.0");
    let found = report(&router, "encoder", 2).await;
    let distance = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let dot = |a: &[f32], b: &[f32]| (0..a.len()).map(|i| f64::from(a[i]) * f64::from(b[i])).sum::<f64>();
        1.0 - dot(a, b) / dot(a, a).sqrt() / dot(b, b).sqrt()
    };
    let mut distances: Vec<f64> = rows_of::<Int8>(&texts).iter().zip(&rows_of::<F32>(&texts)).map(distance).collect();
    distances.push(distances[0]);
    assert!(distances.iter().all(|&distance| distance > 1e-7), "the two differ: {distances:?}");
    let against = &found["against"][0];
    assert_eq!((&found["version"], &found["measure"]), (&json!("2.0.0"), &json!("1 - cosine")));
    assert_eq!((&against["version"], &against["texts"]), (&json!("1.2.0"), &json!(6)));
    near(&against["distance"]["mean"], distances.iter().sum::<f64>() / 6.0);
    near(&against["distance"]["max"], distances.iter().copied().fold(0.0, f64::max));
    for limit in against["distance"]["at_most"].as_array().expect("limits") {
        let expected = distances.iter().filter(|&&distance| distance <= limit[0].as_f64().expect("a limit")).count();
        assert_eq!(limit[1], expected, "{limit}");
    }
    let metrics = get(&router, "/metrics").await;
    for line in [
        r#"modeldeploy_shadow_requests_total{model="encoder",version="2.0.0",outcome="compared"} 2"#,
        r#"modeldeploy_shadow_requests_total{model="encoder",version="2.0.0",outcome="dropped"} 0"#,
        r#"modeldeploy_shadow_distance_count{model="encoder",version="2.0.0",against="1.2.0"} 6"#,
    ] {
        assert!(metrics.text().contains(line), "{line} is not in\n{}", metrics.text());
    }
}

#[tokio::test]
async fn a_shadows_scores_and_labels_are_compared_as_the_engines_say() {
    let service = plain()
        .versions("ranker", [Version::stable::<ScoreInt8>(), Version::shadow::<ScoreF32>()])
        .versions("mood", [Version::stable::<MoodInt8>(), Version::shadow::<MoodF32>()]);
    let router = router(service);
    let documents = ["abc", "de", "fghi", "phone", "手机", "a b c"];
    let body = json!({ "query": "phone", "texts": documents, "truncate": true });
    assert_eq!(version(&ask(&router, "/rerank", &[], body.to_string()).await), "1.0.0");
    let found = report(&router, "ranker", 1).await;
    let pairs = || documents.map(|pair| Input { text: "phone", pair: Some(pair), ..Input::default() });
    let [a, b] =
        [crate::models::rows::<ScoreInt8>(pairs()).concat(), crate::models::rows::<ScoreF32>(pairs()).concat()];
    let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).collect();
    let against = &found["against"][0];
    near(&against["distance"]["mean"], differences.iter().sum::<f64>() / 6.0);
    near(&against["distance"]["max"], differences.iter().copied().fold(0.0, f64::max));
    // No two scores are equal, so that it is 1 − 6 Σd² ⁄ n(n² − 1).
    let rank = |scores: &[f32], score: f32| scores.iter().filter(|&&other| other < score).count() as f64;
    let squares: f64 = a.iter().zip(&b).map(|(&x, &y)| (rank(&a, x) - rank(&b, y)).powi(2)).sum();
    near(&against["rank_correlation"]["mean"], 1.0 - 6.0 * squares / (6.0 * 35.0));

    let body = json!({ "inputs": documents.map(|text| [text]), "truncate": true });
    assert_eq!(version(&ask(&router, "/predict", &[], body.to_string()).await), "1.0.0");
    let found = report(&router, "mood", 1).await;
    let label = |row: &Vec<f32>| (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b]));
    let (a, b) = (rows_of::<MoodInt8>(&documents), rows_of::<MoodF32>(&documents));
    let agreed = a.iter().zip(&b).filter(|(a, b)| label(a) == label(b)).count();
    assert_eq!(found["against"][0]["labels_agreed"], agreed);
    let farthest =
        |(a, b): (&Vec<f32>, &Vec<f32>)| (0..3).map(|i| (f64::from(a[i]) - f64::from(b[i])).abs()).fold(0.0, f64::max);
    let farthest: Vec<f64> = a.iter().zip(&b).map(farthest).collect();
    near(&found["against"][0]["distance"]["mean"], farthest.iter().sum::<f64>() / 6.0);
}

#[tokio::test]
async fn a_model_without_a_shadow_has_nothing_to_report() {
    let router = router(three_to_one());
    assert_eq!(get(&router, "/models/encoder/shadow").await.json(), json!({"model": "encoder", "shadows": []}));
    let answer = get(&router, "/models/x/shadow").await;
    assert!(answer.status == StatusCode::NOT_FOUND && answer.text().contains("there is no model `x`"));
}

#[test]
fn versions_that_do_not_go_together_are_refused_at_the_start() {
    let stable = Version::stable::<Int8>;
    for (versions, message) in [
        (vec![Version::shadow::<F32>()], "there is only a shadow, and none that answers"),
        (vec![stable(), Version::of::<ScoreInt8>()], "1.2.0 (stable) is for the task `embed`, 1.0.0 for `score`"),
        (
            vec![stable(), Version::canary::<OtherWidth>(Share::percent(5.0))],
            "1.2.0 (stable) gives 20 values, 3.0.0 (canary) 2",
        ),
        (vec![stable(), Version::shadow::<OtherWidth>()], "3.0.0 (shadow) 2"),
        (vec![stable(), Version::shadow::<F32>().share(Share::percent(5.0))], "2.0.0 (shadow) has a share of 5%"),
        (vec![stable(), Version::of::<F32>().label("stable")], "two of them have the label `stable`"),
        (vec![stable(), Version::of::<F32>().label("Next")], "`Next` cannot be a label"),
        (
            vec![stable().share(Share::percent(90.0)), Version::canary::<F32>(Share::percent(5.0))],
            "the shares are 5% of 2.0.0 (canary), 90% of 1.2.0 (stable), and must be 100%; 1.2.0 (stable) gets what is left",
        ),
    ] {
        let error = plain().versions("encoder", versions).into_router().expect_err(message).to_string();
        assert!(error.starts_with("the versions of model `encoder` do not go together: "), "{error}");
        assert!(error.contains(message), "{error}");
    }
    // Who asks for it by name may get another form; and shares that are all stated add up.
    for versions in [
        vec![stable(), Version::of::<OtherWidth>().label("narrow")],
        vec![stable().share(Share::percent(95.0)), Version::canary::<F32>(Share::percent(5.0))],
    ] {
        assert!(plain().versions("encoder", versions).into_router().is_ok());
    }
}

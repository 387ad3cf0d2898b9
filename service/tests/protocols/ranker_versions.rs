//! Versions of a ranker: a request chooses among them as among those of texts, and which do not go together is said at the start.

use crate::candidates::{ShelfRow, of_shelf};
use crate::client::post_to;
use crate::models::{Feed, Shelf};
use crate::packs::shelf;
use crate::versions::{get, near, report};
use modeldeploy::format::Task;
use modeldeploy::model::{Facts, Gate};
use modeldeploy::rank::{For, RankModel as _, Value};
use modeldeploy_service::{Service, Share, Version};
use serde_json::json;

/// `shelf` 2.0.0.
struct Next;
/// One that scores what is dear otherwise.
struct Thrifty;
/// One that says of itself what its pack is not.
struct Wider;

const FACTS: Facts = Facts {
    task: Task::Rank,
    max_tokens: 1,
    outputs: 1,
    normalized: false,
    labels: &[],
    prompts: &[],
    gate: Some(Gate { metric: "auc", base: "0.75", got: "0.74", thresholds: &[], figures: &[] }),
};

ranker!(Next: "shelf-next" "2.0.0", ["price", "brand"], FACTS, shelf::pack(0.75));
ranker!(Thrifty: "shelf-thrifty" "2.1.0", ["price", "brand"], FACTS, shelf::with_last(0.0, 0.75));
ranker!(Wider: "shelf-wide" "3.0.0", ["price", "brand"], Facts { outputs: 2, ..FACTS }, shelf::pack(0.75));

const JSON: (&str, &str) = ("content-type", "application/json");

fn of(versions: impl IntoIterator<Item = Version>) -> Service {
    Service::new("shop", "1.2.3").versions("shelf", versions)
}

/// What the engine itself says of candidates of the thrifty version.
fn of_thrifty(rows: &[ShelfRow<'_>]) -> Vec<f64> {
    let mut scores = vec![];
    let values: Vec<[Value<'_>; 2]> =
        rows.iter().map(|row| [Value::Number(row.price), Value::Text(row.brand)]).collect();
    let asked = For { user: &[], session: &[] };
    let engine = Thrifty::engine().expect("an engine");
    engine.run_values(asked, values.iter(), |row| scores.extend_from_slice(row)).expect("scores");
    scores
}

#[tokio::test]
async fn paths_headers_and_shares_choose_the_version() {
    let versions = [Version::stable::<Shelf>(), Version::canary::<Next>(Share::percent(25.0))];
    let router = of(versions).into_router().expect("a router");
    let body = json!({"instances": [{"price": 20.0, "brand": "globex"}]}).to_string();
    let score = of_shelf(&[ShelfRow { price: 20.0, brand: "globex" }])[0];
    let asked = async |path: &str, headers: &[(&str, &str)]| {
        let answer = post_to(&router, path, headers, body.clone()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.json()["predictions"], json!([score]), "{path}");
        answer.headers["x-model-version"].to_str().expect("ASCII").to_owned()
    };
    for (path, headers, version) in [
        ("/v1/models/shelf/labels/canary:predict", vec![JSON], "2.0.0"),
        ("/v1/models/shelf/versions/1:predict", vec![JSON], "1.0.0"),
        ("/predictions/shelf/canary", vec![JSON], "2.0.0"),
        ("/v1/models/shelf:predict", vec![JSON, ("x-model-version", "2.0.0")], "2.0.0"),
        ("/invocations", vec![JSON, ("x-model-label", "canary")], "2.0.0"),
    ] {
        assert_eq!(asked(path, &headers).await, version, "{path} {headers:?}");
    }
    let mut canary = 0;
    for _ in 0..100 {
        canary += usize::from(asked("/v1/models/shelf:predict", &[JSON]).await == "2.0.0");
    }
    assert!((22..=28).contains(&canary), "{canary} of 100");
}

#[tokio::test]
async fn a_shadow_changes_no_byte_and_its_scores_are_compared_as_the_engines_say() {
    let stable = Version::stable::<Shelf>;
    let [alone, followed] = [of([stable()]), of([Version::shadow::<Thrifty>(), stable()])];
    let [alone, followed] = [alone, followed].map(|service| service.into_router().expect("a router"));
    let rows = [(3.0, "acme"), (30.0, "acme"), (3.0, "globex"), (30.0, "globex")];
    let instances: Vec<_> = rows.iter().map(|(price, brand)| json!({"price": price, "brand": brand})).collect();
    let wrong = json!({"instances": [{"price": 3.0, "brand": "nobody's"}]}).to_string();
    for body in [json!({ "instances": instances }).to_string(), json!({"instances": instances[3..]}).to_string(), wrong]
    {
        let path = "/v1/models/shelf:predict";
        let (a, b) =
            (post_to(&alone, path, &[JSON], body.clone()).await, post_to(&followed, path, &[JSON], body).await);
        assert_eq!((a.status, a.text(), &a.headers), (b.status, b.text(), &b.headers));
    }
    // What is refused has no scores to compare.
    let found = report(&followed, "shelf", 2).await;
    let rows = rows.map(|(price, brand)| ShelfRow { price, brand });
    let (answered, shadow) = (of_shelf(&rows), of_thrifty(&rows));
    let distance = |at: usize| (answered[at] - shadow[at]).abs();
    let expected: Vec<f64> = (0..4).chain([3]).map(distance).collect();
    let far = expected.iter().copied().fold(0.0, f64::max);
    assert!(far > 0.0, "they differ: {answered:?} {shadow:?}");
    let against = &found["against"][0];
    assert_eq!((&found["version"], &found["measure"]), (&json!("2.1.0"), &json!("difference of scores")));
    assert_eq!((&against["version"], &against["requests"]), (&json!("1.0.0"), &json!(2)));
    assert_eq!((&against["candidates"], against.get("texts")), (&json!(5), None));
    near(&against["distance"]["mean"], expected.iter().sum::<f64>() / 5.0);
    near(&against["distance"]["max"], far);
    // One candidate alone has no rank. No two scores of a model are equal, so that it is 1 − 6 Σd² ⁄ n(n² − 1).
    let rank = |scores: &[f64], score: f64| scores.iter().filter(|&&other| other < score).count() as f64;
    let pairs = answered.iter().zip(&shadow);
    let squares: f64 = pairs.map(|(&x, &y)| (rank(&answered, x) - rank(&shadow, y)).powi(2)).sum();
    assert_eq!(against["rank_correlation"]["requests"], 1);
    near(&against["rank_correlation"]["mean"], 1.0 - 6.0 * squares / (4.0 * 15.0));
    assert!(squares > 0.0, "they rank otherwise: {answered:?} {shadow:?}");
    let metrics = get(&followed, "/metrics").await;
    for line in [
        r#"modeldeploy_shadow_requests_total{model="shelf",version="2.1.0",outcome="compared"} 2"#,
        r#"modeldeploy_shadow_distance_count{model="shelf",version="2.1.0",against="1.0.0"} 5"#,
        r#"modeldeploy_shadow_rank_correlation_count{model="shelf",version="2.1.0",against="1.0.0"} 1"#,
    ] {
        assert!(metrics.text().contains(line), "{line} is not in\n{}", metrics.text());
    }
}

#[tokio::test]
async fn what_does_not_go_together_does_not_start() {
    for (service, message) in [
        (of([Version::shadow::<Next>()]), "there is only a shadow, and none that answers"),
        (of([Version::stable::<Shelf>(), Version::shadow::<Feed>()]), "gives 1 values, 1.0.0 (shadow) 2 or others"),
        (
            of([Version::stable::<Shelf>(), Version::canary::<Feed>(Share::percent(5.0))]),
            "gives 1 values, 1.0.0 (canary) 2 or others",
        ),
        (
            of([Version::stable::<Shelf>(), Version::canary::<Wider>(Share::percent(5.0))]),
            "gives 1 values, 3.0.0 (canary) 2 or others",
        ),
    ] {
        let error = service.into_router().expect_err(message).to_string();
        assert!(
            error.contains("the versions of model `shelf` do not go together: ") && error.contains(message),
            "{error}"
        );
    }
}

#[tokio::test]
async fn its_gate_is_listed() {
    let router = Service::new("shop", "1.2.3").model::<Next>().into_router().expect("a router");
    let request = axum::http::Request::get("/models").body(axum::body::Body::empty()).expect("a request");
    let listed = crate::client::send(&router, request).await.json();
    assert_eq!(listed[0]["gate"], json!({"metric": "auc", "base": "0.75", "got": "0.74"}));
    assert_eq!(listed[0]["task"], "rank");
}

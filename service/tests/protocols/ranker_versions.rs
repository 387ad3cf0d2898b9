//! Versions of a ranker: a request chooses among them as among those of texts, and which do not go together is said at the start.

use crate::candidates::{ShelfRow, of_shelf};
use crate::client::post_to;
use crate::models::{Feed, Shelf};
use crate::packs::shelf;
use modeldeploy::format::Task;
use modeldeploy::model::{Facts, Gate};
use modeldeploy_service::{Service, Share, Version};
use serde_json::json;

/// `shelf` 2.0.0.
struct Next;
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
ranker!(Wider: "shelf-wide" "3.0.0", ["price", "brand"], Facts { outputs: 2, ..FACTS }, shelf::pack(0.75));

const JSON: (&str, &str) = ("content-type", "application/json");

fn of(versions: impl IntoIterator<Item = Version>) -> Service {
    Service::new("shop", "1.2.3").versions("shelf", versions)
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
async fn what_does_not_go_together_does_not_start() {
    for (service, message) in [
        (of([Version::stable::<Shelf>(), Version::shadow::<Next>()]), "is a shadow, and rankers cannot be one yet"),
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

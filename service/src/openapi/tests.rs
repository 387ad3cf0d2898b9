//! The document's operations are the router's: none is absent, none is too many.

#[path = "../../../runtime/tests/packs/mod.rs"]
mod packs;

use super::*;
use crate::Service;
use crate::auth::Auth;
use crate::auth::Tokens;
use crate::bodies::Bodies;
use crate::inference::Inference;
use crate::metrics::Metrics;
use crate::models::{Engines, ModelCard, Served, Share};
use crate::protocols::{self, Whole};
use crate::readiness::Readiness;
use crate::watched::Watched;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use modeldeploy::model::{Engine, Facts};
use modeldeploy::rank;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

/// Pages and their parts, which are for people.
const PAGES: [&str; 2] = ["/docs", "/ui"];

fn served(name: &'static str, task: Task, outputs: usize, labels: &'static [&'static str]) -> Served {
    // What is made of a ranker is its own.
    let reads = if task == Task::Rank { Task::Score } else { task };
    let engine = Engine::new(name, Box::leak(Box::new(packs::means::build(reads)))).expect("an engine");
    let card = ModelCard { name, version: "1.2.0", digest: "sha256:00", space: "" };
    let facts = Facts { task, max_tokens: 16, outputs, normalized: false, labels, prompts: &[], gate: None };
    let engines = Engines::Texts(Box::leak(Box::new(engine)));
    // One version has a label: its paths are there only then.
    let label = (task == Task::Embed).then_some("stable");
    Served { card, facts, engines, entry: card.name, label, share: Share::NONE, is_shadow: false }
}

fn ranker(name: &'static str, outputs: usize, pack: modeldeploy::format::pack::Aligned) -> Served {
    let engine = rank::Engine::new(name, Box::leak(Box::new(pack))).expect("an engine");
    let (task, engines) = (Task::Rank, Engines::Ranker(Box::leak(Box::new(engine))));
    Served { engines, entry: name, label: None, ..served(name, task, outputs, &[]) }
}

fn models() -> Models {
    Models::new(vec![
        served("encoder", Task::Embed, 2, &[]),
        served("ranker", Task::Score, 1, &[]),
        served("mood", Task::Classify, 3, &packs::means::LABELS),
        ranker("shelf", 1, packs::shelf::pack(0.75)),
        ranker("feed", 2, packs::feed::pack(0.0)),
        ranker("nearby", 2, packs::nearby::pack()),
    ])
    .expect("they go together")
}

/// The paths of a router as they are written there: no method of it tells them, but what it prints of itself does.
fn paths(router: &Router) -> Vec<String> {
    let printed = format!("{router:?}");
    let own = printed.split("fallback_router").next().unwrap_or_default();
    let quoted = own.split('"').filter(|text| text.starts_with('/'));
    quoted.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What each path of a router answers: `GET /v2`.
async fn routes(router: Router) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in paths(&router).into_iter().filter(|path| !PAGES.iter().any(|page| path.starts_with(page))) {
        // A path that ends in a parameter may have other methods where that ends in a verb.
        let uri = path.replace(['{', '}'], "");
        for uri in [format!("{uri}:verb"), uri].into_iter().skip(usize::from(!path.ends_with('}'))) {
            let request = Request::builder().method("BREW").uri(&uri).body(Body::empty()).expect("a request");
            let answer = router.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            let allowed = answer.headers()[header::ALLOW].to_str().expect("ASCII");
            let methods = allowed.split(',').filter(|method| *method != "HEAD");
            found.extend(methods.map(|method| format!("{method} {path}")));
        }
    }
    found
}

/// The route that answers a path of the document: that with the most words of its own.
fn route_of(path: &str, routes: &BTreeSet<String>, method: &str) -> Option<String> {
    let method = method.to_uppercase();
    let words = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = words(path);
    let fits = |route: &str| {
        let route = words(route);
        let same = |(word, asked): (&String, &String)| word.starts_with('{') || word == asked;
        let own = route.iter().filter(|word| !word.starts_with('{')).count();
        (route.len() == asked.len() && route.iter().zip(&asked).all(same)).then_some(own)
    };
    let of_method =
        routes.iter().filter_map(|route| route.strip_prefix(&format!("{method} ")).map(|path| (route, path)));
    of_method.filter_map(|(route, path)| Some((fits(path)?, route))).max().map(|(_, route)| route.clone())
}

#[tokio::test]
async fn every_route_has_an_operation_and_every_operation_a_route() {
    let service = ("shop", "1.2.3");
    let own = Service::new(service.0, service.1).into_router().expect("a router");
    let about = About::new(service, Limits::default(), Auth::Open, &models()).expect("examples");
    let models = models();
    let cards: Vec<ModelCard> = models.all().iter().map(|model| model.card).collect();
    let metrics = Metrics::new(service.0, service.1, &cards);
    let inference = Inference::start(models, Limits::default(), &metrics).expect("workers");
    let (bodies, auth, readiness) = (Bodies::new(0), Auth::Open, Readiness::new());
    let served = protocols::Served { inference, bodies, auth, service, readiness, metrics, document: None };
    let protocols = protocols::router(Arc::new(served));
    let routes: BTreeSet<_> = routes(own).await.into_iter().chain(routes(protocols).await).collect();
    assert!(routes.contains("POST /v2/models/{name}/infer") && routes.contains("GET /healthz"), "{routes:#?}");

    let sections = std::iter::once(own::section(&about)).chain(protocols::sections(&about)).collect();
    let document = document(&about, sections, None);
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("an item").keys() {
            let route = route_of(path, &routes, method);
            documented.insert(route.unwrap_or_else(|| panic!("no route answers {method} {path}")));
        }
    }
    let absent: Vec<_> = routes.difference(&documented).collect();
    assert!(absent.is_empty(), "routes without an operation: {absent:#?}");
}

#[test]
fn a_document_of_a_services_own_goes_before_the_protocols() {
    let about = About::new(("shop", "1"), Limits::default(), Auth::Open, &models()).expect("examples");
    let own = json!({
        "info": { "title": "Everything" }, "tags": [{ "name": "Shop" }],
        "paths": { "/predict": { "post": { "summary": "Search" } } },
        "components": { "schemas": { "Product": { "type": "object" } } },
    });
    let document = document(&about, protocols::sections(&about), Some(&own));
    assert_eq!((&document["info"]["title"], &document["info"]["version"]), (&json!("Everything"), &json!("1")));
    assert_eq!(document["paths"]["/predict"], own["paths"]["/predict"]);
    assert_eq!(document["tags"][0]["name"], "Shop");
    assert!(
        document["components"]["schemas"]["Product"].is_object()
            && document["components"]["schemas"]["Error"].is_object()
    );
    assert!(document["paths"]["/embed"]["post"].is_object());
}

fn closed() -> Auth {
    let tokens = Watched::new("tokens", vec![], |_, _| Tokens::parse("shop:0123456789abcdef", None)).expect("a token");
    Auth::Tokens { tokens: Arc::new(tokens), open_metrics: false }
}

fn whole_document(auth: Auth) -> Value {
    let about = About::new(("shop", "1"), Limits::default(), auth, &models()).expect("examples");
    document(&about, std::iter::once(own::section(&about)).chain(protocols::sections(&about)).collect(), None)
}

/// Each operation, with its path.
fn operations(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths.flat_map(|(path, item)| item.as_object().expect("an item").values().map(move |operation| (path, operation)))
}

#[test]
fn a_service_with_tokens_says_where_it_wants_one() {
    let document = whole_document(closed());
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let open = ["/healthz", "/livez", "/readyz", "/health", "/ping", "/v2/health/live", "/v2/health/ready"];
    for (path, operation) in operations(&document) {
        let (is_open, answers) = (open.contains(&path.as_str()), &operation["responses"]);
        let said = [answers["401"].is_object(), answers["429"].is_object(), operation["security"].is_array()];
        assert_eq!(said, [!is_open; 3], "{path}");
    }
    let document = whole_document(Auth::Open);
    assert!(document["components"]["securitySchemes"].is_null());
    assert!(operations(&document).all(|(_, of)| of["security"].is_null() && of["responses"]["401"].is_null()));
}

#[tokio::test]
async fn what_refuses_a_request_as_a_whole_is_as_the_document_says() {
    let document = whole_document(closed());
    let follow = |value: &Value| match value["$ref"].as_str() {
        Some(place) => document.pointer(&place[1..]).unwrap_or_else(|| panic!("{place} is not there")).clone(),
        None => value.clone(),
    };
    let mut seen = BTreeSet::new();
    for (path, operation) in operations(&document) {
        for status in [401, 408, 413, 429, 431u16] {
            let Some(answer) = operation["responses"].get(status.to_string()) else { continue };
            let schema = follow(&follow(answer)["content"][JSON]["schema"]);
            let refused = Whole::new(StatusCode::from_u16(status).expect("a status"), "no");
            let refused = refused.answer(Whose::OfPath.of(path, &HeaderMap::new()));
            let body = refused.into_body().collect().await.expect("a body").to_bytes();
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            let keys =
                |value: &Value| -> BTreeSet<String> { value.as_object().expect("an object").keys().cloned().collect() };
            assert_eq!(keys(&schema["properties"]), keys(&body), "{path} {status}");
            if schema["properties"]["error"]["properties"].is_object() {
                assert_eq!(keys(&schema["properties"]["error"]["properties"]), keys(&body["error"]), "{path} {status}");
            }
            seen.insert(status);
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn a_service_of_rankers_alone_has_a_document_whose_examples_are_theirs() {
    let models = Models::new(vec![ranker("feed", 2, packs::feed::pack(0.0))]).expect("one");
    let about = About::new(("shop", "1"), Limits::default(), Auth::Open, &models).expect("examples");
    let document = document(&about, protocols::sections(&about), None);
    // The golden request of the pack: items 1 and 3, the second country, and 0.25 after the rule that halves.
    let shown = json!([{ "seen": [1, 3], "country": "de", "item": 4, "boost": 0.5 }]);
    let body = &document["paths"]["/invocations"]["post"]["requestBody"]["content"];
    assert_eq!(body[JSON]["examples"]["records"]["value"]["dataframe_records"], shown);
    assert_eq!(
        body["text/csv"]["examples"]["csv"]["value"],
        "seen,country,item,boost\n\"[1,3]\",\"de\",\"4\",\"0.5\"\n"
    );
    let scores = &document["paths"]["/invocations"]["post"]["responses"]["200"]["content"][JSON]["examples"]["csv"];
    let score = packs::feed::expected(&[1, 3], 2, 4);
    assert_eq!(scores["value"], json!({ "predictions": [[score, 0.25]] }));
    assert!(document["paths"]["/v2/models/{name}"].is_object() && document["paths"]["/info"].is_object());
}

#[test]
fn operations_have_names_of_their_own() {
    let about = About::new(("shop", "1"), Limits::default(), Auth::Open, &models()).expect("examples");
    let document = document(&about, protocols::sections(&about), None);
    let items = document["paths"].as_object().expect("paths").values();
    let operations = items.flat_map(|item| item.as_object().expect("an item").values());
    let names: Vec<_> = operations.map(|operation| operation["operationId"].as_str().expect("a name")).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:#?}");
}

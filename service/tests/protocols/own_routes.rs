//! A service's own routes ask its models through the queue: the engine's own numbers, in the request's time.

use crate::client::{Answer, rows_of, same_bits, send};
use crate::models::{Encoder1, Encoder2, Mood, Ranker, rows, service};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use modeldeploy::model::{ClassifyModel, EmbedModel, Input, ScoreModel};
use modeldeploy_service::{Batched, JsonBody, Limits, Refusal, Service};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

macro_rules! task {
    ($($model:ty: $task:ident),*) => { $(impl $task for $model {})* };
}
task!(Encoder1: EmbedModel, Encoder2: EmbedModel, Ranker: ScoreModel, Mood: ClassifyModel);

type Texts = JsonBody<Vec<String>>;

/// What the first text is, alone, and the vectors of all of them by two versions of a model.
async fn vectors(
    old: Batched<Encoder1>,
    new: Batched<Encoder2>,
    JsonBody(texts): Texts,
) -> Result<Json<Value>, Refusal> {
    let first = new.embed(&texts[0]).await?.into_vec();
    let old: Vec<Vec<f32>> = old.embed_batch(&texts).await?.into_iter().map(|vector| vector.into_vec()).collect();
    let new: Vec<Vec<f32>> = new.embed_batch(texts).await?.into_iter().map(|vector| vector.into_vec()).collect();
    Ok(Json(
        json!({"first": bits(&first), "old": old.iter().map(|row| bits(row)).collect::<Vec<_>>(), "new": new.iter().map(|row| bits(row)).collect::<Vec<_>>()}),
    ))
}

async fn scores(ranker: Batched<Ranker>, JsonBody(texts): Texts) -> Result<Json<Value>, Refusal> {
    let one = ranker.score("ab", &texts[0]).await?;
    let all = ranker.clone().score_batch("ab", texts).await?;
    Ok(Json(json!({"one": bits(&[one]), "all": bits(&all)})))
}

async fn moods(mood: Batched<Mood>, JsonBody(texts): Texts) -> Result<Json<Value>, Refusal> {
    let one = mood.classify(&texts[0]).await?;
    let all = mood.classify_batch(texts).await?;
    assert_eq!(one, all[0]);
    let said = |it: &modeldeploy::model::Classification| {
        let values: Vec<f32> = it.all.iter().map(|(_, probability)| *probability).collect();
        json!({"label": it.label, "best": bits(&[it.probability]), "all": bits(&values)})
    };
    Ok(Json(all.iter().map(said).collect()))
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The numbers that an answer has the bits of.
fn floats(bits: &Value) -> Vec<f32> {
    let bits = bits.as_array().expect("a list").iter();
    bits.map(|bits| f32::from_bits(bits.as_u64().and_then(|bits| bits.try_into().ok()).expect("the bits"))).collect()
}

fn own() -> Router {
    Router::new().route("/vectors", post(vectors)).route("/scores", post(scores)).route("/moods", post(moods))
}

async fn ask(service: Service, path: &str, headers: &[(&str, &str)], texts: &[&str]) -> Answer {
    let router = service.into_router().expect("a router");
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(&router, request.body(Body::from(json!(texts).to_string())).expect("a request")).await
}

const TEXTS: [&str; 3] = ["cde", "", "手机 abcdefghijklmnopqrstuvwxyz"];

#[tokio::test]
async fn an_own_route_gets_the_engines_bits() {
    let answer = ask(service().routes(own()), "/vectors", &[], &TEXTS).await.json();
    let (old, new) = (rows_of::<Encoder1>(&TEXTS), rows_of::<Encoder2>(&TEXTS));
    same_bits(&floats(&answer["first"]), &new[0]);
    for at in 0..TEXTS.len() {
        same_bits(&floats(&answer["new"][at]), &new[at]);
    }
    // This one has a default prompt, and the engine alone is told of it.
    let prompt = <Encoder1 as modeldeploy::model::Model>::engine().expect("an engine").prompt(None).expect("a prompt");
    let prompted = rows::<Encoder1>(TEXTS.map(|text| Input { prompt, text, pair: None }));
    assert_ne!(prompted, old);
    for (at, row) in prompted.iter().enumerate() {
        same_bits(&floats(&answer["old"][at]), row);
    }

    let answer = ask(service().routes(own()), "/scores", &[], &TEXTS).await.json();
    let pairs = TEXTS.map(|pair| Input { text: "ab", pair: Some(pair), ..Input::default() });
    let expected = rows::<Ranker>(pairs).concat();
    same_bits(&floats(&answer["all"]), &expected);
    same_bits(&floats(&answer["one"]), &expected[..1]);

    let answer = ask(service().routes(own()), "/moods", &[], &TEXTS).await.json();
    for (at, row) in rows_of::<Mood>(&TEXTS).iter().enumerate() {
        same_bits(&floats(&answer[at]["all"]), row);
        let best = row.iter().copied().fold(f32::MIN, f32::max);
        same_bits(&floats(&answer[at]["best"]), &[best]);
        let label = row.iter().position(|value| *value == best).expect("it is one of them");
        assert_eq!(answer[at]["label"], crate::packs::means::LABELS[label]);
    }
}

/// Of a service with one thread for connections, what is answered while a route holds that thread after a long answer of a model.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_long_answer_to_a_short_question_holds_up_no_other_request() {
    const TEXTS: usize = 5000;
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = Arc::new(Mutex::new(gone));
    // As one that has much to write, it gives its thread to nobody once it has its rows.
    let hold = async move |ranker: Batched<Ranker>| {
        let scores = ranker.score_batch("ab", std::iter::repeat_n("cde", TEXTS)).await.expect("scores");
        gone.lock().expect("no panic").recv_timeout(Duration::from_secs(60)).expect("another is answered");
        scores.len().to_string()
    };
    let limits = Limits { texts: TEXTS, tokens: usize::MAX, ..Limits::default() };
    let routes = Router::new().route("/hold", get(hold)).route("/other", get("other"));
    let router = service().limits(limits).routes(routes).into_router().expect("a router");
    let asked = |path: &'static str| {
        let router = router.clone();
        tokio::spawn(async move { send(&router, Request::get(path).body(Body::empty()).expect("a request")).await })
    };
    let held = asked("/hold");
    // Some while it waits for the model, some after.
    for _ in 0..100 {
        assert_eq!(asked("/other").await.expect("answered").text(), "other");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    go.send(()).expect("it waits");
    assert_eq!(held.await.expect("answered").text(), TEXTS.to_string());
}

#[tokio::test]
async fn what_cannot_be_in_time_is_refused_as_the_protocols_refuse() {
    // Nothing is done in no time.
    let none = Limits { deadline: Duration::ZERO, ..Limits::default() };
    for (service, headers, status) in [
        (service(), &[("x-request-timeout-ms", "soon")][..], StatusCode::BAD_REQUEST),
        (service().limits(Limits { texts: 2, ..Limits::default() }), &[], StatusCode::BAD_REQUEST),
        (service().limits(none), &[("x-request-timeout-ms", "60000")], StatusCode::OK),
    ] {
        let answer = ask(service.routes(own()), "/scores", headers, &TEXTS).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        assert!(status == StatusCode::OK || answer.json()["error"].is_string(), "{}", answer.text());
    }
    // Either its time is over before it asks, or it is foreseen that it will be.
    let answer = ask(service().limits(none).routes(own()), "/scores", &[], &TEXTS).await;
    let late = answer.status == StatusCode::GATEWAY_TIMEOUT;
    let refused = answer.status == StatusCode::TOO_MANY_REQUESTS && answer.headers.contains_key("retry-after");
    assert!(late || refused, "{}: {}", answer.status, answer.text());
}

#[tokio::test]
async fn a_model_that_is_not_served_is_named() {
    let only = Service::new("shop", "1.2.3").model::<Encoder2>().routes(own()).into_router().expect("a router");
    for (path, named) in [("/scores", "model `ranker` 1.0.0"), ("/vectors", "model `encoder` 1.0.0")] {
        let request = Request::post(path).header("content-type", "application/json").body(Body::from("[\"a\"]"));
        let answer = send(&only, request.expect("a request")).await;
        let error = answer.json()["error"].as_str().expect("an error").to_owned();
        assert!(answer.status == StatusCode::INTERNAL_SERVER_ERROR && error.contains(named), "{error}");
    }
    // Nor is there any outside a service.
    let alone: Router = Router::new().route("/scores", get(async |_: Batched<Ranker>| "scores"));
    let answer = send(&alone, Request::get("/scores").body(Body::empty()).expect("a request")).await;
    assert!(answer.status == StatusCode::INTERNAL_SERVER_ERROR && answer.text().contains("Service::routes"));
}

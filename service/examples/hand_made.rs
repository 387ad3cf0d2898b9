//! A service of small models packed by hand, for clients to be tried on: `encoder` in two versions with labels, `ranker` and `mood`, and
//! the rankers `shelf`, `feed` and `nearby`.
//!
//! Its own route `POST /engine/{model}` answers `{"version"?, "prompt"?, "texts": [[text, pair?], …]}` with the rows that the engine
//! itself gives, which nothing of the service has touched; `POST /handle/shelf`, `/handle/feed` and `/handle/nearby` take columns
//! and answer the scores of the ranker's handle or engine. `.ci/clients` holds what clients get against them.

#[path = "../tests/protocols/candidates.rs"]
mod candidates;
#[path = "../tests/protocols/models.rs"]
mod models;
#[path = "../../runtime/tests/packs/mod.rs"]
mod packs;

use axum::extract::Path;
use axum::routing::post;
use axum::{Json, Router};
use candidates::{FeedRow, FeedUser, ShelfRow};
use modeldeploy::model::Input;
use modeldeploy_service::{JsonBody, Refusal};
use models::{Encoder1, Encoder2, Mood, Ranker, rows};
use serde::Deserialize;
use std::process::ExitCode;

/// What is asked of the engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    version: Option<String>,
    /// The text of a prompt, not its name.
    #[serde(default)]
    prompt: String,
    texts: Vec<Vec<String>>,
}

async fn engine(Path(model): Path<String>, JsonBody(ask): JsonBody<Ask>) -> Result<Json<Vec<Vec<f32>>>, Refusal> {
    let input = |texts: &Vec<String>| match &texts[..] {
        [text] => Some((text.clone(), None)),
        [text, pair] => Some((text.clone(), Some(pair.clone()))),
        _ => None,
    };
    let texts: Option<Vec<(String, Option<String>)>> = ask.texts.iter().map(input).collect();
    let texts = texts.ok_or_else(|| Refusal::bad_request("a text is a list of one or two"))?;
    let prompt = ask.prompt.as_str();
    let inputs = texts.iter().map(|(text, pair)| Input { prompt, text, pair: pair.as_deref() });
    Ok(Json(match (model.as_str(), ask.version.as_deref()) {
        ("encoder", Some("1.0.0")) => rows::<Encoder1>(inputs),
        ("encoder", _) => rows::<Encoder2>(inputs),
        ("ranker", _) => rows::<Ranker>(inputs),
        ("mood", _) => rows::<Mood>(inputs),
        _ => return Err(Refusal::bad_request("there is no such model")),
    }))
}

/// Candidates of a shelf; a price that is null is missing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelves {
    price: Vec<Option<f64>>,
    brand: Vec<String>,
}

async fn of_shelf(JsonBody(Shelves { price, brand }): JsonBody<Shelves>) -> Json<Vec<f64>> {
    let rows = price.iter().zip(&brand).map(|(price, brand)| ShelfRow { price: price.unwrap_or(f64::NAN), brand });
    Json(candidates::of_shelf(&rows.collect::<Vec<_>>()))
}

/// A user and candidates of a feed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Feeds {
    seen: Vec<f64>,
    country: [String; 1],
    item: Vec<f64>,
    boost: Vec<f64>,
}

async fn of_feed(JsonBody(Feeds { seen, country, item, boost }): JsonBody<Feeds>) -> Json<Vec<[f64; 2]>> {
    let rows: Vec<_> = item.iter().zip(&boost).map(|(&item, &boost)| FeedRow { item, boost }).collect();
    let scores = candidates::of_feed(&FeedUser { seen: &seen, country: &country[0] }, &rows);
    Json(scores.as_chunks().0.to_vec())
}

/// The embedding of a user, and candidates with one each.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nearest {
    query: [[f32; 3]; 1],
    boost: Vec<f64>,
    title: Vec<[f32; 3]>,
}

async fn of_nearby(JsonBody(Nearest { query, boost, title }): JsonBody<Nearest>) -> Json<Vec<[f64; 2]>> {
    let scores = candidates::of_nearby(&query[0], &title.into_iter().zip(boost).collect::<Vec<_>>());
    Json(scores.as_chunks().0.to_vec())
}

#[tokio::main]
async fn main() -> ExitCode {
    let own = Router::new()
        .route("/engine/{model}", post(engine))
        .route("/handle/shelf", post(of_shelf))
        .route("/handle/feed", post(of_feed))
        .route("/handle/nearby", post(of_nearby));
    match models::service().routes(own).serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

//! A service of small models packed by hand, for clients to be tried on: `encoder` in two versions with labels, `ranker` and `mood`.
//!
//! Its own route `POST /engine/{model}` answers `{"version"?, "prompt"?, "texts": [[text, pair?], …]}` with the rows that the engine
//! itself gives, which nothing of the service has touched. `.ci/clients` holds what clients get against them.

#[path = "../tests/protocols/models.rs"]
mod models;
#[path = "../../runtime/tests/packs/mod.rs"]
mod packs;

use axum::extract::Path;
use axum::routing::post;
use axum::{Json, Router};
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

#[tokio::main]
async fn main() -> ExitCode {
    let own = Router::new().route("/engine/{model}", post(engine));
    match models::service().routes(own).serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

//! `POST /predict`: a shopper's words to the products that are nearest in meaning.

use crate::catalogue::{self, Product};
use crate::why::{self, Why};
use crate::{CatalogueVectors, QueryEncoder};
use axum::routing::post;
use axum::{Json, Router};
use modeldeploy::index::Hit;
use modeldeploy_service::{JsonBody, Refusal};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Products in an answer unless the request says otherwise.
const DEFAULT_LIMIT: usize = 10;
/// The most products in one answer.
const MAX_LIMIT: usize = 100;
/// The longest query that is explained, in characters: the explanation holds all its pieces once for each product.
const MAX_EXPLAINED: usize = 2_000;

pub(crate) fn router() -> Router {
    // While they answer, routes open no files, and in a build for development the vectors are in one.
    let _first = CatalogueVectors::get().id(0);
    Router::new().route("/predict", post(predict))
}

/// A search.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// What the shopper typed, in any language that the model knows.
    query: String,
    /// How many products to answer with, 1 to [`MAX_LIMIT`].
    limit: Option<usize>,
    /// Whether to say which words drew the query and each product together.
    #[serde(default)]
    explain: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Response {
    recommendations: Vec<Recommendation>,
    model: ModelName,
}

/// A product that was found.
#[derive(Debug, Serialize)]
struct Recommendation {
    id: &'static str,
    /// In the language of the query.
    title: &'static str,
    /// The cosine of query and product.
    score: f32,
    price: f64,
    currency: &'static str,
    category: BothLanguages<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
}

/// Why a search has no answer.
#[derive(Debug)]
enum SearchError {
    /// The model or the index.
    Model(modeldeploy::Error),
    /// The vectors are not those of the products.
    OtherCatalogue,
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SearchError::Model(error) => error.fmt(f),
            SearchError::OtherCatalogue => f.write_str(
                "the vectors were made from another catalogue than the products; `cargo modeldeploy lock` makes them again",
            ),
        }
    }
}

impl From<modeldeploy::Error> for SearchError {
    fn from(error: modeldeploy::Error) -> SearchError {
        SearchError::Model(error)
    }
}

/// The same in English and Chinese.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BothLanguages<T> {
    pub(crate) en: T,
    pub(crate) zh: T,
}

/// Which model answered.
#[derive(Debug, Serialize)]
struct ModelName {
    name: &'static str,
    version: &'static str,
    digest: &'static str,
}

async fn predict(JsonBody(request): JsonBody<Request>) -> Result<Json<Response>, Refusal> {
    if request.query.trim().is_empty() {
        return Err(Refusal::bad_request("`query` is empty: say what is looked for"));
    }
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Refusal::bad_request(format!("`limit` is {limit}: it must be 1 to {MAX_LIMIT}")));
    }
    let length = request.query.chars().count();
    if request.explain && length > MAX_EXPLAINED {
        return Err(Refusal::bad_request(format!(
            "`query` has {length} characters: at most {MAX_EXPLAINED} are explained; leave `explain` out"
        )));
    }
    // The model computes: that is no work for the threads that answer sockets.
    let found = tokio::task::spawn_blocking(move || search(&request.query, limit, request.explain)).await;
    let recommendations = found
        .map_err(|_| Refusal::internal("the search broke off"))?
        .map_err(|error| Refusal::internal(error.to_string()))?;
    let model = ModelName { name: QueryEncoder::NAME, version: QueryEncoder::VERSION, digest: QueryEncoder::DIGEST };
    Ok(Json(Response { recommendations, model }))
}

fn search(query: &str, limit: usize, explain: bool) -> Result<Vec<Recommendation>, SearchError> {
    let vector = QueryEncoder::get().embed(query)?;
    let found = CatalogueVectors::get().top(&vector, limit)?;
    let product = |hit: &Hit| catalogue::product(hit.row, hit.id).map(|product| (product, hit.score));
    let products = found.iter().map(product).collect::<Option<Vec<_>>>().ok_or(SearchError::OtherCatalogue)?;
    let mut whys = if explain { why::explain(query, &products)?.into_iter().map(Some).collect() } else { vec![] };
    whys.resize_with(products.len(), || None);
    let chinese = why::is_chinese(query);
    let recommendation = |((product, score), why): ((&'static Product, f32), Option<Why>)| Recommendation {
        id: &product.id,
        title: if chinese { &product.title_zh } else { &product.title_en },
        score,
        price: product.price,
        currency: &product.currency,
        category: BothLanguages { en: product.category_en.as_str(), zh: product.category_zh.as_str() },
        why,
    };
    Ok(products.into_iter().zip(whys).map(recommendation).collect())
}

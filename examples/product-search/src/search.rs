//! `POST /predict`: a shopper's words to the products that are nearest in meaning, the first of them re-ranked.

use crate::catalogue::{self, Product};
use crate::rerank::{self, rerank};
use crate::why::{self, Why};
use crate::{CatalogueVectors, QueryEncoder, ReRanker};
use axum::routing::post;
use axum::{Json, Router};
use modeldeploy::Embedding;
use modeldeploy::model::Model;
use modeldeploy_service::{Batched, JsonBody, Refusal};
use serde::{Deserialize, Serialize};

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
    /// Whether the re-ranker orders the first products; it does unless the request says otherwise.
    rerank: Option<bool>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Response {
    recommendations: Vec<Recommendation>,
    model: ModelName,
    #[serde(skip_serializing_if = "Option::is_none")]
    re_ranker: Option<ModelName>,
}

/// A product that was found.
#[derive(Debug, Serialize)]
struct Recommendation {
    id: &'static str,
    /// In the language of the query.
    title: &'static str,
    /// The cosine of query and product.
    score: f32,
    /// What the re-ranker says of the two, 0 to 1, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    relevance: Option<f32>,
    /// The product's place by the cosine alone, from 1.
    place: usize,
    price: f64,
    currency: &'static str,
    category: BothLanguages<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
}

/// A product that the index has, on its way into an answer.
pub(crate) struct Found {
    pub(crate) product: &'static Product,
    /// Its place by the cosine alone, from 1.
    place: usize,
    pub(crate) score: f32,
    pub(crate) relevance: Option<f32>,
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

impl ModelName {
    fn of<M: Model>() -> ModelName {
        ModelName { name: M::NAME, version: M::VERSION, digest: M::DIGEST }
    }
}

async fn predict(
    encoder: Batched<QueryEncoder>,
    re_ranker: Batched<ReRanker>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<Response>, Refusal> {
    let query = request.query.as_str();
    if query.trim().is_empty() {
        return Err(Refusal::bad_request("`query` is empty: say what is looked for"));
    }
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Refusal::bad_request(format!("`limit` is {limit}: it must be 1 to {MAX_LIMIT}")));
    }
    let length = query.chars().count();
    if request.explain && length > MAX_EXPLAINED {
        return Err(Refusal::bad_request(format!(
            "`query` has {length} characters: at most {MAX_EXPLAINED} are explained; leave `explain` out"
        )));
    }
    let wants_rerank = request.rerank.unwrap_or(true);
    let vector = encoder.embed(query).await?;
    // One that stands behind the limit may be the best once it is read.
    let mut found = nearest(&vector, if wants_rerank { limit.max(rerank::FIRST) } else { limit })?;
    if wants_rerank {
        rerank(&re_ranker, query, &mut found).await?;
    }
    found.truncate(limit);
    let mut whys = vec![];
    if request.explain {
        let products: Vec<&Product> = found.iter().map(|found| found.product).collect();
        whys.extend(why::explain(&encoder, query, &vector, &products).await?.into_iter().map(Some));
    }
    whys.resize_with(found.len(), || None);
    let chinese = why::is_chinese(query);
    let recommendations = found.into_iter().zip(whys).map(|(found, why)| recommendation(found, chinese, why)).collect();
    Ok(Json(Response {
        recommendations,
        model: ModelName::of::<QueryEncoder>(),
        re_ranker: wants_rerank.then(ModelName::of::<ReRanker>),
    }))
}

/// The nearest products. It takes no longer than tokenizing a text, and is done where that is.
fn nearest(vector: &Embedding<QueryEncoder>, count: usize) -> Result<Vec<Found>, Refusal> {
    let hits = CatalogueVectors::get().top(vector, count).map_err(|error| Refusal::internal(error.to_string()))?;
    let found = |(at, hit): (usize, &modeldeploy::index::Hit)| {
        let product = catalogue::product(hit.row, hit.id)?;
        Some(Found { product, place: at + 1, score: hit.score, relevance: None })
    };
    hits.iter().enumerate().map(found).collect::<Option<_>>().ok_or_else(|| {
        Refusal::internal(
            "the vectors were made from another catalogue than the products; `cargo modeldeploy lock` makes them again",
        )
    })
}

fn recommendation(found: Found, chinese: bool, why: Option<Why>) -> Recommendation {
    let Found { product, place, score, relevance } = found;
    Recommendation {
        id: &product.id,
        title: if chinese { &product.title_zh } else { &product.title_en },
        score,
        relevance,
        place,
        price: product.price,
        currency: &product.currency,
        category: BothLanguages { en: product.category_en.as_str(), zh: product.category_zh.as_str() },
        why,
    }
}

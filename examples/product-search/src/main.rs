//! A shop's semantic search in English and Chinese: the models, the catalogue, its vectors and the page are one binary.

mod catalogue;
mod openapi;
mod page;
mod rerank;
mod search;
mod why;

use modeldeploy::{index, model};
use std::process::ExitCode;

/// Turns a shopper's words into a vector.
#[model("query-encoder")]
pub struct QueryEncoder;

/// Says how well a product answers a query, having read both.
#[model("re-ranker")]
pub struct ReRanker;

/// The vectors of the catalogue's products, made at build time by the same pack.
#[index("catalogue", of = QueryEncoder)]
pub struct CatalogueVectors;

fn main() -> ExitCode {
    let served = modeldeploy_service::Service::new("product-search", env!("CARGO_PKG_VERSION"))
        .model::<QueryEncoder>()
        .model::<ReRanker>()
        .routes(search::router())
        .routes(page::router())
        .openapi(openapi::document())
        .run();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

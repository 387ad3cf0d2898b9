//! A shop's semantic search in English and Chinese: the model, the catalogue, its vectors and the page are one binary.

mod catalogue;
mod page;
mod search;
mod why;

use modeldeploy::{index, model};
use std::process::ExitCode;

/// Turns a shopper's words into a vector.
#[model("query-encoder")]
pub struct QueryEncoder;

/// The vectors of the catalogue's products, made at build time by the same pack.
#[index("catalogue", of = QueryEncoder)]
pub struct CatalogueVectors;

fn main() -> ExitCode {
    let served = modeldeploy_service::Service::new("product-search", env!("CARGO_PKG_VERSION"))
        .model::<QueryEncoder>()
        .routes(search::router())
        .routes(page::router())
        .run();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

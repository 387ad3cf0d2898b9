//! A shop's feed that follows each click: four models, the items and the page are one binary.

mod feed;
mod items;
mod models;
mod openapi;
mod page;
mod predict;
mod rows;
mod seen;
mod shoppers;
mod workers;

use modeldeploy::model;
use std::process::ExitCode;

/// Finds candidates: a shopper with a session and an item as vectors of one space.
#[model("two-tower")]
pub struct TwoTower;

/// Says from the clicks in their order what comes next.
#[model("sasrec")]
pub struct Sasrec;

/// The probability of a click, from both scores and what is known of shopper, session and item.
#[model("ranker")]
pub struct Ranker;

/// The order of the page: purchases before clicks before the rest.
#[model("feed-re-ranker")]
pub struct ReRanker;

fn main() -> ExitCode {
    let served = modeldeploy_service::Service::new("feed-ranking", env!("CARGO_PKG_VERSION"))
        .model::<TwoTower>()
        .model::<Sasrec>()
        .model::<Ranker>()
        .model::<ReRanker>()
        .routes(predict::router())
        .routes(shoppers::router())
        .routes(items::router())
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

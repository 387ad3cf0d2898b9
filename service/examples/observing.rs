//! What observing a request costs: the same route with the layer around it and without, in turns.
//!
//! `cargo run --release --package modeldeploy-service --example observing`

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use modeldeploy_service::observed;
use std::hint::black_box;
use std::time::Instant;
use tower::Service;

const REQUESTS: u32 = 200_000;

async fn nanos(router: &mut Router) -> u128 {
    let begun = Instant::now();
    for _ in 0..REQUESTS {
        let request = Request::get("/v2/models/encoder/infer").body(Body::empty()).expect("a request");
        black_box(router.call(request).await.expect("an answer"));
    }
    begun.elapsed().as_nanos() / u128::from(REQUESTS)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let routes = || Router::new().route("/v2/models/{name}/infer", get(async || ""));
    let (mut plain, mut watched) = (routes(), observed(routes()));
    for _ in 0..7 {
        println!("{} ns a request without, {} ns with", nanos(&mut plain).await, nanos(&mut watched).await);
    }
}

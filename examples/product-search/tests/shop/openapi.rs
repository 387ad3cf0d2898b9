//! The shop's own part of the OpenAPI document: what it says is what is answered.

use crate::process;
use modeldeploy_house::schema::holds;
use serde_json::{Value, json};

#[test]
fn the_search_takes_and_gives_what_the_document_says() {
    let shop = process::open();
    let (status, document) = shop.get("/openapi.json");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(status, 200, "{document}");
    let search = &document["paths"]["/predict"]["post"];
    let body = &search["requestBody"]["content"]["application/json"];
    let answer = &search["responses"]["200"]["content"]["application/json"]["schema"];
    let asked = json!({"query": "wireless headphones", "limit": 25, "explain": true, "rerank": true});
    holds(&asked, &body["schema"], "the request");
    assert_eq!(asked.as_object().map(|all| all.len()), body["schema"]["properties"].as_object().map(|all| all.len()));
    for asked in [asked, json!({"query": "手机", "rerank": false}), body["example"].clone()] {
        holds(&shop.predict(asked), answer, "the answer");
    }
    // The routes of the protocols are there, too.
    assert!(document["paths"]["/embed"]["post"].is_object());
}

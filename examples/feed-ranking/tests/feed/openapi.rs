//! The shop's own part of the OpenAPI document: what it says is what is answered.

use crate::process;
use modeldeploy_house::schema::holds;
use serde_json::{Value, json};

#[test]
fn the_routes_take_and_give_what_the_document_says() {
    let shop = process::open();
    let (status, document) = shop.get("/openapi.json");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(status, 200, "{document}");
    let predict = &document["paths"]["/predict"]["post"];
    let body = &predict["requestBody"]["content"]["application/json"];
    let answer = &predict["responses"]["200"]["content"]["application/json"]["schema"];
    let asked = json!({"user": {"country": "SE", "device": "web", "age": 31}, "session": [5, 2999], "limit": 50});
    holds(&asked, &body["schema"], "the request");
    assert_eq!(asked.as_object().map(|all| all.len()), body["schema"]["properties"].as_object().map(|all| all.len()));
    holds(&body["example"], &body["schema"], "the example");
    for asked in [asked, json!({}), body["example"].clone()] {
        holds(&shop.predict(asked), answer, "the answer");
    }
    let shoppers: Value = serde_json::from_str(&shop.get("/shoppers").1).expect("JSON");
    let schema = &document["paths"]["/shoppers"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    holds(&shoppers, schema, "the shoppers");
    assert_eq!(shoppers.as_array().map(Vec::len), Some(2000));
    let item: Value = serde_json::from_str(&shop.get("/items/2560").1).expect("JSON");
    let one = &document["paths"]["/items/{item}"]["get"]["responses"]["200"];
    holds(&item, &one["content"]["application/json"]["schema"], "the item");
    assert_eq!(item["id"], 2560);
}

/// The protocols' part: a request for each model, made of its golden ones, and the scores that it had.
#[test]
fn every_example_of_a_model_is_answered_as_it_says() {
    let shop = process::open();
    let document: Value = serde_json::from_str(&shop.get("/openapi.json").1).expect("JSON");
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().expect("paths").iter().filter(|(path, _)| *path != "/predict") {
        let operation = &item["post"];
        let answers = &operation["responses"]["200"]["content"]["application/json"]["examples"];
        for (kind, media) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            for (name, example) in media["examples"].as_object().into_iter().flatten() {
                let body = match &example["value"] {
                    Value::String(table) if kind == "text/csv" => table.clone(),
                    value => value.to_string(),
                };
                let (status, answer) = shop.post_to(path, Some(kind), body.as_bytes());
                assert_eq!((status, &answer), (200, &answers[name]["value"]), "{path}, {name}");
                seen += 1;
            }
        }
    }
    // Four models, each by its name and by its versions, and the first by MLflow's tables.
    assert!(seen > 40, "{seen} examples");
}

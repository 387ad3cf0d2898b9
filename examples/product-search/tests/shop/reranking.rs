//! The re-ranker in the search, and as the clients of other model servers ask it.

use crate::process;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

fn lines(path: &str) -> Vec<Value> {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn recommendations(answer: &Value) -> &[Value] {
    answer["recommendations"].as_array().expect("a list")
}

fn id(product: &Value) -> &str {
    product["id"].as_str().expect("an id")
}

#[test]
fn the_first_products_are_put_in_order_and_the_others_stay() {
    let shop = process::open();
    for query in ["不锈钢 保温杯", "red running shoes", "gift for a runner"] {
        let found = shop.predict(json!({"query": query, "limit": 50, "rerank": false}));
        let ordered = shop.predict(json!({"query": query, "limit": 50}));
        assert!(found.get("re_ranker").is_none() && ordered["re_ranker"]["name"] == "re-ranker");
        let (found, ordered) = (recommendations(&found), recommendations(&ordered));
        let ids = |products: &[Value]| products.iter().map(|product| id(product).to_owned()).collect::<Vec<_>>();
        assert_ne!(ids(found), ids(ordered), "{query}: the re-ranker has its own mind");
        assert_eq!(HashSet::<String>::from_iter(ids(&found[..20])), HashSet::from_iter(ids(&ordered[..20])), "{query}");
        assert_eq!(found[20..], ordered[20..], "{query}: behind the first it does not read");
        for (at, product) in found.iter().enumerate() {
            assert!(product["place"] == at + 1 && product.get("relevance").is_none(), "{product}");
        }
        for product in &ordered[..20] {
            let before = &found[product["place"].as_u64().expect("a place") as usize - 1];
            assert!(id(product) == id(before) && product["score"] == before["score"], "{product} {before}");
        }
        // What stands behind the limit may come before it.
        let few = shop.predict(json!({"query": query, "limit": 3}));
        assert_eq!(recommendations(&few), &ordered[..3], "{query}");
    }
}

#[test]
fn every_protocol_gives_the_relevance_that_the_search_has() {
    let shop = process::open();
    let query = "蓝牙 headphones";
    let answer = shop.predict(json!({"query": query, "limit": 20}));
    let found = recommendations(&answer);
    let texts: HashMap<String, String> = lines("catalogue/products.jsonl")
        .iter()
        .map(|product| {
            let title = |key: &str| product[key].as_str().expect("a title").to_owned();
            (id(product).to_owned(), format!("{} {}", title("title_en"), title("title_zh")))
        })
        .collect();
    let documents: Vec<&str> = found.iter().map(|product| texts[id(product)].as_str()).collect();
    let relevances: Vec<&Value> = found.iter().map(|product| &product["relevance"]).collect();

    let ranks = shop.ask("/rerank", json!({"query": query, "texts": documents}));
    let ranks = ranks.as_array().expect("a list");
    assert!(ranks.is_sorted_by(|a, b| a["score"].as_f64() >= b["score"].as_f64()) && ranks.len() == documents.len());
    for rank in ranks {
        let place = rank["index"].as_u64().expect("a place") as usize;
        assert_eq!(&rank["score"], relevances[place], "Text Embeddings Inference");
    }

    let pairs: Vec<[&str; 2]> = documents.iter().map(|document| [query, *document]).collect();
    assert_eq!(&shop.ask("/predictions/re-ranker", json!(pairs[0])), relevances[0], "TorchServe");
    let predictions = shop.ask("/v1/models/re-ranker:predict", json!({"instances": pairs}));
    assert_eq!(predictions["predictions"], json!(relevances), "TensorFlow Serving, KServe");
    let request = json!({"inputs": [{"name": "text", "shape": [pairs.len(), 2], "datatype": "BYTES", "data": pairs}]});
    let outputs = shop.ask("/v2/models/re-ranker/infer", request);
    assert_eq!(outputs["outputs"][0]["data"], json!(relevances), "Open Inference Protocol");
}

/// `training/golden_ranker.jsonl` is PyTorch's own, of the f16 weights; the pack's are int8.
#[test]
fn scores_are_near_those_that_pytorch_gives() {
    let shop = process::open();
    for golden in lines("training/golden_ranker.jsonl") {
        let request = json!({"query": golden["query"], "texts": [golden["document"]], "truncate": true});
        if golden["query"] == "" || golden["document"] == "" {
            let (status, answer) = shop.post_to("/rerank", Some("application/json"), request.to_string().as_bytes());
            assert!(status == 400 && answer["error_type"] == "Empty", "{answer}");
            continue;
        }
        let got = shop.ask("/rerank", request)[0]["score"].as_f64().expect("a score");
        let expected = golden["score"].as_f64().expect("a score");
        assert!((got - expected).abs() < 0.05, "{got} and {expected}: {} | {}", golden["query"], golden["document"]);
    }
}

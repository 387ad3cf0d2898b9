//! A ranker of embeddings over REST: the scores of every protocol are those of the engine, to the bit, and what is wrong is said by name.

use crate::candidates::of_nearby;
use crate::client::{get, post, post_to};
use crate::models::Nearby;
use axum::body::Body;
use modeldeploy_service::Service;
use serde_json::{Value as Json, json};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
pub(crate) const QUERY: [f32; 3] = [0.1, -2.5, 1.0 / 3.0];

/// Candidates: a title of numbers that no f64 of few digits is, and a boost.
pub(crate) fn candidates(count: usize) -> Vec<([f32; 3], f64)> {
    (0..count).map(|at| ([(at as f32).sqrt(), 1.0 / (1.0 + at as f32), -(at as f32)], at as f64 / 3.0)).collect()
}

/// All numbers of an answer, in their order, whatever lists they are in.
fn scores(value: &Json) -> Vec<f64> {
    match value {
        Json::Array(values) => values.iter().flat_map(scores).collect(),
        number => vec![number.as_f64().unwrap_or_else(|| panic!("a number and not {number}"))],
    }
}

async fn ask(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Json {
    let answer = post(path, headers, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

pub(crate) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[tokio::test]
async fn every_protocol_gives_the_engines_scores_to_the_bit() {
    for count in [1, 3, 300] {
        let rows = candidates(count);
        let expected = of_nearby(&QUERY, &rows);
        let titles: Vec<f32> = rows.iter().flat_map(|(title, _)| *title).collect();
        let boosts: Vec<f64> = rows.iter().map(|(_, boost)| *boost).collect();
        let nested: Vec<Json> = rows.iter().map(|(title, _)| json!(title)).collect();

        // A tensor of embeddings: nested or in one list, the user's with an axis of one or without.
        let boost = json!({"name": "boost", "shape": [count], "datatype": "FP64", "data": boosts});
        for (query, shape, data) in
            [(json!(QUERY), json!([3]), json!(titles)), (json!([QUERY]), json!([1, 3]), json!(nested))]
        {
            let body = json!({"inputs": [
                {"name": "title", "shape": [count, 3], "datatype": "FP32", "data": data},
                {"name": "query", "shape": shape, "datatype": "FP32", "data": query}, boost,
            ]});
            let answer = ask("/v2/models/nearby/infer", JSON, body.to_string()).await;
            assert_eq!(answer["outputs"][0]["shape"], json!([count, 2]));
            assert_eq!(scores(&answer["outputs"][0]["data"]), expected, "v2, {count}");
        }
        let head = json!({"inputs": [
            {"name": "query", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": 12}},
            {"name": "title", "shape": [count, 3], "datatype": "FP32", "parameters": {"binary_data_size": 12 * count}},
            boost,
        ]});
        let head = head.to_string();
        let length = head.len().to_string();
        let headers = [("content-type", "application/octet-stream"), ("inference-header-content-length", &*length)];
        let body = [head.into_bytes(), bytes(&QUERY), bytes(&titles)].concat();
        let answer = ask("/v2/models/nearby/infer", &headers, body).await;
        assert_eq!(scores(&answer["outputs"][0]["data"]), expected, "binary, {count}");

        // Rows and columns of JSON; a list of an embedding alone is as that.
        let row = |(title, boost): &([f32; 3], f64)| json!({"query": QUERY, "title": title, "boost": boost});
        let rows: Vec<Json> = rows.iter().map(row).collect();
        let instances = json!({"instances": rows}).to_string();
        let answer = ask("/v1/models/nearby:predict", JSON, instances.clone()).await;
        assert_eq!(scores(&answer["predictions"]), expected, "instances, {count}");
        for query in [json!(QUERY), json!([QUERY])] {
            let columns = json!({"inputs": {"query": query, "title": nested, "boost": boosts}}).to_string();
            let answer = ask("/v1/models/nearby:predict", JSON, columns).await;
            assert_eq!(scores(&answer["outputs"]), expected, "inputs, {count}");
        }
        let answer = ask("/predictions/nearby", JSON, instances.clone()).await;
        assert_eq!(scores(&answer["predictions"]), expected, "TorchServe, {count}");

        let alone = Service::new("shop", "1.2.3").model::<Nearby>().into_router().expect("a router");
        let line = |row: &Json| format!("\"{}\",{},\"{}\"\n", row["query"], row["boost"], row["title"]);
        let csv = format!("query,boost,title\n{}", rows.iter().map(line).collect::<String>());
        for (kind, body) in [("application/json", instances), ("text/csv", csv)] {
            let answer = post_to(&alone, "/invocations", &[("content-type", kind)], body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(scores(&answer.json()["predictions"]), expected, "MLflow, {kind}, {count}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_feature() {
    let rows = |title: &str| format!(r#"{{"instances": [{{"query": [1, 2, 3], "title": {title}, "boost": 1}}]}}"#);
    let of_model = "a list of the 3 numbers of an embedding of `encoder` must stand";
    for (path, body, said) in [
        ("v1", rows("[1, 2]"), format!("`instances[0]`: the feature `title` is a list of 2, where {of_model}")),
        ("v1", rows("1"), format!("the feature `title` is a number, where {of_model}")),
        ("v1", rows("null"), format!("the feature `title` is null, where {of_model}")),
        ("v1", rows("[1, null, 3]"), format!("the feature `title` is a list with null, where {of_model}")),
        ("v1", rows("[1, \"a\", 3]"), format!("the feature `title` is a list with a string, where {of_model}")),
        ("v1", rows("[1, 1e39, 3]"), "candidate 0: value 1 of the embedding `title` is inf".to_owned()),
        (
            "v1",
            r#"{"inputs": {"query": [1, 2, 3], "title": [1, 2, 3], "boost": [1]}}"#.to_owned(),
            format!("the feature `title`: its value 0 is a number, where {of_model}"),
        ),
        (
            "v1",
            r#"{"inputs": {"query": [[1, 2, 3], [1, 2, 3]], "title": [[1, 2, 3]], "boost": [1]}}"#.to_owned(),
            format!("the feature `query` is a list of 2, where {of_model}"),
        ),
        (
            "v1",
            r#"{"inputs": {"query": [1, 2, 3], "title": [[1, 2, 3]], "boost": [1, 2]}}"#.to_owned(),
            "`title` has 1 values, and `boost` 2".to_owned(),
        ),
        (
            "v2",
            r#"{"inputs": [{"name": "query", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]}"#.to_owned(),
            "input `query`: `shape` is [1, 4], and must be [1, 3], the user's embedding".to_owned(),
        ),
        (
            "v2",
            r#"{"inputs": [{"name": "title", "shape": [1, 3], "datatype": "FP32", "data": [1, null, 3]}]}"#.to_owned(),
            "input `title`: element 1 of `data` is null, where a number must stand".to_owned(),
        ),
        (
            "v2",
            r#"{"inputs": [{"name": "title", "shape": [1, 3], "datatype": "BYTES", "data": ["a", "b", "c"]}]}"#
                .to_owned(),
            "`datatype` is `BYTES`, and must be FP64, FP32".to_owned(),
        ),
    ] {
        let path = if path == "v1" { "/v1/models/nearby:predict" } else { "/v2/models/nearby/infer" };
        let answer = post(path, JSON, body.clone()).await;
        assert!(answer.status == 400 && answer.text().contains(&said), "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn metadata_have_the_width() {
    let metadata = get("/v2/models/nearby").await.json();
    assert_eq!(
        metadata["inputs"],
        json!([
            {"name": "query", "datatype": "FP32", "shape": [1, 3]},
            {"name": "boost", "datatype": "FP64", "shape": [-1]},
            {"name": "title", "datatype": "FP32", "shape": [-1, 3]},
        ])
    );
    let metadata = get("/v1/models/nearby/metadata").await.json();
    let inputs = &metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"];
    assert_eq!(inputs["title"]["dtype"], "DT_FLOAT");
    assert_eq!(inputs["title"]["tensor_shape"]["dim"], json!([{"size": "-1", "name": ""}, {"size": "3", "name": ""}]));
    let document = get("/openapi.json").await.text().to_owned();
    assert!(document.contains("/v2/models/nearby/infer"));
    let shown = get("/ui/models").await.json();
    let nearby = shown.as_array().and_then(|all| all.iter().find(|it| it["name"] == "nearby")).expect("the model");
    assert_eq!(nearby["features"][2], json!({"name": "title", "of": "candidate", "kind": "embedding"}));
}

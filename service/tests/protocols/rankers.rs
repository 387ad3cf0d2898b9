//! Rankers over REST: the scores of every protocol are those of the handle, to the bit, and what is wrong is said by name.

use crate::candidates::{FeedRow, FeedUser, ShelfRow, of_feed, of_shelf};
use crate::client::{Answer, get, post, post_to};
use crate::models::{Feed, Shelf};
use axum::body::Body;
use modeldeploy_service::{Limits, Service};
use serde_json::{Value, json};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const CSV: &[(&str, &str)] = &[("content-type", "text/csv")];

/// Candidates of a shelf: on both sides of each question of the trees, some of a price that is not known, and prices of seventeen digits.
fn shelf(count: usize) -> Vec<ShelfRow<'static>> {
    let brands = ["acme", "globex", "initech"];
    let price = |at: usize| match at % 5 {
        0 => f64::NAN,
        1 => 10.0,
        2 => f64::from_bits(10f64.to_bits() + 1),
        _ => 0.1 + at as f64 * std::f64::consts::PI,
    };
    (0..count).map(|at| ShelfRow { price: price(at), brand: brands[at % 3] }).collect()
}

/// Candidates of a feed, whose boost is a number that no f32 is.
fn feed(count: usize) -> Vec<FeedRow> {
    (0..count).map(|at| FeedRow { item: (at % 6) as f64, boost: (at as f64).sqrt() / 3.0 }).collect()
}

const USER: FeedUser<'static> = FeedUser { seen: &[1.0, 5.0, 3.0, 2.0], country: "de" };

/// A number of JSON; null where it is missing.
fn number(value: f64) -> Value {
    if value.is_nan() { Value::Null } else { json!(value) }
}

fn shelf_rows(rows: &[ShelfRow<'_>]) -> Vec<Value> {
    rows.iter().map(|row| json!({"price": number(row.price), "brand": row.brand})).collect()
}

fn feed_rows(user: &FeedUser<'_>, rows: &[FeedRow]) -> Vec<Value> {
    let row = |row: &FeedRow| json!({"seen": user.seen, "boost": row.boost, "country": user.country, "item": row.item});
    rows.iter().map(row).collect()
}

fn shelf_columns(rows: &[ShelfRow<'_>]) -> Value {
    let (prices, brands): (Vec<_>, Vec<_>) = rows.iter().map(|row| (number(row.price), row.brand)).unzip();
    json!({"price": prices, "brand": brands})
}

fn feed_columns(user: &FeedUser<'_>, rows: &[FeedRow]) -> Value {
    let (items, boosts): (Vec<_>, Vec<_>) = rows.iter().map(|row| (row.item, row.boost)).unzip();
    json!({"seen": user.seen, "country": user.country, "item": items, "boost": boosts})
}

/// A tensor of the Open Inference Protocol.
fn tensor(name: &str, datatype: &str, data: &[Value]) -> Value {
    json!({"name": name, "shape": [data.len()], "datatype": datatype, "data": data})
}

fn shelf_tensors(rows: &[ShelfRow<'_>]) -> Value {
    let prices: Vec<_> = rows.iter().map(|row| number(row.price)).collect();
    let brands: Vec<_> = rows.iter().map(|row| json!(row.brand)).collect();
    json!({"inputs": [tensor("price", "FP64", &prices), tensor("brand", "BYTES", &brands)]})
}

fn feed_tensors(user: &FeedUser<'_>, rows: &[FeedRow]) -> Value {
    let of = |value: fn(&FeedRow) -> f64| -> Vec<Value> { rows.iter().map(|row| json!(value(row))).collect() };
    let seen: Vec<_> = user.seen.iter().map(|&item| json!(item)).collect();
    json!({"inputs": [
        tensor("boost", "FP64", &of(|row| row.boost)), tensor("item", "INT64", &of(|row| row.item)),
        tensor("country", "BYTES", &[json!(user.country)]), tensor("seen", "FP64", &seen),
    ]})
}

/// All numbers of an answer, in their order, whatever lists they are in.
fn scores(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(scores).collect(),
        number => vec![number.as_f64().unwrap_or_else(|| panic!("a number and not {number}"))],
    }
}

#[track_caller]
fn same(got: &[f64], expected: &[f64], what: &str) {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(got), bits(expected), "{what}: {got:?} {expected:?}");
}

async fn ask(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Value {
    let answer = post(path, headers, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn every_protocol_gives_the_handles_scores_to_the_bit() {
    // One, more than a block of trees, more than a block of a network.
    for count in [1, 7, 300] {
        let (shelf, feed) = (shelf(count), feed(count));
        for (name, expected, width, rows, columns, tensors) in [
            ("shelf", of_shelf(&shelf), 1, shelf_rows(&shelf), shelf_columns(&shelf), shelf_tensors(&shelf)),
            (
                "feed",
                of_feed(&USER, &feed),
                2,
                feed_rows(&USER, &feed),
                feed_columns(&USER, &feed),
                feed_tensors(&USER, &feed),
            ),
        ] {
            let what = |protocol: &str| format!("{protocol}, {count} of {name}");
            let answer = ask(&format!("/v2/models/{name}/infer"), JSON, tensors.to_string()).await;
            let output = &answer["outputs"][0];
            let shape = if width == 1 { json!([count]) } else { json!([count, width]) };
            assert_eq!(
                (&output["name"], &output["datatype"], &output["shape"]),
                (&json!("scores"), &json!("FP64"), &shape)
            );
            same(&scores(&output["data"]), &expected, &what("v2"));

            let path = format!("/v1/models/{name}:predict");
            let answer = ask(&path, JSON, json!({"instances": rows}).to_string()).await;
            assert_eq!(answer["predictions"].as_array().map(Vec::len), Some(count));
            same(&scores(&answer["predictions"]), &expected, &what("instances"));
            let answer = ask(&path, JSON, json!({"inputs": columns}).to_string()).await;
            same(&scores(&answer["outputs"]), &expected, &what("inputs"));

            let path = format!("/predictions/{name}");
            let answer = ask(&path, JSON, json!({"instances": rows}).to_string()).await;
            same(&scores(&answer["predictions"]), &expected, &what("TorchServe"));
            let answer = ask(&path, JSON, rows[0].to_string()).await;
            same(&scores(&answer), &expected[..width], &what("a row of TorchServe"));
        }
    }
}

/// A service whose first model this ranker is.
async fn invoke(service: Service, headers: &[(&str, &str)], body: String) -> Answer {
    post_to(&service.into_router().expect("a router"), "/invocations", headers, body).await
}

#[tokio::test]
async fn every_table_of_mlflow_gives_the_handles_scores_to_the_bit() {
    let (shelf, feed) = (shelf(7), feed(7));
    let (of_shelf, of_feed) = (of_shelf(&shelf), of_feed(&USER, &feed));
    let service = |is_shelf: bool| {
        let service = Service::new("shop", "1.2.3");
        if is_shelf { service.model::<Shelf>() } else { service.model::<Feed>() }
    };
    for (is_shelf, expected, rows, columns, names) in [
        (true, &of_shelf, shelf_rows(&shelf), shelf_columns(&shelf), &["brand", "price"][..]),
        (false, &of_feed, feed_rows(&USER, &feed), feed_columns(&USER, &feed), &["boost", "seen", "item", "country"]),
    ] {
        let data: Vec<Vec<&Value>> = rows.iter().map(|row| names.iter().map(|name| &row[name]).collect()).collect();
        let field = |value: &&Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => format!("\"{other}\""),
        };
        let lines = data.iter().map(|row| row.iter().map(field).collect::<Vec<_>>().join(","));
        let table: Vec<String> = std::iter::once(names.join(",")).chain(lines).collect();
        for (headers, body) in [
            (JSON, json!({"dataframe_records": rows}).to_string()),
            (JSON, json!({"instances": rows}).to_string()),
            (JSON, json!({"inputs": rows}).to_string()),
            (JSON, json!({"inputs": columns}).to_string()),
            (JSON, json!({"dataframe_split": {"columns": names, "data": data, "index": [0]}}).to_string()),
            (CSV, table.join("\n")),
        ] {
            let answer = invoke(service(is_shelf), headers, body.clone()).await;
            assert_eq!(answer.status, 200, "{body}: {}", answer.text());
            same(&scores(&answer.json()["predictions"]), expected, &body);
        }
    }
}

#[tokio::test]
async fn binary_tensors_give_the_handles_scores_to_the_bit() {
    let rows = feed(9);
    let boosts: Vec<u8> = rows.iter().flat_map(|row| (row.boost as f32).to_le_bytes()).collect();
    let items: Vec<u8> = rows.iter().flat_map(|row| (row.item as u16).to_le_bytes()).collect();
    let seen: Vec<u8> = USER.seen.iter().flat_map(|&item| (item as i32).to_le_bytes()).collect();
    let binary = |name: &str, datatype: &str, shape: &[usize], bytes: usize| json!({"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": bytes}});
    let head = json!({
        "inputs": [
            binary("boost", "FP32", &[9, 1], boosts.len()), binary("seen", "INT32", &[1, 4], seen.len()),
            binary("item", "UINT16", &[9], items.len()), binary("country", "BYTES", &[1], 6),
        ],
        "outputs": [{"name": "scores", "parameters": {"binary_data": true}}],
    })
    .to_string();
    let length = head.len().to_string();
    let body = [head.as_bytes(), &boosts, &seen, &items, b"\x02\0\0\0de"].concat();
    let answer = post("/v2/models/feed/infer", &[("inference-header-content-length", &length)], body).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let json: usize =
        answer.headers["inference-header-content-length"].to_str().expect("ASCII").parse().expect("a length");
    let got: Vec<f64> =
        answer.body[json..].chunks(8).map(|it| f64::from_le_bytes(it.try_into().expect("eight"))).collect();
    let rows: Vec<FeedRow> = rows.iter().map(|row| FeedRow { boost: f64::from(row.boost as f32), ..*row }).collect();
    same(&got, &of_feed(&USER, &rows), "binary");
}

#[tokio::test]
async fn an_empty_session_and_what_is_not_known_are_what_the_rules_say() {
    for (seen, country, told) in [
        (json!([]), json!("de"), FeedUser { seen: &[], country: "de" }),
        (json!([null, 99, 1.5]), json!("xx"), FeedUser { seen: &[f64::NAN, 99.0, 1.5], country: "xx" }),
        (json!([2]), json!(null), FeedUser { seen: &[2.0], country: "" }),
        (json!([[3, 1]]), json!(["fr"]), FeedUser { seen: &[3.0, 1.0], country: "fr" }),
    ] {
        let inputs = json!({"seen": seen, "country": country, "item": [4], "boost": [1]});
        let answer = ask("/v1/models/feed:predict", JSON, json!({"inputs": inputs}).to_string()).await;
        same(&scores(&answer["outputs"]), &of_feed(&told, &[FeedRow { item: 4.0, boost: 1.0 }]), &inputs.to_string());
    }
    // TensorFlow Serving's own tokens.
    for (token, price) in [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)] {
        let expected = of_shelf(&[ShelfRow { price, brand: "acme" }]);
        for (key, body) in [
            ("predictions", format!(r#"{{"instances": [{{"price": {token}, "brand": "acme"}}]}}"#)),
            ("outputs", format!(r#"{{"inputs": {{"price": [{token}], "brand": ["acme"]}}}}"#)),
        ] {
            same(&scores(&ask("/v1/models/shelf:predict", JSON, body.clone()).await[key]), &expected, &body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn company_changes_no_bit() {
    let asks = (1..120).map(|count| {
        tokio::spawn(async move {
            let headers = &[JSON[0], ("x-request-timeout-ms", "600000")];
            if count % 2 == 0 {
                let rows = shelf(count);
                let answer = ask("/v2/models/shelf/infer", headers, shelf_tensors(&rows).to_string()).await;
                same(&scores(&answer["outputs"][0]["data"]), &of_shelf(&rows), "shelf");
            } else {
                let rows = feed(count * 5);
                let answer = ask("/v2/models/feed/infer", headers, feed_tensors(&USER, &rows).to_string()).await;
                same(&scores(&answer["outputs"][0]["data"]), &of_feed(&USER, &rows), "feed");
            }
        })
    });
    for asked in asks.collect::<Vec<_>>() {
        asked.await.expect("the handle's bits");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_feature() {
    let predict = |model: &str| format!("/v1/models/{model}:predict");
    let row = |model: &str, row: &str| (predict(model), format!(r#"{{"instances": [{row}]}}"#));
    let column = |model: &str, columns: &str| (predict(model), format!(r#"{{"inputs": {{{columns}}}}}"#));
    let infer = |inputs: &str| ("/v2/models/shelf/infer".to_owned(), format!(r#"{{"inputs": [{inputs}]}}"#));
    let brand = r#"{"name": "brand", "shape": [2], "datatype": "BYTES", "data": ["acme", "acme"]}"#;
    let price = |fields: &str| infer(&format!(r#"{brand}, {{"name": "price", {fields}}}"#));
    let prices = r#"{"name": "price", "shape": [2], "datatype": "FP64", "data": [1, 2]}"#;
    let with =
        |more: &str| ("/v2/models/shelf/infer".to_owned(), format!(r#"{{"inputs": [{brand}, {prices}], {more}}}"#));
    let whole = r#""seen": [1], "country": "fr", "boost": [1, 2]"#;
    for ((path, body), message) in [
        (row("shelf", r#"{"price": 1}"#), "`instances[0]`: the feature `brand` is missing"),
        (with(r#""parameters": {"prompt": "query"}"#), "parameter `prompt` is \"query\", and the model is a ranker"),
        (with(r#""outputs": [{"name": "scores"}, {"name": "scores"}]"#), "the output `scores` is asked for twice"),
        (
            row("shelf", r#"{"price": 1, "brand": "acme", "size": 2}"#),
            "there is no feature `size`: the model takes `price`, `brand`",
        ),
        (
            row("shelf", r#"{"price": "1", "brand": "acme"}"#),
            "`instances[0]`: the feature `price` is a string, where a number or null must stand",
        ),
        (row("shelf", r#"{"price": true, "brand": "acme"}"#), "the feature `price` is a boolean"),
        (
            row("shelf", r#"{"price": 1, "brand": 2}"#),
            "the feature `brand` is a number, where a string or null must stand",
        ),
        (row("shelf", r#"{"price": [1, 2], "brand": "acme"}"#), "the feature `price` is a list"),
        (
            row("shelf", r#"{"price": 1, "brand": "nobody"}"#),
            "candidate 0: `nobody` is not in the vocabulary of feature `brand`",
        ),
        (row("shelf", r#"[1, "acme"]"#), "`instances[0]` is a list, and must be an object"),
        (row("shelf", r#"{"price": 1Infinity, "brand": "acme"}"#), "expected `,` or `}`"),
        (row("shelf", r#"{"price": 1, "brand": Infinity}"#), "the feature `brand` is a number, where a string"),
        (
            row("shelf", r#"{"price": -Infinity, "brand": "Infinity"}"#),
            "candidate 0: `Infinity` is not in the vocabulary",
        ),
        (
            row("feed", r#"{"seen": [], "country": "fr", "item": 1, "boost": Infinity}"#),
            "candidate 0: its score is no finite number",
        ),
        (row("shelf", ""), "there is no candidate"),
        (row("feed", ""), "there is no candidate"),
        (
            row("feed", r#"{"seen": 1, "country": "fr", "item": 1, "boost": 1}"#),
            "the feature `seen` is a number, and must be a list",
        ),
        (
            row("feed", r#"{"seen": [1, "a"], "country": "fr", "item": 1, "boost": 1}"#),
            "the feature `seen`: its item 1 is a string",
        ),
        (
            row("feed", r#"{"seen": [], "country": "fr", "item": 6, "boost": 1}"#),
            "candidate 0: 6 of feature `item` is no id below 6",
        ),
        (
            row("feed", r#"{"seen": [], "country": "fr", "item": 0.5, "boost": 1}"#),
            "0.5 of feature `item` is no id below 6",
        ),
        (
            row("feed", r#"{"seen": [], "country": "fr", "item": 1, "boost": null}"#),
            "candidate 0: feature `boost` is missing",
        ),
        (
            row("feed", r#"{"seen": [], "country": "fr", "item": 1, "boost": 1e300}"#),
            "candidate 0: its score is no finite number",
        ),
        (
            row(
                "feed",
                r#"{"seen": [1], "country": "fr", "item": 1, "boost": 1}, {"seen": [1], "country": "de", "item": 1, "boost": 1}"#,
            ),
            "`instances[1]`: the feature `country` is the user's and not what it is in `instances[0]`",
        ),
        (
            row(
                "feed",
                r#"{"seen": [1], "country": "fr", "item": 1, "boost": 1}, {"seen": [2], "country": "fr", "item": 1, "boost": 1}"#,
            ),
            "`instances[1]`: the feature `seen` is the session's and not",
        ),
        (
            column("feed", whole),
            "`inputs`: the feature `item` is missing: the model takes `seen`, `country`, `item`, `boost`",
        ),
        (column("feed", &format!(r#"{whole}, "item": [1]"#)), "the feature `boost` has 2 values, and `item` 1"),
        (column("feed", &format!(r#"{whole}, "item": 1"#)), "the feature `item` is a number, and must be a list"),
        (column("feed", &format!(r#"{whole}, "item": [1, {{}}]"#)), "the feature `item`: its value 1 is an object"),
        (
            column("feed", r#""seen": [], "country": ["fr", "de"], "item": [1], "boost": [1]"#),
            "the feature `country` is a list",
        ),
        (column("feed", r#""seen": [], "country": "fr", "item": [], "boost": []"#), "there is no candidate"),
        ((predict("feed"), r#"{"inputs": [1]}"#.to_owned()), "`inputs` is a list, and must be an object"),
        ((predict("shelf"), r#"{"instances": {}}"#.to_owned()), "`instances` is an object, and must be a list"),
        ((predict("shelf"), r#"{"instances": [], "signature_name": "x"}"#.to_owned()), "there is no signature `x`"),
        (
            ("/v1/models/shelf:classify".to_owned(), r#"{"examples": []}"#.to_owned()),
            "is for the task `rank`: ask it by `:predict`",
        ),
        (infer(brand), "the feature `price` is missing"),
        (infer(&format!("{brand}, {brand}")), "the feature `brand` is there twice"),
        (
            infer(r#"{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}"#),
            "there is no feature `text`: the model takes `price`, `brand`",
        ),
        (price(r#""shape": [1], "datatype": "FP64", "data": [1]"#), "the feature `brand` has 2 values, and `price` 1"),
        (
            price(r#""shape": [2], "datatype": "BYTES", "data": ["1", "2"]"#),
            "input `price`: `datatype` is `BYTES`, and must be FP64",
        ),
        (price(r#""shape": [2], "datatype": "BOOL", "data": [true, false]"#), "`datatype` is `BOOL`"),
        (
            price(r#""shape": [2], "datatype": "FP64", "data": [1, "2"]"#),
            "input `price`: element 1 of `data` is a string",
        ),
        (
            price(r#""shape": [1, 2], "datatype": "FP64", "data": [1, 2]"#),
            "`shape` is [1, 2], and must be [n], a value for each candidate",
        ),
        (price(r#""shape": [3], "datatype": "FP64", "data": [1, 2]"#), "`data` is of shape [2], and `shape` is [3]"),
        (
            (
                "/v2/models/shelf/infer".to_owned(),
                json!({"inputs": shelf_tensors(&shelf(1))["inputs"], "outputs": [{"name": "x"}]}).to_string(),
            ),
            "there is no output `x`; the model gives `scores`",
        ),
        (("/predictions/shelf".to_owned(), "3".to_owned()), "the body is a number, and must be an object"),
    ] {
        let answer = post(&path, JSON, body.clone()).await;
        let error = answer.json();
        let error = error["error"].as_str().or(error["message"].as_str()).unwrap_or_default().to_owned();
        assert!(answer.status == 400 && error.contains(message), "{path} {body}: {} {error}", answer.status);
    }
    for (headers, body, message) in [
        (JSON, r#"{"dataframe_split": {"data": [[1, "acme"]]}}"#, "`dataframe_split` has no list of `columns`"),
        (
            JSON,
            r#"{"dataframe_split": {"columns": ["price", 1], "data": []}}"#,
            "has a number, where the name of a feature",
        ),
        (
            JSON,
            r#"{"dataframe_split": {"columns": ["price", "brand"], "data": [[1]]}}"#,
            "has 1 values, and `columns` 2",
        ),
        (
            JSON,
            r#"{"dataframe_split": {"columns": ["price", "price", "brand"], "data": [[1, 1, "acme"]]}}"#,
            "`price` is there twice",
        ),
        (JSON, "{}", "the body must have one of"),
        (CSV, "price,brand\nfive,acme\n", "`rows[0]`: the feature `price` is `five`, and must be a number, or empty"),
        (CSV, "price\n5\n", "`rows[0]`: the feature `brand` is missing"),
        (CSV, "price,brand,size\n1,acme,2\n", "there is no feature `size`"),
        (CSV, "price,size\n1,2\n", "there is no feature `size`"),
        (CSV, "price,brand,price\n1,acme,2\n", "`price` is there twice"),
        (CSV, "price,brand\n", "there is no candidate"),
        (CSV, "price,brand\n1\n", "row 0 has 1 columns, and the header has 2"),
    ] {
        let answer = invoke(Service::new("shop", "1.2.3").model::<Shelf>(), headers, body.to_owned()).await;
        let error = answer.json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && error.contains(message), "{body}: {} {error}", answer.status);
    }
}

#[tokio::test]
async fn no_more_candidates_are_taken_than_the_service_says() {
    let limits = Limits { candidates: 2, ..Limits::default() };
    let service = || Service::new("shop", "1.2.3").model::<Shelf>().limits(limits);
    for (count, status) in [(2, 200), (3, 400)] {
        let answer = invoke(service(), JSON, json!({"instances": shelf_rows(&shelf(count))}).to_string()).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(
            status == 200 || answer.text().contains("there are 3 candidates, and at most 2 are taken"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn protocols_of_texts_say_that_it_is_a_ranker() {
    let embed = json!({"model": "shelf", "input": "a"}).to_string();
    let answer = post("/v1/embeddings", JSON, embed).await;
    assert!(answer.status == 400 && answer.text().contains("model `shelf` is a ranker"), "{}", answer.text());
    // Where there are rankers alone, so does who names no model.
    let alone = Service::new("shop", "1.2.3").model::<Shelf>().into_router().expect("a router");
    for (path, body) in [
        ("/embed", json!({"inputs": "a"})),
        ("/rerank", json!({"query": "a", "texts": ["b"]})),
        ("/tokenize", json!({"inputs": "a"})),
    ] {
        let answer = post_to(&alone, path, JSON, body.to_string()).await;
        assert!(
            answer.status == 424 && answer.text().contains("model `shelf` is a ranker"),
            "{path}: {}",
            answer.text()
        );
    }
    // Beside models of texts a ranker does not stand in their way.
    assert_eq!(post("/tokenize", JSON, json!({"inputs": "a"}).to_string()).await.status, 200);
}

#[tokio::test]
async fn a_ranker_is_listed_described_and_counted_like_any_model() {
    let listed = get("/models").await.json();
    let shelf = listed.as_array().expect("a list").iter().find(|model| model["name"] == "shelf").expect("it is listed");
    assert_eq!(shelf, &json!({"name": "shelf", "version": "1.0.0", "digest": "sha256:00", "task": "rank"}));
    let told = get("/v2/models/feed").await.json();
    let input = |name: &str, datatype: &str, shape: i64| json!({"name": name, "datatype": datatype, "shape": [shape]});
    let inputs = [
        input("seen", "INT64", -1),
        input("country", "BYTES", 1),
        input("item", "INT64", -1),
        input("boost", "FP64", -1),
    ];
    assert_eq!(told["inputs"], json!(inputs));
    assert_eq!(told["outputs"], json!([{"name": "scores", "datatype": "FP64", "shape": [-1, 2]}]));
    let signature = get("/v1/models/shelf/metadata").await.json();
    let signature = &signature["metadata"]["signature_def"]["signature_def"]["serving_default"];
    assert_eq!(signature["inputs"]["brand"]["dtype"], "DT_STRING");
    assert_eq!(signature["outputs"]["scores"]["dtype"], "DT_DOUBLE");
    let config = get("/v2/models/feed/config").await.json();
    assert_eq!(config["input"][1]["data_type"], "TYPE_STRING");
    assert_eq!(config["output"][0]["data_type"], "TYPE_FP64");

    ask("/v1/models/shelf:predict", JSON, json!({"instances": shelf_rows(&self::shelf(3))}).to_string()).await;
    let metrics = get("/metrics").await;
    for line in [
        r#"modeldeploy_model_build_info{model="shelf",version="1.0.0",digest="sha256:00",space=""} 1"#,
        r#"modeldeploy_requests_total{route="/v1/models/{name}",model="shelf",version="1.0.0",status="200"}"#,
        r#"modeldeploy_batch_texts_count{model="shelf",version="1.0.0"}"#,
    ] {
        assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
    }
    let statistics = get("/v2/models/shelf/stats").await.json();
    let shelf = &statistics["model_stats"][0];
    assert!(shelf["inference_stats"]["success"]["count"].as_u64() >= Some(1), "{shelf}");
    assert!(shelf["execution_count"].as_u64() >= Some(1), "{shelf}");
    let told = get("/ui/models").await.json();
    let feed = told.as_array().expect("a list").iter().find(|model| model["name"] == "feed").expect("it is shown");
    assert_eq!(feed["features"][0], json!({"name": "seen", "of": "session", "kind": "number"}));
}

//! Open Inference Protocol v2 over REST, with binary tensors.

use crate::client::{Answer, floats, get, post, rows_of, same_bits};
use crate::models::{Encoder1, Encoder2, Mood, Ranker, rows};
use axum::http::StatusCode;
use modeldeploy::model::Input;
use serde_json::json;

const LENGTH: &str = "inference-header-content-length";

async fn infer(model: &str, body: &str) -> Answer {
    post(&format!("/v2/models/{model}/infer"), &[], body.to_owned()).await
}

/// A body of JSON and the binary data after it.
async fn infer_binary(model: &str, head: &str, data: &[u8]) -> Answer {
    let body = [head.as_bytes(), data].concat();
    post(&format!("/v2/models/{model}/infer"), &[(LENGTH, &head.len().to_string())], body).await
}

/// The JSON of an answer, and the binary data after it.
#[track_caller]
fn split(answer: &Answer) -> (serde_json::Value, &[u8]) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let length: usize = answer.headers[LENGTH].to_str().expect("ASCII").parse().expect("a length");
    let (head, data) = answer.body.split_at(length);
    (serde_json::from_slice(head).expect("JSON"), data)
}

#[tokio::test]
async fn the_service_and_its_models_are_described() {
    for (path, body) in [
        (
            "/v2",
            r#"{"extensions":["binary_tensor_data","model_configuration","model_repository","statistics"],"name":"shop","version":"1.2.3"}"#,
        ),
        ("/v2/health/live", r#"{"live":true}"#),
        ("/v2/health/ready", r#"{"live":true,"ready":true}"#),
        ("/v2/models", r#"{"models":["encoder","feed","mood","nearby","ranker","shelf"]}"#),
        ("/v2/models/mood/ready", r#"{"name":"mood","ready":true}"#),
        ("/v2/models/encoder/versions/1.0.0/ready", r#"{"name":"encoder","ready":true}"#),
        (
            "/v2/models/encoder",
            r#"{"name":"encoder","versions":["2.1.0","1.0.0"],"platform":"modeldeploy_pack","inputs":[{"name":"text","datatype":"BYTES","shape":[-1]}],"outputs":[{"name":"embedding","datatype":"FP32","shape":[-1,20]}]}"#,
        ),
        (
            "/v2/models/ranker/versions/1.0.0",
            r#"{"name":"ranker","versions":["1.0.0"],"platform":"modeldeploy_pack","inputs":[{"name":"text","datatype":"BYTES","shape":[-1,2]}],"outputs":[{"name":"score","datatype":"FP32","shape":[-1]}]}"#,
        ),
        (
            "/v2/models/mood",
            r#"{"name":"mood","versions":["1.0.0"],"platform":"modeldeploy_pack","inputs":[{"name":"text","datatype":"BYTES","shape":[-1]}],"outputs":[{"name":"probabilities","datatype":"FP32","shape":[-1,3]},{"name":"label","datatype":"BYTES","shape":[-1]}]}"#,
        ),
    ] {
        let answer = get(path).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, body), "{path}");
    }
    let index = json!([
        {"name": "encoder", "version": "2.1.0", "state": "READY", "reason": ""},
        {"name": "encoder", "version": "1.0.0", "state": "READY", "reason": ""},
        {"name": "feed", "version": "1.0.0", "state": "READY", "reason": ""},
        {"name": "mood", "version": "1.0.0", "state": "READY", "reason": ""},
        {"name": "nearby", "version": "1.0.0", "state": "READY", "reason": ""},
        {"name": "ranker", "version": "1.0.0", "state": "READY", "reason": ""},
        {"name": "shelf", "version": "1.0.0", "state": "READY", "reason": ""},
    ]);
    for body in ["", "{}", r#"{"ready": true}"#] {
        assert_eq!(post("/v2/repository/index", &[], body).await.json(), index, "{body}");
    }
    assert_eq!(post("/v2/repository/index", &[], "[]").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn tensors_in_json_are_answered_in_json_with_the_engines_bits() {
    let body = r#"{"id": "42", "inputs": [{"name": "text", "shape": [3], "datatype": "BYTES", "data": ["phone", "", "手机"]}]}"#;
    let answer = infer("encoder", body).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let answer = answer.json();
    let expected = rows_of::<Encoder2>(&["phone", "", "手机"]).concat();
    same_bits(&floats(&answer["outputs"][0]["data"]), &expected);
    assert_eq!(
        (&answer["model_name"], &answer["model_version"], &answer["id"]),
        (&json!("encoder"), &json!("2.1.0"), &json!("42"))
    );
    assert_eq!(answer["outputs"][0]["shape"], json!([3, 20]));

    let body = r#"{"inputs": [{"name": "text", "shape": [1, 2], "datatype": "BYTES", "data": [["ab", "cde"]]}]}"#;
    let answer = infer("ranker", body).await;
    let score = rows::<Ranker>([Input { text: "ab", pair: Some("cde"), ..Input::default() }])[0][0];
    let expected = format!(
        r#"{{"model_name":"ranker","model_version":"1.0.0","outputs":[{{"name":"score","datatype":"FP32","shape":[1],"data":[{score}]}}]}}"#
    );
    assert_eq!(answer.text(), expected);

    let body = r#"{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["ab"]}]}"#;
    let answer = infer("mood/versions/1.0.0", body).await.json();
    same_bits(&floats(&answer["outputs"][0]["data"]), &rows_of::<Mood>(&["ab"])[0]);
    assert_eq!(answer["outputs"][1], json!({"name": "label", "datatype": "BYTES", "shape": [1], "data": ["high"]}));
}

#[tokio::test]
async fn a_prompt_is_the_default_or_the_one_that_is_named() {
    for (parameters, prompt) in [("{}", "d: "), (r#"{"prompt": "query"}"#, "q: ")] {
        let body = format!(
            r#"{{"parameters": {parameters}, "inputs": [{{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["ab"]}}]}}"#
        );
        let answer = infer("encoder/versions/1.0.0", &body).await.json();
        let expected = rows::<Encoder1>([Input { prompt, text: "ab", pair: None }]);
        same_bits(&floats(&answer["outputs"][0]["data"]), &expected[0]);
    }
}

#[tokio::test]
async fn binary_tensors_come_and_go_byte_by_byte() {
    let head = r#"{"inputs":[{"name":"text","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":13}}],"outputs":[{"name":"embedding","parameters":{"binary_data":true}}]}"#;
    let answer = infer_binary("encoder", head, b"\x05\0\0\0phone\0\0\0\0").await;
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    let (json, data) = split(&answer);
    let expected = rows_of::<Encoder2>(&["phone", ""]).concat();
    let bytes: Vec<u8> = expected.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(data, bytes);
    let output =
        json!({"name": "embedding", "datatype": "FP32", "shape": [2, 20], "parameters": {"binary_data_size": 160}});
    assert_eq!(json, json!({"model_name": "encoder", "model_version": "2.1.0", "outputs": [output]}));
}

#[tokio::test]
async fn each_output_comes_as_it_is_asked_for_and_in_that_order() {
    let body = r#"{"parameters": {"binary_data_output": true}, "inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["ab"]}],
        "outputs": [{"name": "label"}, {"name": "probabilities", "parameters": {"binary_data": false}}]}"#;
    let answer = infer("mood", body).await;
    let (json, data) = split(&answer);
    assert_eq!(data, b"\x04\0\0\0high");
    assert_eq!(
        json["outputs"][0],
        json!({"name": "label", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 8}})
    );
    same_bits(&floats(&json["outputs"][1]["data"]), &rows_of::<Mood>(&["ab"])[0]);
    let unknown = body.replace(r#""label""#, r#""lable""#);
    let answer = infer("mood", &unknown).await;
    let error = r#"{"error":"there is no output `lable`; the model gives `probabilities` and `label`"}"#;
    assert_eq!((answer.status, answer.text()), (StatusCode::BAD_REQUEST, error));
}

#[tokio::test]
async fn a_raw_input_is_one_text_and_all_outputs_are_raw() {
    let answer = post("/v2/models/mood/infer", &[(LENGTH, "0")], "ab").await;
    let (json, data) = split(&answer);
    let row = &rows_of::<Mood>(&["ab"])[0];
    let expected: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).chain(*b"\x04\0\0\0high").collect();
    assert_eq!(data, expected);
    assert_eq!(json["outputs"][0]["parameters"], json!({"binary_data_size": 12}));
}

#[tokio::test]
async fn what_is_not_there_is_404_and_models_are_neither_loaded_nor_unloaded() {
    let body = r#"{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}]}"#;
    let no_model = "there is no model `x`; `/models` lists those that are compiled in";
    for (answer, message) in [
        (get("/v2/models/x").await, no_model),
        (get("/v2/models/x/ready").await, no_model),
        (infer("x", body).await, no_model),
        (
            infer("encoder/versions/1", body).await,
            "there is no version `1` of model `encoder`; there is 2.1.0 (stable), 1.0.0 (previous)",
        ),
        (post("/v2/repository/models/x/load", &[], "").await, no_model),
        (get("/v2/nowhere").await, "there is no such route"),
    ] {
        assert_eq!((answer.status, answer.json()), (StatusCode::NOT_FOUND, json!({ "error": message })));
    }
    for action in ["load", "unload"] {
        let answer = post(&format!("/v2/repository/models/mood/{action}"), &[], "{}").await;
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
        assert!(answer.text().contains("sha256:00) is compiled into this service"), "{}", answer.text());
    }
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong() {
    let texts = |data: &str, shape: &str| {
        format!(r#"{{"inputs": [{{"name": "text", "shape": {shape}, "datatype": "BYTES", "data": {data}}}]}}"#)
    };
    let many = format!("[{}]", vec![r#""a""#; 2049].join(","));
    let prompt = texts(r#"["a"]"#, "[1]").replacen('{', r#"{"parameters": {"prompt": "passage"}, "#, 1);
    for (model, body, message) in [
        (
            "encoder",
            texts(r#"["a", "b"]"#, "[1, 2]"),
            "input `text`: element 0: the model embeds one text, and this is a pair",
        ),
        ("ranker", texts(r#"["a"]"#, "[1]"), "input `text`: element 0: the model scores a query and a document"),
        ("encoder", texts(&many, "[2049]"), "there are 2049 texts, and at most 2048 are taken"),
        ("encoder", prompt, "no prompt `passage`; there is `query`"),
        (
            "encoder",
            texts(r#"["a"]"#, "[-1]"),
            "the body cannot be read: `inputs[0].shape[0]`: invalid value: integer `-1`, expected u64 at line 1",
        ),
        (
            "encoder",
            r#"{"inputs": [["text", [1], "BYTES", {}, ["a"]]]}"#.to_owned(),
            "`inputs[0]`: invalid type: sequence, expected an object with the keys `name`",
        ),
        ("encoder", "\u{0}".to_owned(), "the body cannot be read: expected value at line 1 column 1"),
    ] {
        let answer = infer(model, &body).await;
        assert!(
            answer.status == StatusCode::BAD_REQUEST
                && answer.json()["error"].as_str().is_some_and(|error| error.contains(message)),
            "{}",
            answer.text()
        );
    }
    let answer = post("/v2/models/encoder/infer", &[], b"{\"inputs\": \"\xff\"}".to_vec()).await;
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.text().contains("invalid unicode"), "{}", answer.text());
    let answer = get("/v2/models/%FF").await;
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.json()["error"].is_string(), "{}", answer.text());
}

#[tokio::test]
async fn a_request_that_cannot_be_in_time_is_refused_with_the_time_to_try_again() {
    let body = r#"{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}]}"#;
    let answer = post("/v2/models/encoder/infer", &[("x-request-timeout-ms", "0")], body).await;
    assert_eq!(
        (answer.status, answer.headers["retry-after"].to_str().expect("ASCII")),
        (StatusCode::TOO_MANY_REQUESTS, "1")
    );
    let error = "too much is waiting for this request to be answered in its time";
    assert_eq!(answer.json(), json!({ "error": error }));
    for (timeout, status) in
        [("60000", StatusCode::OK), ("1.5", StatusCode::BAD_REQUEST), ("-1", StatusCode::BAD_REQUEST)]
    {
        let answer = post("/v2/models/encoder/infer", &[("x-request-timeout-ms", timeout)], body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

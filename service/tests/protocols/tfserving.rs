//! TensorFlow Serving's REST, and KServe v1.

use crate::client::{Answer, get, number, post, router, rows_of, send};
use crate::models::{Encoder1, Encoder2, Mood, Ranker, rows};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use modeldeploy::model::Input;
use serde_json::{Value, json};

async fn ask(path: &str, body: Value) -> Answer {
    post(&format!("/v1/models/{path}"), &[], body.to_string()).await
}

/// Rows as an answer has them.
fn numbers(rows: &[Vec<f32>]) -> Value {
    json!(rows.iter().map(|row| row.iter().map(|&value| number(value)).collect::<Vec<_>>()).collect::<Vec<_>>())
}

#[tokio::test]
async fn instances_are_answered_by_predictions_and_inputs_by_outputs() {
    let newest = numbers(&rows_of::<Encoder2>(&["phone", "手机"]));
    for (path, body, key) in [
        ("encoder:predict", json!({"instances": ["phone", "手机"]}), "predictions"),
        ("encoder:PREDICT", json!({"instances": [{"text": "phone"}, {"b64": "5omL5py6"}]}), "predictions"),
        ("encoder/versions/2:predict", json!({"inputs": ["phone", "手机"]}), "outputs"),
        (
            "encoder:predict",
            json!({"inputs": {"text": ["phone", "手机"]}, "signature_name": "serving_default"}),
            "outputs",
        ),
    ] {
        let answer = ask(path, body.clone()).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ key: newest })), "{path} {body}");
    }
    let older = rows::<Encoder1>([Input { prompt: "d: ", text: "ab", pair: None }]);
    let answer = ask("encoder/versions/1:predict", json!({"instances": ["ab"]})).await.json();
    assert_eq!(answer, json!({ "predictions": numbers(&older) }));
}

#[tokio::test]
async fn scores_and_labels_come_in_every_form() {
    let pair = |pair| Input { text: "ab", pair: Some(pair), ..Input::default() };
    let scores: Vec<Value> = rows::<Ranker>([pair("cde"), pair("f")]).concat().into_iter().map(number).collect();
    let pairs = json!([["ab", "cde"], ["ab", "f"]]);
    assert_eq!(ask("ranker:predict", json!({ "instances": pairs })).await.json(), json!({ "predictions": scores }));
    assert_eq!(ask("ranker:predict", json!({ "inputs": pairs })).await.json(), json!({ "outputs": scores }));
    let examples = json!({"examples": [{"text": ["ab", "cde"]}, {"text": ["ab", "f"]}]});
    assert_eq!(ask("ranker:regress", examples).await.json(), json!({ "result": scores, "results": scores }));

    let row = &rows_of::<Mood>(&["ab"])[0];
    let probabilities: Vec<Value> = row.iter().map(|&value| number(value)).collect();
    let predictions = json!([{"probabilities": probabilities, "label": "high"}]);
    assert_eq!(ask("mood:predict", json!({"instances": ["ab"]})).await.json(), json!({ "predictions": predictions }));
    let outputs = json!({"probabilities": [probabilities], "label": ["high"]});
    assert_eq!(ask("mood:predict", json!({"inputs": ["ab"]})).await.json(), json!({ "outputs": outputs }));
    let labels: Vec<Value> = crate::packs::means::LABELS.iter().zip(&probabilities).map(|pair| json!(pair)).collect();
    let answer = ask("mood:classify", json!({"examples": [{}], "context": {"text": "ab"}})).await.json();
    assert_eq!(answer, json!({ "result": [labels], "results": [labels] }));
}

#[tokio::test]
async fn states_and_signatures_have_int64_as_strings() {
    let status = r#"{"model_version_status":[{"state":"AVAILABLE","status":{"error_code":"OK","error_message":""},"version":"1"}]}"#;
    assert_eq!(get("/v1/models/encoder/versions/1").await.text(), status);
    let tensor = |name: &str, dtype: &str, sizes: &[&str]| {
        let dim: Vec<_> = sizes.iter().map(|size| json!({"size": size, "name": ""})).collect();
        json!({"dtype": dtype, "tensor_shape": {"dim": dim, "unknown_rank": false}, "name": name})
    };
    for path in ["/v1/models/mood/metadata", "/v1/models/mood/versions/1/metadata"] {
        let metadata = get(path).await.json();
        assert_eq!(metadata["model_spec"], json!({"name": "mood", "signature_name": "", "version": "1"}));
        let signature = &metadata["metadata"]["signature_def"]["signature_def"]["serving_default"];
        assert_eq!(signature["inputs"]["text"], tensor("text", "DT_STRING", &["-1"]));
        assert_eq!(signature["outputs"]["probabilities"], tensor("probabilities", "DT_FLOAT", &["-1", "3"]));
        assert_eq!(signature["outputs"]["label"], tensor("label", "DT_STRING", &["-1"]));
        assert_eq!(signature["method_name"], "tensorflow/serving/predict");
    }
}

#[tokio::test]
async fn errors_have_their_form() {
    let instances = || json!({"instances": ["a"]});
    for (path, body, status, message) in [
        ("x:predict", instances(), 404, "there is no model `x`"),
        (
            "encoder/versions/3:predict",
            instances(),
            404,
            "there is no version `3` of model `encoder`; there is 2.1.0 (stable), 1.0.0 (previous)",
        ),
        (
            "encoder/labels/next:predict",
            instances(),
            404,
            "there is no label `next` of model `encoder`; there is 2.1.0 (stable), 1.0.0 (previous)",
        ),
        ("encoder:train", instances(), 404, "ends in `:predict`, `:classify` or `:regress`"),
        ("encoder", instances(), 405, "ends in `:predict`"),
        ("encoder:explain", instances(), 501, "no model here explains its answers"),
        (
            "encoder:classify",
            json!({"examples": []}),
            400,
            "model `encoder` is for the task `embed`: ask it by `:predict`",
        ),
        ("ranker:predict", instances(), 400, "input `text`: element 0: the model scores a query and a document"),
        ("encoder:predict", json!({"instances": [1]}), 400, "`instances[0]` has a number, where a text must stand"),
        (
            "encoder:predict",
            json!({"instances": ["a"], "signature_name": 1}),
            400,
            "the body cannot be read: `signature_name`: invalid type: integer `1`, expected a string",
        ),
    ] {
        let answer = ask(path, body).await;
        let error = answer.json();
        assert_eq!(answer.status.as_u16(), status, "{path} {error}");
        assert!(error["error"].as_str().is_some_and(|error| error.contains(message)), "{message}: {error}");
    }
    let body = r#"{"instances": ["a"], "other": [NaN, -Infinity]}"#;
    assert_eq!(post("/v1/models/mood:predict", &[], body).await.status, StatusCode::OK);
    let answer = post("/v1/models/mood:predict", &[("x-request-timeout-ms", "0")], body).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "1");
    // A path with a verb is posted to, and one without is read.
    for (path, method, allowed) in [
        ("encoder", "POST", "GET,HEAD"),
        ("encoder", "OPTIONS", "GET,HEAD"),
        ("encoder/versions/2", "PUT", "GET,HEAD"),
        ("encoder:predict", "GET", "POST"),
        ("encoder:predict", "OPTIONS", "POST"),
        ("encoder/versions/2:predict", "GET", "POST"),
        ("encoder/versions/2:predict", "DELETE", "POST"),
    ] {
        let request = Request::builder().method(method).uri(format!("/v1/models/{path}"));
        let answer = send(&router(), request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert_eq!(answer.headers["allow"], allowed, "{method} {path}");
    }
    assert_eq!(get("/v1/models/encoder/labels/next").await.status, StatusCode::NOT_FOUND);
}

//! OpenAI's embeddings, and the models that three protocols list at one path.

use crate::client::{Answer, floats, get, post, rows_of, same_bits};
use crate::models::Encoder2;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

async fn embed(body: Value) -> Answer {
    post("/v1/embeddings", &[("content-type", "application/json")], body.to_string()).await
}

#[tokio::test]
async fn vectors_are_the_engines_in_floats_and_in_base64() {
    let texts = ["phone", "手机", "abc"];
    let expected = rows_of::<Encoder2>(&texts);
    let answer = embed(json!({"model": "encoder", "input": texts})).await.json();
    for (index, row) in expected.iter().enumerate() {
        let data = &answer["data"][index];
        assert_eq!((&data["object"], &data["index"]), (&json!("embedding"), &json!(index)));
        same_bits(&floats(&data["embedding"]), row);
    }
    // Two around each, and a token for each byte.
    let usage = json!({"prompt_tokens": 5 + 6 + 3 + 3 * 2, "total_tokens": 20});
    assert_eq!((&answer["object"], &answer["model"], &answer["usage"]), (&json!("list"), &json!("encoder"), &usage));

    let answer =
        embed(json!({"model": "encoder", "input": "phone", "encoding_format": "base64", "dimensions": 20})).await;
    let bytes: Vec<u8> = expected[0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let expected = format!(
        r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":"{}"}}],"model":"encoder","usage":{{"prompt_tokens":7,"total_tokens":7}}}}"#,
        STANDARD.encode(bytes)
    );
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn the_path_of_text_embeddings_inference_asks_the_first_encoder_whatever_is_named() {
    let expected = embed(json!({"model": "encoder", "input": "phone"})).await.json();
    same_bits(&floats(&expected["data"][0]["embedding"]), &rows_of::<Encoder2>(&["phone"])[0]);
    let ask = async |body: Value| post("/embeddings", &[("content-type", "application/json")], body.to_string()).await;
    for body in [json!({"input": "phone"}), json!({"input": "phone", "model": "text-embeddings-inference"})] {
        assert_eq!(ask(body.clone()).await.json(), expected, "{body}");
    }
    let wrong = ask(json!({"input": "phone", "model": 1})).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("model")));
}

#[tokio::test]
async fn token_ids_are_run_as_they_are() {
    let ids = |text: &str| [&[0], &text.bytes().map(crate::packs::token_of).collect::<Vec<_>>()[..], &[1]].concat();
    let expected = rows_of::<Encoder2>(&["phone", "abc"]);
    for (input, rows) in [(json!(ids("phone")), &expected[..1]), (json!([ids("phone"), ids("abc")]), &expected[..])] {
        let answer = embed(json!({"model": "encoder", "input": input})).await.json();
        assert_eq!(answer["data"].as_array().map(Vec::len), Some(rows.len()));
        rows.iter().enumerate().for_each(|(at, row)| same_bits(&floats(&answer["data"][at]["embedding"]), row));
    }
}

/// Whether an answer is this error.
#[track_caller]
fn is_error(answer: &Answer, status: u16, kind: &str, param: Value, code: Value, message: &str) {
    let error = &answer.json()["error"];
    let got = error["message"].as_str().expect("a message");
    assert!(answer.status.as_u16() == status && got.contains(message), "{}", answer.text());
    assert_eq!(error, &json!({"message": got, "type": kind, "param": param, "code": code}));
}

#[tokio::test]
async fn errors_have_openais_form() {
    let invalid = "invalid_request_error";
    let no_model = "The model `x` does not exist or you do not have access to it.";
    is_error(
        &embed(json!({"model": "x", "input": "a"})).await,
        404,
        invalid,
        Value::Null,
        json!("model_not_found"),
        no_model,
    );
    for (body, param, message) in [
        (json!({"model": "ranker", "input": "a"}), json!("model"), "does not embed: it is for the task `score`"),
        (
            json!({"model": "encoder", "input": "a", "dimensions": 8}),
            json!("dimensions"),
            "does not support specifying",
        ),
        (
            json!({"model": "encoder", "input": ["a", "abcdefghijklm"]}),
            json!("input"),
            "`input[1]`: it has more tokens than",
        ),
        (json!({"model": "encoder", "input": [0, 13, 1]}), json!("input"), "`input[0]`: there is no token 13"),
        (
            json!({"model": "encoder", "input": [vec![1; 10]]}),
            json!("input"),
            "it has more tokens than the model takes, which is 9",
        ),
        (json!({"model": "encoder", "input": vec!["a"; 2049]}), Value::Null, "there are 2049 texts"),
        (
            json!({"model": "encoder", "input": 1}),
            json!("input"),
            "could not parse the JSON body of your request: `input`: ",
        ),
        (
            json!({"model": "encoder", "input": "a", "dimensions": -1}),
            json!("dimensions"),
            "`dimensions`: invalid value",
        ),
        (json!({"model": "encoder"}), Value::Null, "missing field `input`"),
    ] {
        is_error(&embed(body).await, 400, invalid, param, Value::Null, message);
    }
    let body = json!({"model": "encoder", "input": "a"}).to_string();
    let answer = post("/v1/embeddings", &[("x-request-timeout-ms", "0")], body).await;
    is_error(&answer, 429, "requests", Value::Null, json!("rate_limit_exceeded"), "too much is waiting");
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn models_are_listed_for_openai_and_for_kserve_at_once() {
    let listed = |name: &str| json!({"id": name, "object": "model", "created": 0, "owned_by": "modeldeploy"});
    let list = get("/v1/models").await.json();
    assert_eq!(list["object"], "list");
    assert_eq!(list["data"], json!(["encoder", "feed", "mood", "nearby", "ranker", "shelf"].map(listed)));
    assert_eq!(list["models"], json!(["encoder", "feed", "mood", "nearby", "ranker", "shelf"]));
    let one = get("/v1/models/encoder").await.json();
    let status = |version: &str| json!({"version": version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}});
    assert_eq!(one["model_version_status"], json!([status("2"), status("1")]));
    assert_eq!((&one["id"], &one["object"], &one["ready"]), (&json!("encoder"), &json!("model"), &json!(true)));
    let absent = get("/v1/models/x").await;
    assert_eq!((absent.status, &absent.json()["error"]["code"]), (StatusCode::NOT_FOUND, &json!("model_not_found")));
}

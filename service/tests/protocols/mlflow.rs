//! MLflow's scoring server.

use crate::client::{floats, get, post, rows_of, same_bits};
use crate::models::Encoder2;
use serde_json::json;

#[tokio::test]
async fn tables_are_answered_by_predictions_of_the_first_model() {
    let expected = rows_of::<Encoder2>(&["phone", "手机"]);
    let json = "application/json";
    for (kind, body) in [
        (json, json!({"dataframe_split": {"columns": ["text"], "data": [["phone"], ["手机"]]}}).to_string()),
        (json, json!({"dataframe_records": [{"text": "phone"}, {"text": "手机"}]}).to_string()),
        (json, json!({"instances": ["phone", "手机"]}).to_string()),
        (json, json!({"inputs": ["phone", "手机"], "params": {}}).to_string()),
        ("text/csv", "text\nphone\n手机\n".to_owned()),
    ] {
        let answer = post("/invocations", &[("content-type", kind)], body.clone()).await.json();
        expected.iter().enumerate().for_each(|(at, row)| same_bits(&floats(&answer["predictions"][at]), row));
    }
    assert_eq!(get("/version").await.text(), "1.2.3");
}

#[tokio::test]
async fn a_table_without_rows_has_no_predictions() {
    // As pandas reads the header alone, and as MLflow's scoring server writes what a model makes of an empty frame.
    for (kind, body) in [("text/csv", "text\n"), ("text/csv", "text"), ("application/json", r#"{"inputs": []}"#)] {
        let answer = post("/invocations", &[("content-type", kind)], body).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"predictions": []})), "{body}");
    }
}

#[tokio::test]
async fn errors_have_their_form() {
    for (headers, body, status, code, message) in [
        (vec![], "{}", 400, "BAD_REQUEST", "`Content-Type` is ``, and must be application/json or text/csv"),
        (vec![("content-type", "application/json")], "{}", 400, "BAD_REQUEST", "the body must have one of"),
        (
            vec![("content-type", "application/json")],
            r#"{"dataframe_split": {"data": 3}}"#,
            400,
            "BAD_REQUEST",
            "the body cannot be read: `dataframe_split.data`: invalid type: integer `3`, expected a sequence",
        ),
        (
            vec![("content-type", "application/json")],
            r#"{"dataframe_split": [null, null, [["a"]]]}"#,
            400,
            "BAD_REQUEST",
            "`dataframe_split`: invalid type: sequence, expected an object",
        ),
        (
            vec![("content-type", "application/json"), ("x-request-timeout-ms", "0")],
            r#"{"inputs": ["a"]}"#,
            429,
            "REQUEST_LIMIT_EXCEEDED",
            "too much is waiting",
        ),
    ] {
        let answer = post("/invocations", &headers, body).await;
        let error = answer.json();
        assert!(error["message"].as_str().is_some_and(|error| error.contains(message)), "{message}: {error}");
        assert_eq!((answer.status.as_u16(), &error["error_code"]), (status, &json!(code)));
    }
}

//! TorchServe's inference API.

use crate::client::{Answer, floats, get, number, post, same_bits, send};
use crate::models::{Encoder2, Mood, Ranker, rows};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use modeldeploy::model::Input;
use serde_json::{Value, json};

async fn ask(path: &str, body: &Value) -> Answer {
    post(&format!("/predictions/{path}"), &[("content-type", "application/json")], body.to_string()).await
}

#[tokio::test]
async fn a_text_is_answered_by_its_row() {
    assert_eq!(get("/ping").await.json(), json!({"status": "Healthy"}));
    let phone = &rows::<Encoder2>([Input { text: "phone", ..Input::default() }])[0];
    for path in ["encoder", "encoder/2.1.0"] {
        for method in ["POST", "PUT"] {
            let request = Request::builder().method(method).uri(format!("/predictions/{path}"));
            let answer = send(&crate::client::router(), request.body(Body::from("phone")).expect("a request")).await;
            same_bits(&floats(&answer.json()), phone);
        }
    }
    let answer = ask("encoder", &json!({"instances": [{"data": "phone"}, "phone"]})).await.json();
    (0..2).for_each(|at| same_bits(&floats(&answer["predictions"][at]), phone));

    let pair = Input { text: "ab", pair: Some("cde"), ..Input::default() };
    let score = number(rows::<Ranker>([pair])[0][0]);
    assert_eq!(ask("ranker", &json!(["ab", "cde"])).await.json(), score);
    assert_eq!(ask("ranker", &json!({"instances": [["ab", "cde"]]})).await.json(), json!({ "predictions": [score] }));

    let row = &rows::<Mood>([Input { text: "ab", ..Input::default() }])[0];
    let labels = json!({"high": number(row[0]), "five": number(row[1]), "pair": number(row[2])});
    assert_eq!(ask("mood", &json!({"data": "ab"})).await.json(), labels);
}

#[tokio::test]
async fn errors_have_their_form() {
    let text = json!("a");
    for (path, body, status, kind, message) in [
        ("x", &text, 404, "ModelNotFoundException", "there is no model `x`"),
        ("encoder/9", &text, 404, "ModelVersionNotFoundException", "there is no version `9` of model `encoder`"),
        ("ranker", &text, 400, "BadRequestException", "text 0: the model scores a query and a document"),
        ("encoder", &json!({"text": "a"}), 400, "BadRequestException", "the body has the keys {`text`}"),
    ] {
        let answer = ask(path, body).await;
        let error = answer.json();
        assert!(error["message"].as_str().is_some_and(|error| error.contains(message)), "{message}: {error}");
        assert_eq!(answer.status.as_u16(), status, "{error}");
        assert_eq!(error, json!({"code": status, "type": kind, "message": error["message"]}));
    }
    let answer = post("/predictions/encoder", &[("x-request-timeout-ms", "0")], "a").await;
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("ServiceUnavailableException"))
    );
    assert_eq!(answer.headers["retry-after"], "1");
}

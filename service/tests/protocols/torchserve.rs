//! TorchServe's inference API.

use crate::candidates::{ShelfRow, of_shelf};
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

const PARTS: &str = "multipart/form-data; boundary=----b";
const FIELDS: &str = "application/x-www-form-urlencoded";

/// A form of one part, as curl sends a file.
fn form(key: &str, kind: &str, inside: &str) -> String {
    let disposition = format!("Content-Disposition: form-data; name=\"{key}\"; filename=\"file\"");
    format!("------b\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n{inside}\r\n------b--\r\n")
}

#[tokio::test]
async fn a_form_is_answered_by_the_row_of_the_text_in_it() {
    let phone = &rows::<Encoder2>([Input { text: "手机", ..Input::default() }])[0];
    for (kind, body) in [
        (PARTS, form("data", "application/octet-stream", "手机")),
        (PARTS, form("body", "text/plain", "手机")),
        (PARTS, form("data", "application/json", r#"{"data": "手机"}"#)),
        (FIELDS, "data=%E6%89%8B%E6%9C%BA&other=a".to_owned()),
    ] {
        for method in ["POST", "PUT"] {
            let request = Request::builder().method(method).uri("/predictions/encoder").header("content-type", kind);
            let request = request.body(Body::from(body.clone())).expect("a request");
            same_bits(&floats(&send(&crate::client::router(), request).await.json()), phone);
        }
    }
    let json = |inside: &str| form("data", "application/json", inside);
    let score = number(rows::<Ranker>([Input { text: "ab", pair: Some("cde"), ..Input::default() }])[0][0]);
    let price = 0.1 + 0.2;
    let shelf = json!(of_shelf(&[ShelfRow { price, brand: "acme" }])[0]);
    let row = json!({"price": price, "brand": "acme"}).to_string();
    for (model, inside, expected) in [
        ("ranker", r#"["ab", "cde"]"#, score.clone()),
        ("ranker", r#"{"instances": [["ab", "cde"]]}"#, json!({ "predictions": [score] })),
        ("shelf", &row, shelf.clone()),
        ("shelf", &format!(r#"{{"instances": [{row}]}}"#), json!({ "predictions": [shelf] })),
    ] {
        let answer = post(&format!("/predictions/{model}"), &[("content-type", PARTS)], json(inside)).await;
        assert_eq!(answer.json(), expected, "{model} {inside}");
    }
    for (model, kind, body, message) in [
        ("encoder", PARTS, form("file", "text/plain", "a"), "the form has neither `data` nor `body`: send `data=…`"),
        ("encoder", PARTS, "a".to_owned(), "the form cannot be read: incomplete multipart stream"),
        ("encoder", FIELDS, "data=%ff".to_owned(), "the form's `data` is not UTF-8"),
        ("encoder", PARTS, json("3"), "the form's `data` has a number, where a text must stand"),
        (
            "shelf",
            FIELDS,
            format!("data={row}"),
            "`Content-Type` of the form's `data` is ``, and must be application/json",
        ),
    ] {
        let answer = post(&format!("/predictions/{model}"), &[("content-type", kind)], body).await;
        let error = answer.json();
        assert!(error["message"].as_str().is_some_and(|error| error.contains(message)), "{message}: {error}");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{error}");
        assert_eq!(error, json!({"code": 400, "type": "BadRequestException", "message": error["message"]}));
    }
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

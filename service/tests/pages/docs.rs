//! `/docs`.

use crate::served::url;
use modeldeploy_house::browser::Browser;
use serde_json::{Value, json};

fn visit(browser: &Browser) {
    browser.visit(&format!("{}/docs", url()));
}

/// Opens an operation by its name and sends its form.
fn send(browser: &Browser, operation: &str) -> (String, Value) {
    let place = format!("document.getElementById({})", json!(operation));
    browser.run(&format!("{place}.open = true"));
    browser.until(&format!("{place}.querySelector('form')"));
    browser.run(&format!("{place}.querySelector('form button').click()"));
    browser.until(&format!("{place}.querySelector('.answer-body')"));
    let status = browser.text(&format!("{place}.querySelector('.answer .code').textContent"));
    let body = browser.text(&format!("{place}.querySelector('.answer-body').textContent"));
    (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

#[test]
fn an_operation_is_tried_and_answered_as_its_example_says() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    let document: Value = browser.value("fetch('/openapi.json').then((answer) => answer.json())");
    for (path, method, example) in [
        ("/v2/models/encoder/infer", "post", "one text"),
        ("/v2/models/shelf/infer", "post", "candidates"),
        ("/v1/embeddings", "post", "encoder"),
        ("/rerank", "post", "two texts"),
        ("/v2/models/{name}", "get", "answer"),
    ] {
        let operation = &document["paths"][path][method];
        let (status, body) = send(&browser, operation["operationId"].as_str().expect("a name"));
        let expected = &operation["responses"]["200"]["content"]["application/json"]["examples"][example]["value"];
        assert_eq!((status.as_str(), &body), ("200", expected), "{method} {path}");
    }
    browser.picture("docs-desktop.png");
    browser.kept_quiet(url());
}

#[test]
fn every_operation_of_the_document_is_shown() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    visit(&browser);
    let count = "fetch('/openapi.json').then((answer) => answer.json()).then(({ paths }) =>
        Object.values(paths).flatMap((item) => Object.keys(item)).length)";
    assert_eq!(browser.value("document.querySelectorAll('.operation').length"), browser.value(count));
    // Each can be opened.
    browser.run("document.querySelectorAll('.operation').forEach((one) => { one.open = true; })");
    browser.until("[...document.querySelectorAll('.operation')].every((one) => one.querySelector('form'))");
    browser.kept_quiet(url());
}

#[test]
fn the_page_fits_a_phone() {
    let Some(browser) = Browser::open(360, 740, true) else { return };
    visit(&browser);
    let (status, _) = send(&browser, "post_embed");
    assert_eq!(status, "200");
    browser.picture("docs-phone.png");
    browser.run("document.querySelectorAll('.operation').forEach((one) => { one.open = true; })");
    browser.until("[...document.querySelectorAll('.operation')].every((one) => one.querySelector('form'))");
    browser.run("document.querySelectorAll('.inside details').forEach((one) => { one.open = true; })");
    assert_eq!(browser.value("document.documentElement.scrollWidth <= 360"), true, "nothing wider than the phone");
    browser.kept_quiet(url());
}

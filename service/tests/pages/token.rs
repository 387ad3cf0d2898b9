//! A service that asks for a token: the pages ask for it once, and send it.

use crate::served;
use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use modeldeploy_house::browser::Browser;

/// Pages and their parts are open; all else wants a token.
async fn guard(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_part = [".css", ".js", ".svg"].iter().any(|end| path.ends_with(end));
    let has_token = request.headers().get(header::AUTHORIZATION).is_some_and(|value| value == "Bearer secret");
    if ["/ui", "/docs"].contains(&path) || is_part || has_token {
        return next.run(request).await;
    }
    StatusCode::UNAUTHORIZED.into_response()
}

#[test]
fn a_token_is_asked_for_once_and_sent_with_all() {
    let Some(browser) = Browser::open(1280, 900, false) else { return };
    let url = served::serve(|router: Router| router.layer(from_fn(guard)));
    for (page, shown) in [
        ("ui", "document.querySelectorAll('.card').length === 7"),
        ("docs", "document.querySelectorAll('.operation').length > 50"),
    ] {
        browser.load(&format!("{url}/{page}"));
        // The tab has it from the first page on.
        if page == "ui" {
            browser.until("document.querySelector('dialog.token[open]')");
            browser.run(
                "document.querySelector('dialog.token input').value = 'wrong';
                 document.querySelector('dialog.token button').click();",
            );
            browser.until("document.querySelector('dialog.token[open] input')?.value === ''");
            browser.run(
                "document.querySelector('dialog.token input').value = 'secret';
                 document.querySelector('dialog.token button').click();",
            );
        }
        browser.until(shown);
        browser.until("document.documentElement.dataset.ready === 'true'");
        assert_eq!(browser.value("document.querySelectorAll('dialog').length"), 0, "{page}");
    }
}

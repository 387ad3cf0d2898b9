//! A route that panics answers 500 to that request alone.
//!
//! Without this, its connection would end without an answer, and with it what else is under way on it in HTTP/2.

use crate::protocols::{Whole, Whose};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Answers a request, whatever its route does. The panic's own words are on stderr, by the hook.
pub(crate) async fn contain(form: Whose, request: Request, next: Next) -> Response {
    let wire = form.of(request.uri().path(), request.headers());
    let mut run = pin!(next.run(request));
    // After a panic it is not asked again.
    let answered = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
        Err(_panic) => Poll::Ready(None),
    });
    match answered.await {
        Some(response) => response,
        None => Whole::new(StatusCode::INTERNAL_SERVER_ERROR, "the service broke off over this request").answer(wire),
    }
}

//! gRPC: methods as routes beside those of HTTP, on the same port; health, and reflection.
//!
//! The services of a protocol stand in the protocol's room (`protocols/oip/grpc/`, `protocols/tfserving/grpc/`), where they share all
//! that they mean with its REST. Here is what all of them need:
//!
//! | | |
//! | --- | --- |
//! | `call` | a method as a route: the message within the limits, the time that the client gives |
//! | `messages` | the messages of a stream, each with its share of the room for all bodies |
//! | `status` | from what went wrong to a status, with the time after which it may be tried again |
//! | `timeout` | the header `grpc-timeout` |
//! | `health`, `reflection` | services that every server has |
//! | `wire` | the messages, generated from `service/proto` |

mod call;
mod health;
mod messages;
mod reflection;
mod status;
pub(crate) mod timeout;
#[doc(hidden)]
pub mod wire;

pub(crate) use call::{Answers, Call, OfModel, server_streaming, streaming, unary};
pub(crate) use messages::{Messages, Weighed};
pub(crate) use status::{overloaded, status};

use crate::Refusal;
use crate::protocols::Shared;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tonic::Status;

/// The services that no protocol has.
pub(crate) fn router() -> Router<Shared> {
    Router::new().merge(health::router()).merge(reflection::router())
}

/// What answers where there is no route: in gRPC's form to a client that speaks it.
pub(crate) async fn no_route(uri: Uri, headers: HeaderMap) -> Response {
    if is_grpc(&headers) {
        let message = format!("there is no method `{}`; reflection lists those that there are", uri.path());
        return Status::unimplemented(message).into_http::<axum::body::Body>();
    }
    Refusal::new(StatusCode::NOT_FOUND, "there is no such route").into_response()
}

/// Whether a request is one of gRPC, by its type: `application/grpc`, or with `+proto` after it.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
    matches!(kind, Some(b"application/grpc" | b"application/grpc+proto"))
}

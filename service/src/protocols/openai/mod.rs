//! OpenAI's embeddings: `POST /v1/embeddings`.
//!
//! `input` is a text, a list of texts, a list of token ids, or a list of such lists; ids are of the model's own tokenizer, special ones
//! included, and are run as they are. As at OpenAI, a text that is empty or longer than the model takes is refused, and so is
//! `dimensions`, unless it is the vector's length: the models here were not trained to be cut.
//!
//! `POST /embeddings` is the same as Text Embeddings Inference has it, which serves one model: `model` may be left out or name anything, and
//! the first model that embeds answers.
//!
//! `model` may name a version or a label: `query-encoder:1.2.0`, `query-encoder@canary`.
//!
//! Specification: <https://platform.openai.com/docs/api-reference/embeddings>; its models are at `/v1/models`, with those of the others.

mod decode;
mod error;
mod handlers;
pub(super) mod openapi;

pub use decode::check;
pub(super) use error::{Error, whole};

use super::Shared;
use axum::Router;
use axum::routing::post;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/v1/embeddings", post(handlers::embeddings))
        .route("/embeddings", post(handlers::embeddings_of_first))
}

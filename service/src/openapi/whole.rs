//! What refuses requests of any route as a whole, each in the form of the path's protocol: without a token, too often, too long, too slow, or with a head that is too long.

use super::schema;
use crate::Limits;
use serde_json::{Map, Value, json};

/// The name of the scheme of tokens.
pub(super) const BEARER: &str = "bearer";

/// A refusal of requests as a whole.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) status: u16,
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    /// Whether requests with a body may be refused so.
    pub(super) of_body: bool,
    /// Whether requests that need a token may be.
    pub(super) of_token: bool,
    /// Whether any request may be.
    pub(super) of_head: bool,
}

pub(super) const WHOLE: [Whole; 5] = [
    Whole {
        status: 401,
        name: "NoToken",
        meaning: "The request has no token, or none of the service's.",
        of_body: false,
        of_token: true,
        of_head: false,
    },
    Whole {
        status: 408,
        name: "TooSlow",
        meaning: "The body did not come to its end in time. The connection is closed.",
        of_body: true,
        of_token: false,
        of_head: false,
    },
    Whole {
        status: 413,
        name: "TooLong",
        meaning: "The body is too long. The connection is closed.",
        of_body: true,
        of_token: false,
        of_head: false,
    },
    Whole {
        status: 429,
        name: "TooMuch",
        meaning: "The token asks too often, or the bodies of all requests together are too long.",
        of_body: true,
        of_token: true,
        of_head: false,
    },
    Whole {
        status: 431,
        name: "TooLongHead",
        meaning: "The head is too long, or has too many headers. The connection is closed.",
        of_body: false,
        of_token: false,
        of_head: true,
    },
];

/// The answers that are errors of this schema, by the names that operations call them.
pub(super) fn responses(schema: &str, limits: &Limits) -> Map<String, Value> {
    let error = json!({ "$ref": format!("#/components/schemas/{schema}") });
    let response = |whole: &Whole| {
        let description = match whole.status {
            413 => format!("{} It may have {} bytes.", whole.meaning, limits.body_bytes),
            431 => {
                format!("{} It may have {} bytes and {} headers.", whole.meaning, limits.head_bytes, limits.headers)
            }
            _ => whole.meaning.to_owned(),
        };
        let mut response = json!({ "description": description, "content": { super::JSON: { "schema": error } } });
        match whole.status {
            401 => response["headers"]["WWW-Authenticate"] = json!({ "schema": { "const": "Bearer" } }),
            429 => response["headers"]["Retry-After"] = schema::retry_after(),
            _ => {}
        }
        (format!("{schema}.{}", whole.name), response)
    };
    WHOLE.iter().map(response).collect()
}

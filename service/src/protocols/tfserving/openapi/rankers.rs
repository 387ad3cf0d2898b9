//! The predictions of a ranker: rows of features, or columns.

use super::{PREDICT, ran, signature};
use crate::openapi::{About, JSON, Operation, Ranked, schema};
use serde_json::json;

/// The operation at a path.
pub(super) fn predict(about: &About, ranked: &Ranked, path: &str) -> Operation {
    let limits = &about.limits;
    let body = json!({
        "type": "object", "properties": { "signature_name": signature() },
        "oneOf": schema::exactly_one(&[
            ("instances", ranked.list_schema(ranked.row_schema(), limits)), ("inputs", ranked.columns_schema(limits)),
        ]),
    });
    let scores = ranked.scores_schema();
    let answer = json!({ "oneOf": [
        schema::record(json!({ "predictions": scores })), schema::record(json!({ "outputs": scores })),
    ] });
    ran(format!("{path}:predict"), ranked.served.card, "Scores of candidates", body)
        .described(format!("{PREDICT} {}", crate::openapi::OF_ROWS))
        .gives(200, "The scores of each candidate.", JSON, answer)
        .shows("instances", json!({ "instances": ranked.rows() }), json!({ "predictions": ranked.answer() }))
        .shows("inputs", json!({ "inputs": ranked.columns() }), json!({ "outputs": ranked.answer() }))
}

//! The predictions of a ranker: a row of features, or several.

use super::ERRORS;
use crate::openapi::{About, JSON, Operation, Ranked, schema};
use serde_json::json;

/// The operations of all rankers.
pub(super) fn operations(about: &About) -> Vec<Operation> {
    let mut operations = vec![];
    for ranked in &about.rankers {
        let card = ranked.served.card;
        for method in ["post", "put"] {
            if ranked.is_newest {
                let operation = predictions(about, ranked, method, &format!("/predictions/{}", card.name));
                operations.push(operation.chosen_of(&about.alike_rankers(ranked)));
            }
            for version in [card.version].into_iter().chain(ranked.served.label) {
                let operation = predictions(about, ranked, method, &format!("/predictions/{}/{version}", card.name));
                operations.push(operation.answered_by(&[ranked]));
            }
        }
    }
    operations
}

fn predictions(about: &About, ranked: &Ranked, method: &'static str, path: &str) -> Operation {
    let card = ranked.served.card;
    let row = ranked.row_schema();
    let rows = schema::record(json!({ "instances": ranked.list_schema(row.clone(), &about.limits) }));
    let many = schema::record(json!({ "predictions": ranked.scores_schema() }));
    let (shown, answer) = (ranked.rows(), ranked.answer());
    Operation::new(method, path, format!("Scores of candidates by `{}` {}", card.name, card.version))
        .described(format!(
            "A row is answered by its score, `{{\"instances\": […]}}` by a list. {}",
            crate::openapi::OF_ROWS
        ))
        .timed()
        .takes(JSON, json!({ "anyOf": [row, rows] }))
        .gives(
            200,
            "The score of the one row, or those of all instances.",
            JSON,
            json!({ "anyOf": [ranked.score_schema(), many] }),
        )
        .refuses(ERRORS, &[400, 404, 429, 500, 504])
        .shows("row", shown[0].clone(), answer[0].clone())
        .shows("instances", json!({ "instances": shown }), json!({ "predictions": answer }))
}

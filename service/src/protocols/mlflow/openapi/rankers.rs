//! Invocations of a ranker: a table whose columns are its features.

use super::{BODIES, ERRORS};
use crate::openapi::{About, JSON, OF_ROWS, Operation, Ranked, schema};
use serde_json::{Map, Value, json};

pub(super) fn invocations(about: &About, ranked: &Ranked) -> Operation {
    let limits = &about.limits;
    let rows = || ranked.list_schema(ranked.row_schema(), limits);
    let names: Vec<&str> = ranked.inputs.iter().map(|(input, _)| input.name).collect();
    let row: Vec<Value> = ranked.inputs.iter().map(Ranked::field_schema).collect();
    let values = json!({ "type": "array", "prefixItems": row, "items": false, "minItems": names.len(), "maxItems": names.len() });
    let split = schema::object(
        &["columns", "data"],
        // In any order there; in the model's own here.
        json!({ "columns": { "const": names }, "index": true, "data": ranked.list_schema(values, limits) }),
    );
    let bodies = schema::exactly_one(&[
        ("dataframe_split", split),
        ("dataframe_records", rows()),
        ("instances", rows()),
        ("inputs", json!({ "anyOf": [rows(), ranked.columns_schema(limits)] })),
    ]);
    let known: Map<String, Value> = BODIES.into_iter().map(|key| (key.to_owned(), json!(true))).collect();
    let body = json!({ "type": "object", "properties": known, "additionalProperties": false, "oneOf": bodies });
    let (shown, answer) = (ranked.rows(), json!({ "predictions": ranked.answer() }));
    let data: Vec<Vec<&Value>> = shown.iter().map(|row| names.iter().map(|name| &row[name]).collect()).collect();
    Operation::post("/invocations", format!("Scores of candidates by `{}`", ranked.served.card.name))
        .described(format!(
            "A body has exactly one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`. {OF_ROWS}"
        ))
        .timed()
        .chosen_of(&about.alike_rankers(ranked))
        .takes(JSON, body)
        .takes("text/csv", json!({ "type": "string", "format": "csv-of-features" }))
        .gives(
            200,
            "The scores of each candidate.",
            JSON,
            schema::record(json!({ "predictions": ranked.scores_schema() })),
        )
        .refuses(ERRORS, &[400, 404, 429, 500, 504])
        .shows("records", json!({ "dataframe_records": shown }), answer.clone())
        .shows("split", json!({ "dataframe_split": { "columns": names, "data": data } }), answer.clone())
        .shows("inputs", json!({ "inputs": ranked.columns() }), answer.clone())
        .shows_as("csv", ("text/csv", json!(table(&names, &data))), (JSON, answer))
}

/// The rows as CSV: what is missing is an empty field, and a list stands as in JSON.
fn table(names: &[&str], rows: &[Vec<&Value>]) -> String {
    let field = |value: &&Value| match value {
        Value::Null => String::new(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => format!("\"{}\"", other.to_string().replace('"', "\"\"")),
    };
    let lines = rows.iter().map(|row| row.iter().map(field).collect::<Vec<_>>().join(","));
    std::iter::once(names.join(",")).chain(lines).map(|line| line + "\n").collect()
}

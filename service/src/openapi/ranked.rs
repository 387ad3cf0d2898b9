//! A ranker as the document shows it: what it takes of each feature, and a request that it can answer, made of what is golden in its pack.

use super::{Known, Versioned, schema};
use crate::Limits;
use crate::models::Served;
use crate::ranking::{Asked, Cell, Input, Row, inputs};
use modeldeploy::format::features::{Feature, Rule, Side, Takes, Unknown};
use modeldeploy::format::golden::requests::GivenRows;
use modeldeploy::format::program::Rows;
use modeldeploy::rank::Engine;
use serde_json::{Map, Value, json};

/// What rows are, in a description.
pub(crate) const OF_ROWS: &str = "A row is a candidate, with a value for each feature of the model; what is the user's or the \
    session's is the same in all rows. `null` is a missing value.";

/// Candidates of an example.
const CANDIDATES: usize = 2;

/// A ranker of the service.
#[derive(Clone, Debug)]
pub(crate) struct Ranked {
    pub(crate) served: Served,
    pub(crate) is_newest: bool,
    /// The features, in the model's order, each with the schema of a value.
    pub(crate) inputs: Vec<(Input, Value)>,
    /// The example's values of each feature: one for each candidate, the user's one, or those of the session's items.
    pub(crate) values: Vec<Vec<Value>>,
    /// What the engine answers to it.
    pub(crate) scores: Vec<f64>,
}

impl Ranked {
    /// The ranker with its example: the engine runs it.
    ///
    /// # Errors
    ///
    /// If the engine cannot.
    pub(super) fn of(known: Known, engine: &'static Engine<'static>) -> Result<Ranked, modeldeploy::Error> {
        let features = engine.ranker().features.list();
        let is_forest = engine.ranker().forest().is_some();
        let schemas = features.iter().map(|feature| value_schema(feature, is_forest));
        let inputs = inputs(engine).zip(schemas).collect();
        let values = example(engine);
        let facts = &engine.signature().features;
        let cells = facts.iter().zip(&values);
        let columns: Row =
            cells.map(|(fact, values)| (fact.name.clone(), Cell::List(values.iter().map(cell).collect()))).collect();
        let failed = |cause: String| modeldeploy::Error::Damaged {
            cause: format!("the example of `{}`: {cause}", known.served.card.name),
        };
        let asked = Asked::of_columns(facts, &columns, usize::MAX).map_err(failed)?;
        let scores = asked.score(engine).map_err(|fault| failed(fault.to_string()))?;
        Ok(Ranked { served: known.served, is_newest: known.is_newest, inputs, values, scores })
    }

    /// Whether it is that model.
    pub(super) fn is(&self, known: &Known) -> bool {
        self.served.card == known.served.card
    }

    /// Whether it is a version of that one, and takes and gives the same.
    pub(super) fn is_alike(&self, other: &Ranked) -> bool {
        let form = |ranked: &Ranked| {
            let inputs: Vec<Input> = ranked.inputs.iter().map(|(input, _)| *input).collect();
            (ranked.served.card.name, ranked.served.facts.outputs, inputs)
        };
        form(self) == form(other)
    }

    /// What stands in a row for a feature: a value, or the list of a session's.
    pub(crate) fn field_schema((input, value): &(Input, Value)) -> Value {
        match input.side {
            Side::Session => session(value),
            _ => one(value),
        }
    }

    /// A row, an object with the value of each feature, of a candidate; the session's are lists.
    pub(crate) fn row_schema(&self) -> Value {
        let field = |input: &(Input, Value)| (input.0.name.to_owned(), Ranked::field_schema(input));
        schema::record(Value::Object(self.inputs.iter().map(field).collect()))
    }

    /// A list of something for each candidate. How many there may be is said where so many fit into a body, which ends it else.
    pub(crate) fn list_schema(&self, items: Value, limits: &Limits) -> Value {
        let row = self.rows().first().map_or(0, |row| row.to_string().len());
        match row.checked_mul(limits.candidates) {
            Some(bytes) if bytes < limits.body_bytes => schema::sized(items, 1, limits.candidates),
            _ => schema::some(items),
        }
    }

    /// An object with the values of each feature.
    pub(crate) fn columns_schema(&self, limits: &Limits) -> Value {
        let field = |(input, value): &(Input, Value)| {
            let list = match input.side {
                Side::Candidate => self.list_schema(one(value), limits),
                Side::User => one(value),
                Side::Session => session(value),
            };
            (input.name.to_owned(), list)
        };
        schema::record(Value::Object(self.inputs.iter().map(field).collect()))
    }

    /// Scores: a number for each candidate, or a list.
    pub(crate) fn scores_schema(&self) -> Value {
        schema::list(self.score_schema())
    }

    /// What a candidate has.
    pub(crate) fn score_schema(&self) -> Value {
        match self.served.facts.outputs {
            1 => json!({ "type": "number" }),
            outputs => schema::sized(json!({ "type": "number" }), outputs, outputs),
        }
    }

    /// The example in rows.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let count = self.scores.len() / self.served.facts.outputs;
        let row = |at: usize| {
            let field = |((input, _), values): (&(Input, Value), &Vec<Value>)| {
                (
                    input.name.to_owned(),
                    match input.side {
                        Side::Candidate => values[at].clone(),
                        Side::User => values[0].clone(),
                        Side::Session => json!(values),
                    },
                )
            };
            Value::Object(self.inputs.iter().zip(&self.values).map(field).collect())
        };
        (0..count).map(row).collect()
    }

    /// The example in columns.
    pub(crate) fn columns(&self) -> Value {
        let columns = self.inputs.iter().zip(&self.values);
        let columns: Map<String, Value> =
            columns.map(|((input, _), values)| (input.name.to_owned(), json!(values))).collect();
        Value::Object(columns)
    }

    /// The scores of the example, as they are answered.
    pub(crate) fn answer(&self) -> Vec<Value> {
        match self.served.facts.outputs {
            1 => self.scores.iter().map(|score| json!(score)).collect(),
            outputs => self.scores.chunks_exact(outputs).map(|row| json!(row)).collect(),
        }
    }
}

impl Versioned for Ranked {
    fn version(&self) -> &'static str {
        self.served.card.version
    }

    fn label(&self) -> Option<&'static str> {
        self.served.label
    }
}

/// A value, or a list of it alone.
fn one(value: &Value) -> Value {
    json!({ "anyOf": [value, schema::sized(value.clone(), 1, 1)] })
}

/// The values of a session's items, or a list of that list alone.
fn session(value: &Value) -> Value {
    let items = schema::list(one(value));
    json!({ "anyOf": [items, schema::sized(items.clone(), 1, 1)] })
}

/// What a value of a feature is. Trees take what is missing, and a network where the feature's rule has something for it.
fn value_schema(feature: &Feature, is_forest: bool) -> Value {
    let kind =
        |name: &str, may_miss: bool| if may_miss { json!({ "type": [name, "null"] }) } else { json!({ "type": name }) };
    match &feature.rule {
        Rule::Number { default, .. } => kind("number", is_forest || !default.is_nan()),
        Rule::Bucket { .. } => kind("number", is_forest),
        Rule::Id { unknown: Some(_), .. } => kind("number", true),
        Rule::Id { size, unknown: None } => json!({ "type": "integer", "minimum": 0, "maximum": size - 1 }),
        Rule::Category { vocabulary, unknown: Unknown::Refused, .. } => schema::one_of(vocabulary),
        Rule::Category { .. } | Rule::Hash { .. } => kind("string", true),
        Rule::Embedding(of) => schema::sized(kind("number", false), of.width as usize, of.width as usize),
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Number(number) => number.as_f64().map_or(Cell::Missing, Cell::Number),
        Value::String(text) => Cell::Text(text.clone()),
        Value::Array(values) => Cell::List(values.iter().map(cell).collect()),
        _ => Cell::Missing,
    }
}

/// Values that give, as near as a rule can be gone back, what the pack's golden rows or its first golden request have.
fn example(engine: &Engine<'static>) -> Vec<Vec<Value>> {
    let (features, artifact) = (&engine.ranker().features, engine.artifact());
    let (rows, requests) = (artifact.golden_rows(), artifact.golden_requests());
    let (request, given) = (requests.first(), features.given());
    let mut values = Vec::with_capacity(features.list().len());
    for (at, feature) in features.list().iter().enumerate() {
        let (kind, widths) = match feature.rows() {
            Rows::Tokens => (0, given.session),
            Rows::Texts => (1, given.user),
            Rows::Candidates => (2, given.candidate),
        };
        let own = features.column(at)..features.column(at) + feature.rule.width() as usize;
        // The numbers of each row that are the feature's.
        let of_request = |given: &GivenRows| -> Vec<Vec<f64>> {
            let numbers = given.numbers.chunks_exact((widths.numbers as usize).max(1));
            let ids = given.ids.chunks_exact((widths.ids as usize).max(1));
            match feature.takes {
                Takes::Number => numbers.map(|row| row[own.clone()].iter().map(|&it| it.into()).collect()).collect(),
                Takes::Id => ids.map(|row| row[own.clone()].iter().map(|&it| it.into()).collect()).collect(),
            }
        };
        let mut found = match request {
            Some(request) => of_request([&request.session, &request.user, &request.candidates][kind]),
            None => rows.iter().map(|golden| golden.row[features.place(at)].to_vec()).collect(),
        };
        match feature.side {
            Side::User => found.truncate(1),
            Side::Candidate => found.truncate(CANDIDATES),
            Side::Session => {}
        }
        if found.is_empty() && feature.side != Side::Session {
            found.push(vec![0.0; own.len()]);
        }
        let value = |numbers: &Vec<f64>| match &feature.rule {
            Rule::Embedding(_) => numbers.iter().map(|&number| digits(number)).collect(),
            rule => back(rule, numbers[0]),
        };
        values.push(found.iter().map(value).collect());
    }
    values
}

/// A finite number with no more digits than one reads; 0 in the place of another.
fn digits(number: f64) -> Value {
    let rounded = (number * 1e4).round() / 1e4;
    json!(if rounded.is_finite() { rounded } else { 0.0 })
}

/// A value that a rule makes that number of, or one near it.
fn back(rule: &Rule, number: f64) -> Value {
    let whole =
        |number: f64| if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) };
    match rule {
        Rule::Number { .. } | Rule::Bucket { .. } if number.is_nan() => Value::Null,
        // No more digits than one reads.
        Rule::Number { mean, deviation, .. } => whole(((number * deviation + mean) * 1e4).round() / 1e4),
        Rule::Bucket { boundaries } => {
            let below = (number as usize).checked_sub(1).and_then(|at| boundaries.get(at));
            whole(below.copied().unwrap_or(boundaries[0] - 1.0))
        }
        Rule::Category { vocabulary, first, unknown } => {
            let place = (number - f64::from(*first)).max(0.0) as usize;
            let is_word = number.is_finite() && number >= f64::from(*first);
            match (vocabulary.get(place).filter(|_| is_word), unknown) {
                (Some(word), _) => json!(word),
                (None, Unknown::Refused) => json!(vocabulary.first()),
                (None, _) => json!(""),
            }
        }
        // No hash can be gone back.
        Rule::Hash { .. } => json!("shoes"),
        Rule::Id { .. } if number.is_nan() => Value::Null,
        Rule::Id { .. } => whole(number),
        Rule::Embedding(_) => digits(number),
    }
}

//! `golden.tsv`: some candidates as a service would give them, and the scores that they had where the model was trained. They are held
//! against what is packed, so that what `features.toml` says is what training did.
//!
//! The first line names the features, in any order, and last `score` (or `score.0`, `score.1` …); a number that is missing is an
//! empty field, an embedding a list as `[0.25, -1.5]`.

use super::SPECIFICATION;
use crate::diagnostic::Diagnostic;
use modeldeploy_format::features::{Features, Kind, Side, Value};

/// A candidate with its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// Where it stands.
    pub place: String,
    /// Its numbers, as the features' rules give them.
    pub row: Vec<f64>,
    /// What it must get.
    pub scores: Vec<f64>,
}

/// The candidates of a file's text.
///
/// # Errors
///
/// Everything that is wrong with it, each with its line.
pub fn expected(
    place: &str,
    text: &str,
    features: &Features,
    outputs: usize,
) -> Result<Vec<Expected>, Vec<Diagnostic>> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let wrong = |line: usize, message: String| {
        let help =
            "the first line names every feature, and last `score`; each further line has as many fields, between tabs";
        Diagnostic::new(SPECIFICATION, message).at(format!("{place}:{}", line + 1)).help(help)
    };
    let facts = features.facts();
    if let Some(fact) = facts.iter().find(|fact| fact.side == Side::Session) {
        let message = format!("the feature `{}` is a list of each session, which no field can be", fact.name);
        let help =
            "write golden.jsonl instead: a request on each line, with `user`, `session`, `candidates` and `scores`";
        return Err(vec![Diagnostic::new(SPECIFICATION, message).at(place).help(help)]);
    }
    let names: Vec<&str> = lines.next().map_or(vec![], |(_, line)| line.split('\t').collect());
    let scores: Vec<String> =
        if outputs == 1 { vec!["score".into()] } else { (0..outputs).map(|at| format!("score.{at}")).collect() };
    let (of_features, of_scores) = names.split_at(names.len().saturating_sub(outputs));
    let columns: Vec<Option<usize>> =
        facts.iter().map(|fact| of_features.iter().position(|name| **name == fact.name)).collect();
    if of_scores != scores || of_features.len() != facts.len() || columns.contains(&None) {
        let wanted: Vec<&str> =
            facts.iter().map(|fact| fact.name.as_str()).chain(scores.iter().map(String::as_str)).collect();
        return Err(vec![wrong(0, format!("the first line does not name {}", wanted.join(", ")))]);
    }
    let (mut found, mut errors) = (vec![], vec![]);
    for (at, line) in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields.len() != names.len() {
            errors.push(wrong(at, format!("{} fields stand where {} should", fields.len(), names.len())));
            continue;
        }
        let number = |field: &str| match field.trim() {
            "" => Ok(f64::NAN),
            field => field.parse().map_err(|_| wrong(at, format!("`{field}` is no number"))),
        };
        let embedding = |field: &str| -> Result<Vec<f32>, Diagnostic> {
            let wrong = |_| wrong(at, format!("`{field}` is no list of numbers, as [0.25, -1.5]"));
            serde_json::from_str(field).map_err(wrong)
        };
        let embeddings: Result<Vec<Vec<f32>>, Diagnostic> = facts
            .iter()
            .zip(columns.iter().flatten())
            .map(|(fact, &column)| fact.kind.embedding().map_or(Ok(vec![]), |_| embedding(fields[column])))
            .collect();
        let embeddings = match embeddings {
            Ok(embeddings) => embeddings,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let values: Result<Vec<Value<'_>>, Diagnostic> = facts
            .iter()
            .zip(columns.iter().flatten().zip(&embeddings))
            .map(|(fact, (&column, embedding))| match fact.kind {
                Kind::Number => number(fields[column]).map(Value::Number),
                Kind::Text => Ok(Value::Text(fields[column])),
                Kind::Embedding(_) => Ok(Value::Embedding(embedding)),
            })
            .collect();
        let scores: Result<Vec<f64>, Diagnostic> = fields[facts.len()..].iter().map(|field| number(field)).collect();
        let mut row = vec![0.0; features.width()];
        let made = values.and_then(|values| {
            features.whole_row(&values, &mut row).map_err(|error| wrong(at, error.to_string()))?;
            Ok(Expected { place: format!("{place}:{}", at + 1), row, scores: scores? })
        });
        match made {
            Ok(expected) => found.push(expected),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::features::{EmbeddingOf, Feature, Rule, Takes, Unknown};

    #[test]
    fn lines_are_read_in_the_order_of_the_features() {
        let number = Rule::Number { mean: 0.0, deviation: 2.0, default: f64::NAN };
        let brand = Rule::Category { vocabulary: vec!["acme".into()], first: 0, unknown: Unknown::Refused };
        let feature = |name: &str, rule| Feature {
            name: name.into(),
            side: Side::Candidate,
            repeated: false,
            takes: Takes::Number,
            rule,
        };
        let title = Rule::Embedding(EmbeddingOf { model: "e".into(), space: EmbeddingOf::UNLOCKED, width: 2 });
        let wide = Features::new(vec![feature("title", title), feature("price", number.clone())]).expect("features");
        let features = Features::new(vec![feature("price", number), feature("brand", brand)]).expect("features");
        let found = expected("golden.tsv", "price\ttitle\tscore\n3\t[0.5, -2]\t1\n", &wide, 1).expect("a candidate");
        assert_eq!(found[0].row, [0.5, -2.0, 1.5]);
        for (title, said) in [("0.5", "`0.5` is no list of numbers"), ("[0.5]", "the embedding `title` has 1 values")] {
            let errors = expected("golden.tsv", &format!("price\ttitle\tscore\n3\t{title}\t1\n"), &wide, 1);
            let errors = errors.expect_err(said);
            assert!(errors[0].to_string().contains(said), "{}", errors[0]);
        }
        let read = |text: &str| expected("golden.tsv", text, &features, 1);
        let found = read("brand\tprice\tscore\nacme\t3\t0.5\nacme\t\t-1e3\n").expect("two candidates");
        assert_eq!((found[0].row.as_slice(), found[0].scores.as_slice()), (&[1.5, 0.0][..], &[0.5][..]));
        assert!(found[1].row[0].is_nan() && found[1].place == "golden.tsv:3");
        for (text, said) in [
            ("", "golden.tsv:1"),
            ("price\tbrand\n", "does not name price, brand, score"),
            ("price\tprice\tscore\n", "does not name"),
            ("price\tbrand\tscore\n1\tacme\n", "2 fields stand where 3 should"),
            ("price\tbrand\tscore\nx\tacme\t1\n", "`x` is no number"),
            ("price\tbrand\tscore\n1\tno\t1\n", "`no` is not in the vocabulary"),
        ] {
            let errors = read(text).expect_err(text);
            assert!(errors[0].to_string().contains(said), "{}", errors[0]);
        }
    }
}

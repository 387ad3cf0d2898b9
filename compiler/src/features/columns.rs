//! Columns of a model's inputs, and which of them `features.toml` names.

use modeldeploy_format::features::{Side, Takes};
use std::ops::Range;

/// A column of a model's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The model's own name of it.
    pub name: String,
    /// What the model takes there.
    pub takes: Takes,
}

impl Column {
    /// A column of numbers.
    pub fn number(name: &str) -> Column {
        Column { name: name.to_owned(), takes: Takes::Number }
    }
}

/// The columns that a feature names: one, or of an embedding some that follow one another, as `query`, all of an input, or `dense[0..384]`.
pub(super) fn stretch(columns: &[Column], named: &str, is_embedding: bool) -> Option<Range<usize>> {
    let place = |name: &str| columns.iter().position(|column| column.name == name);
    if let Some(at) = place(named) {
        return Some(at..at + 1);
    }
    if !is_embedding {
        return None;
    }
    let bracketed = |base: &str, at: usize| format!("{base}[{at}]");
    let bare = |base: &str, at: usize| format!("{base}{at}");
    let follow = |name: &dyn Fn(&str, usize) -> String, base: &str, from: usize, most: usize| {
        let first = place(&name(base, from))?;
        let own = columns[first..].iter().take(most).zip(from..);
        Some(first..first + own.take_while(|(column, at)| column.name == name(base, *at)).count())
    };
    if !named.ends_with(']') {
        return follow(&bracketed, named, 0, usize::MAX);
    }
    let (base, from, to) = range(named)?;
    let count = to.checked_sub(from).filter(|&count| count > 0)?;
    let whole = |own: &Range<usize>| own.len() == count;
    follow(&bracketed, base, from, count).or_else(|| follow(&bare, base, from, count)).filter(whole)
}

/// The name and the range of `dense[0..384]`.
fn range(named: &str) -> Option<(&str, usize, usize)> {
    let (base, range) = named.strip_suffix(']')?.rsplit_once('[')?;
    let (from, to) = range.split_once("..")?;
    Some((base, from.parse().ok()?, to.parse().ok()?))
}

/// Of what a column is known that `features.toml` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sided {
    /// The column, by the name that it has there.
    column: String,
    /// Of what it is known.
    pub side: Side,
    /// How many columns of its input that are; none where it is an embedding, which may be all.
    pub columns: Option<usize>,
}

impl Sided {
    /// Whether the column is one of this input's, or the input one of the columns `text_[0..384]`.
    pub fn is_of(&self, input: &str) -> bool {
        let numbered = || {
            let (base, from, to) = range(&self.column)?;
            let at: usize = input.strip_prefix(base)?.parse().ok()?;
            Some((from..to).contains(&at) && input == format!("{base}{at}"))
        };
        self.column.strip_prefix(input).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            || numbered() == Some(true)
    }
}

/// What the text of `features.toml` says of columns, as far as it can be read: what is wrong with it is for [`features`](super::features) to say, which
/// needs the columns.
pub fn sides(text: &str) -> Vec<Sided> {
    let table = text.parse::<toml::Table>().unwrap_or_default();
    let entries = table.get("feature").and_then(toml::Value::as_table);
    let sided = |(name, entry): (&String, &toml::Value)| {
        let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
        let side =
            text("of").map_or(Some(Side::Candidate), |of| Side::ALL.into_iter().find(|side| side.name() == of))?;
        let column = text("column").unwrap_or(name).to_owned();
        let columns = match (text("type"), range(&column)) {
            (Some("embedding"), Some((_, from, to))) => Some(to.checked_sub(from)?),
            (Some("embedding"), None) => None,
            _ => Some(1),
        };
        Some(Sided { column, side, columns })
    };
    entries.into_iter().flatten().filter_map(sided).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::features;
    use modeldeploy_format::features::{EmbeddingOf, Rule};

    const EMBEDDINGS: &str = r#"
[feature.text]
of = "user"
type = "embedding"
model = "query-encoder"
column = "query"
[feature.title]
type = "embedding"
model = "title-encoder"
column = "dense[1..3]"
[feature.price]
type = "number"
column = "dense[0]"
[feature.stock]
type = "number"
column = "dense[3]"
[feature.brand]
type = "embedding"
model = "title-encoder"
column = "brand_[1..4]"
"#;

    /// An input of three columns, one of four, two of one, and one of ids.
    fn wide() -> Vec<Column> {
        let names = ["query[0]", "query[1]", "query[2]", "dense[0]", "dense[1]", "dense[2]", "dense[3]"];
        let names = names.into_iter().chain(["brand_1", "brand_2", "brand_3"]);
        names.map(Column::number).collect()
    }

    #[test]
    fn an_embedding_is_of_columns_that_follow_one_another() {
        let found = features("features.toml", Some(EMBEDDINGS), &wide()).expect("features");
        let of = |model: &str, width| {
            Rule::Embedding(EmbeddingOf { model: model.into(), space: EmbeddingOf::UNLOCKED, width })
        };
        let number = Rule::Number { mean: 0.0, deviation: 1.0, default: f64::NAN };
        let expected = [
            ("text", Side::User, of("query-encoder", 3)),
            ("price", Side::Candidate, number.clone()),
            ("title", Side::Candidate, of("title-encoder", 2)),
            ("stock", Side::Candidate, number),
            ("brand", Side::Candidate, of("title-encoder", 3)),
        ];
        assert_eq!((found.list().len(), found.width()), (5, 10));
        for (feature, (name, side, rule)) in found.list().iter().zip(expected) {
            assert_eq!((feature.name.as_str(), feature.side, feature.takes), (name, side, Takes::Number));
            // A default that is missing is NaN, which equals nothing.
            assert_eq!(format!("{:?}", feature.rule), format!("{rule:?}"));
        }
    }

    #[test]
    fn an_input_is_known_by_what_names_it_or_its_columns() {
        let said = sides(EMBEDDINGS);
        let of = |input: &str| -> Vec<&str> {
            said.iter().filter(|it| it.is_of(input)).map(|it| it.column.as_str()).collect()
        };
        assert_eq!(of("query"), ["query"]);
        assert_eq!(of("dense").len(), 3);
        for (input, is) in [
            ("brand_1", true),
            ("brand_3", true),
            ("brand_4", false),
            ("brand_0", false),
            ("brand_01", false),
            ("brand", false),
        ] {
            assert_eq!(of(input).len(), usize::from(is), "{input}");
        }
    }

    #[test]
    fn an_embedding_of_no_model_of_a_session_or_of_other_columns_is_refused() {
        for (from, to, said) in [
            ("model = \"query-encoder\"\n", "", "`model` of `feature.text` is missing"),
            ("of = \"user\"", "of = \"session\"", "the items of a session have no embeddings"),
            ("column = \"query\"", "column = \"qury\"", "the model has no feature `qury`"),
            ("dense[1..3]", "dense[1..5]", "the model has no feature `dense[1..5]`"),
            ("dense[1..3]", "dense[3..3]", "the model has no feature `dense[3..3]`"),
            ("dense[1..3]", "dense[3..1]", "the model has no feature `dense[3..1]`"),
            ("dense[1..3]", "dense[1..x]", "the model has no feature `dense[1..x]`"),
            ("dense[1..3]", "dense[..]", "the model has no feature `dense[..]`"),
            ("dense[1..3]", "dense[0..3]", "`price` and `title` are both the model's feature `dense[0]`"),
            ("dense[1..3]", "dense[1]", "1 of the model's 10 features are not specified"),
            ("brand_[1..4]", "brand_[1..99999999999999999999]", "the model has no feature"),
            ("column = \"dense[0]\"", "column = \"query\"", "the model has no feature `query`"),
            ("model = \"query-encoder\"", "model = \"query-encoder\"\nmean = 1", "no key `mean`"),
        ] {
            assert!(EMBEDDINGS.contains(from), "{from}");
            let errors = features("features.toml", Some(&EMBEDDINGS.replacen(from, to, 1)), &wide()).expect_err(to);
            let errors = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(errors.contains(said), "{to}: `{said}` is not said in\n{errors}");
        }
        let mut ids = wide();
        ids[1].takes = Takes::Id;
        let errors = features("features.toml", Some(EMBEDDINGS), &ids).expect_err("ids");
        assert!(
            errors[0].to_string().contains("`query` is of whole numbers, and `text` an embedding"),
            "{}",
            errors[0]
        );
    }
}

//! `features.toml`: what a service gives for each feature of a model, and what becomes of it.
//!
//! ```toml
//! [feature.price]
//! type = "number"        # NaN is missing
//! mean = 20.0            # (value - mean) / std
//! std = 8.0
//! default = 0.0          # the model's number in the place of a missing value; without it the model sees that it is missing
//!
//! [feature.age]
//! type = "bucket"        # how many of the boundaries are at most the value
//! boundaries = [18, 25, 40]
//!
//! [feature.brand]
//! type = "category"      # the place in the vocabulary
//! column = "VehBrand"    # the model's own name for it, where that is another
//! vocabulary = ["acme", "globex"]
//! unknown = "missing"    # or "error"; or `unknown-id = 2`
//!
//! [feature.query]
//! type = "hash"          # FNV-1a, 64 bit, of the seed's eight bytes and the text, modulo `buckets`
//! buckets = 1024
//! seed = 7
//! ```

use super::codes::SPECIFICATION;
use crate::diagnostic::Diagnostic;
use crate::section::{Section, Source, list, nearest};
use modeldeploy_format::features::{Feature, Features, Rule, Side, Takes, Unknown};
use std::collections::BTreeMap;

const TYPES: [&str; 4] = ["number", "bucket", "category", "hash"];

/// The features of a model whose own names for them are `columns`, as the text of `features.toml` has them; without one, each is a
/// number of that name.
///
/// # Errors
///
/// Everything that is wrong with the text, and every feature that is only in one of the two.
pub fn features(place: &str, text: Option<&str>, columns: &[String]) -> Result<Features, Vec<Diagnostic>> {
    let Some(text) = text else {
        let errors = no_fields(place, columns);
        if !errors.is_empty() {
            return Err(errors);
        }
        let number = Rule::Number { mean: 0.0, deviation: 1.0, default: f64::NAN };
        let features = columns.iter().map(|name| feature(name, number.clone())).collect();
        return Features::new(features).map_err(|why| vec![wrong(place, why)]);
    };
    let source = Source::new(place, text, SPECIFICATION);
    let Some(document) = source.parse() else { return Err(source.errors()) };
    let top = Section::new(&source, "", &document, 0);
    let mut found: BTreeMap<String, Feature> = BTreeMap::new();
    for (name, _, section) in top.section("feature").map_or(vec![], |features| features.entries()) {
        let at = section.at;
        let column = section.string("column").unwrap_or_else(|| name.clone());
        let rule = rule(&source, &section);
        section.finish();
        if !columns.contains(&column) {
            let help = match nearest(&column, columns.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? `column` is the model's own name of a feature"),
                None => {
                    format!("`column` is the model's own name of a feature: the first are {}", list(&first(columns)))
                }
            };
            source.fail(at, format!("the model has no feature `{column}`"), help);
        } else if let Some(rule) = rule
            && let Some(other) = found.insert(column.clone(), feature(&name, rule))
        {
            let message = format!("`{}` and `{name}` are both the model's feature `{column}`", other.name);
            source.fail(at, message, "take one of them away");
        }
    }
    top.finish();
    let mut errors = source.errors();
    errors.extend(no_fields(place, found.values().map(|feature| &feature.name)));
    let absent: Vec<&str> = columns.iter().map(String::as_str).filter(|&column| !found.contains_key(column)).collect();
    if errors.is_empty() && !absent.is_empty() {
        let message = format!("{} of the model's {} features are not specified", absent.len(), columns.len());
        let names: Vec<String> = absent.iter().take(8).map(|&name| name.to_owned()).collect();
        let help = format!("add `[feature.NAME]` and `type` for each; the first are {}", list(&first(&names)));
        errors.push(Diagnostic::new(SPECIFICATION, message).at(place).help(help));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let features = columns.iter().filter_map(|column| found.remove(column)).collect();
    Features::new(features).map_err(|why| vec![wrong(place, why)])
}

/// An error for each feature whose name cannot be a field: said here, before a service is built with it.
fn no_fields<'n>(place: &str, names: impl IntoIterator<Item = &'n String>) -> Vec<Diagnostic> {
    let wrong = names.into_iter().filter(|name| !is_field(name)).map(|name| {
        let message = format!("the feature `{name}` cannot be a field of a row");
        let help = "give it a name of letters, digits and `_` in features.toml, and its name in the model as `column`";
        Diagnostic::new(SPECIFICATION, message).at(place).help(help)
    });
    wrong.collect()
}

/// Whether a name can be a field, if need be as `r#name`: services have a field for each feature.
fn is_field(name: &str) -> bool {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let goes_on = letters.all(|c| c.is_alphanumeric() || c == '_');
    begins && goes_on && !["_", "self", "Self", "super", "crate"].contains(&name)
}

fn feature(name: &str, rule: Rule) -> Feature {
    Feature { name: name.to_owned(), side: Side::Candidate, takes: Takes::Number, rule }
}

fn first(names: &[String]) -> Vec<&str> {
    names.iter().take(8).map(String::as_str).collect()
}

fn wrong(place: &str, why: String) -> Diagnostic {
    Diagnostic::new(SPECIFICATION, why)
        .at(place)
        .help("give every feature a name and a rule of its own in features.toml")
}

fn rule(source: &Source<'_>, section: &Section<'_, '_>) -> Option<Rule> {
    let kind = section.required("type", "say what it is: type = \"number\", \"bucket\", \"category\" or \"hash\"")?;
    Some(match kind.as_str() {
        "number" => Rule::Number {
            mean: section.number("mean").unwrap_or(0.0),
            deviation: section.number("std").unwrap_or(1.0),
            default: section.number("default").unwrap_or(f64::NAN),
        },
        "bucket" => {
            let boundaries = section.numbers("boundaries");
            if boundaries.is_none() {
                source.fail(section.at, "a bucket without `boundaries`", "write boundaries = [18, 25, 40]");
            }
            Rule::Bucket { boundaries: boundaries? }
        }
        "category" => {
            let vocabulary = section.strings("vocabulary");
            if vocabulary.is_none() {
                source.fail(section.at, "a category without `vocabulary`", "write vocabulary = [\"acme\", \"globex\"]");
            }
            let unknown = match (section.string("unknown").as_deref(), section.number("unknown-id")) {
                (None | Some("missing"), None) => Unknown::Missing,
                (Some("error"), None) => Unknown::Refused,
                (None, Some(number)) => Unknown::Number(number),
                (Some(_), Some(_)) => {
                    source.fail(section.at("unknown"), "`unknown` and `unknown-id` are two answers", "take one away");
                    return None;
                }
                (Some(other), None) => {
                    let help = "write unknown = \"missing\" or \"error\", or unknown-id = 0";
                    source.fail(section.at("unknown"), format!("`unknown` cannot be `{other}`"), help);
                    return None;
                }
            };
            let vocabulary = vocabulary?.into_iter().map(|(word, _)| word).collect();
            Rule::Category { vocabulary, first: 0, unknown }
        }
        "hash" => {
            let buckets = section.count("buckets");
            if buckets.is_none() {
                source.fail(section.at, "a hash without `buckets`", "write buckets = 1024");
            }
            Rule::Hash { buckets: buckets?, seed: section.whole("seed").unwrap_or(0) }
        }
        other => {
            let help = match nearest(other, TYPES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the types are {}", list(&TYPES)),
            };
            source.fail(section.at("type"), format!("there is no type `{other}`"), help);
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
[feature.price]
type = "number"
mean = 20
std = 8.0
default = -1
[feature.age]
type = "bucket"
boundaries = [18, 25.5]
[feature.brand]
type = "category"
column = "VehBrand"
vocabulary = ["acme", "globex"]
unknown = "error"
[feature.query]
type = "hash"
buckets = 1024
seed = 7
"#;

    fn read(text: &str) -> Result<Features, String> {
        let columns = ["VehBrand", "age", "price", "query"].map(str::to_owned);
        features("features.toml", Some(text), &columns)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn every_rule_is_read_in_the_order_of_the_model() {
        let features = read(WHOLE).expect("features");
        let vocabulary = vec!["acme".to_owned(), "globex".to_owned()];
        let expected = [
            ("brand", Rule::Category { first: 0, vocabulary, unknown: Unknown::Refused }),
            ("age", Rule::Bucket { boundaries: vec![18.0, 25.5] }),
            ("price", Rule::Number { mean: 20.0, deviation: 8.0, default: -1.0 }),
            ("query", Rule::Hash { buckets: 1024, seed: 7 }),
        ];
        for (feature, (name, rule)) in features.list().iter().zip(expected) {
            assert_eq!((feature.name.as_str(), &feature.rule), (name, &rule));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (from, to, said) in [
            ("type = \"bucket\"", "type = \"buckt\"", "did you mean `bucket`"),
            ("boundaries = [18, 25.5]", "", "a bucket without `boundaries`"),
            ("boundaries = [18, 25.5]", "boundaries = [18, \"x\"]", "is not a list of numbers"),
            ("[18, 25.5]", "[25, 18]", "the boundaries of feature `age` do not ascend"),
            ("std = 8.0", "std = 0", "no number above 0"),
            ("mean = 20", "meen = 20", "did you mean `mean`"),
            ("\"globex\"", "\"acme\"", "`acme` is twice"),
            ("unknown = \"error\"", "unknown = \"no\"", "`unknown` cannot be `no`"),
            ("unknown = \"error\"", "unknown = \"error\"\nunknown-id = 1", "two answers"),
            ("buckets = 1024", "buckets = 0", "a whole number from 1"),
            ("column = \"VehBrand\"", "column = \"VehBrnd\"", "did you mean `VehBrand`"),
            ("[feature.age]", "[feature.aeg]", "the model has no feature `aeg`"),
            ("[feature.age]", "[feature.\"my age\"]\ncolumn = \"age\"", "`my age` cannot be a field"),
            ("[feature.age]", "[feature.self]\ncolumn = \"age\"", "`self` cannot be a field"),
            ("boundaries = [18, 25.5]", "boundaries = []", "without a boundary"),
            ("seed = 7", "seed = -1", "a whole number from 0"),
            ("column = \"VehBrand\"", "column = \"age\"", "are both the model's feature `age`"),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let errors = read(&WHOLE.replacen(from, to, 1)).expect_err(to);
            assert!(errors.contains(said), "{to}: `{said}` is not said in\n{errors}");
        }
        let at = WHOLE.find("[feature.query]").expect("a feature");
        let errors = read(&WHOLE[..at]).expect_err("a feature is absent");
        assert!(
            errors.contains("1 of the model's 4 features are not specified") && errors.contains("`query`"),
            "{errors}"
        );
    }

    #[test]
    fn a_seed_has_64_bits() {
        for (text, seed) in [("0", 0), ("5_000_000_000", 5_000_000_000), ("0xcbf29ce484222325", 0xcbf2_9ce4_8422_2325)]
        {
            let features = read(&WHOLE.replace("seed = 7", &format!("seed = {text}"))).expect(text);
            assert_eq!(features.list()[3].rule, Rule::Hash { buckets: 1024, seed }, "{text}");
        }
    }

    #[test]
    fn without_a_specification_all_are_numbers() {
        let features = features("", None, &["a".to_owned(), "b".to_owned()]).expect("features");
        assert!(features.list().iter().all(|it| matches!(it.rule, Rule::Number { mean: 0.0, deviation: 1.0, .. })));
        let errors = super::features("features.toml", None, &["a".to_owned(), "b c".to_owned()]).expect_err("no field");
        assert!(
            errors.len() == 1 && errors[0].to_string().contains("the feature `b c` cannot be a field"),
            "{errors:?}"
        );
    }
}

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
//!
//! [feature.seen]
//! of = "session"         # a list, the oldest first; or "user"; "candidate" where it is not given
//! type = "id"            # a whole number as it is
//! size = 3000            # ids are below it
//! unknown-id = 0         # what others, and missing ones, become; without it they are errors
//! pad-id = 0             # of a session: what stands before its items where they are fewer than the most; `pad` where a network takes a number
//!
//! [feature.text]
//! of = "user"            # or "candidate"
//! type = "embedding"     # its values as they are
//! model = "encoder"      # who makes it: a model of the same lock that does `embed`
//! column = "query"       # an input of as many columns; or `dense[0..384]`, some of an input; of trees `text_[0..384]`: text_0 to text_383
//! ```

use super::SPECIFICATION;
use super::columns::{Column, stretch};
use super::filled;
use crate::diagnostic::Diagnostic;
use crate::section::{Section, Source, list, nearest};
use modeldeploy_format::features::{EmbeddingOf, Feature, Features, Rule, Side, Takes, Unknown};
use std::collections::BTreeMap;

const TYPES: [&str; 6] = ["number", "bucket", "category", "hash", "id", "embedding"];

/// The features of a model with these columns, as the text of `features.toml` has them; without one, each is a candidate's number of that
/// name.
///
/// # Errors
///
/// Everything that is wrong with the text, and every feature that is only in one of the two.
pub fn features(place: &str, text: Option<&str>, columns: &[Column]) -> Result<Features, Vec<Diagnostic>> {
    let Some(text) = text else {
        if let Some(column) = columns.iter().find(|column| column.takes == Takes::Id) {
            let message =
                format!("the model's input `{}` is of ids, and nothing says which values have which", column.name);
            let help = "add features.toml to the folder: `[feature.NAME]`, `of` and `type` for each; docs/rank.md has an example";
            return Err(vec![Diagnostic::new(SPECIFICATION, message).at(place).help(help)]);
        }
        let errors = no_fields(place, columns.iter().map(|column| &column.name));
        if !errors.is_empty() {
            return Err(errors);
        }
        let number = Rule::Number { mean: 0.0, deviation: 1.0, default: f64::NAN };
        let features = columns
            .iter()
            .map(|Column { name, takes }| Feature {
                name: name.clone(),
                side: Side::Candidate,
                repeated: false,
                takes: *takes,
                rule: number.clone(),
            })
            .collect();
        return Features::new(features).map_err(|why| vec![wrong(place, why)]);
    };
    let source = Source::new(place, text, SPECIFICATION);
    let Some(document) = source.parse() else { return Err(source.errors()) };
    let top = Section::new(&source, "", &document, 0);
    // By the first column of each, with what fills it up; and by that, whose each column is.
    let mut found: BTreeMap<usize, (Feature, Option<f64>)> = BTreeMap::new();
    let mut owners: Vec<Option<usize>> = vec![None; columns.len()];
    for (name, _, section) in top.section("feature").map_or(vec![], |features| features.entries()) {
        let at = section.at;
        let column = section.string("column").unwrap_or_else(|| name.clone());
        let (side, rule) = (side(&source, &section), rule(&source, &section));
        let pad = filled::pad(&source, &section, side);
        section.finish();
        let is_embedding = rule.as_ref().is_none_or(|rule| matches!(rule, Rule::Embedding(_)));
        let Some(own) = stretch(columns, &column, is_embedding) else {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let help = match nearest(&column, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? `column` is the model's own name of a feature"),
                None => {
                    let first = names.iter().take(NAMED).copied().collect::<Vec<_>>();
                    format!("`column` is the model's own name of a feature: the first are {}", list(&first))
                }
            };
            source.fail(at, format!("the model has no feature `{column}`"), help);
            continue;
        };
        let (Some(side), Some(mut rule)) = (side, rule) else { continue };
        let takes = if columns[own.clone()].iter().any(|it| it.takes == Takes::Id) { Takes::Id } else { Takes::Number };
        if let Rule::Embedding(of) = &mut rule {
            of.width = u32::try_from(own.len()).unwrap_or(u32::MAX);
            if takes == Takes::Id {
                let help = "export the model with an input of floats for it";
                source.fail(at, format!("the model's `{column}` is of whole numbers, and `{name}` an embedding"), help);
                continue;
            }
        }
        if let Some((place, other)) = own.clone().find_map(|place| Some((place, found.get(&owners[place]?)?))) {
            let (other, twice) = (&other.0.name, &columns[place].name);
            let message = format!("`{other}` and `{name}` are both the model's feature `{twice}`");
            source.fail(at, message, "take one of them away");
            continue;
        }
        owners[own.clone()].fill(Some(own.start));
        found.insert(own.start, (Feature { name, side, repeated: false, takes, rule }, pad));
    }
    top.finish();
    let mut errors = source.errors();
    errors.extend(no_fields(place, found.values().map(|(feature, _)| &feature.name)));
    let absent = columns.iter().zip(&owners).filter(|(_, owner)| owner.is_none());
    let absent: Vec<&str> = absent.map(|(column, _)| column.name.as_str()).collect();
    if errors.is_empty() && !absent.is_empty() {
        let message = format!("{} of the model's {} features are not specified", absent.len(), columns.len());
        let first = absent.iter().take(NAMED).copied().collect::<Vec<_>>();
        let help = format!("add `[feature.NAME]` and `type` for each; the first are {}", list(&first));
        errors.push(Diagnostic::new(SPECIFICATION, message).at(place).help(help));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    filled::features(found.into_values()).map_err(|why| vec![wrong(place, why)])
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

fn wrong(place: &str, why: String) -> Diagnostic {
    Diagnostic::new(SPECIFICATION, why)
        .at(place)
        .help("give every feature a name and a rule of its own in features.toml")
}

/// How many names an error has.
const NAMED: usize = 8;

fn side(source: &Source<'_>, section: &Section<'_, '_>) -> Option<Side> {
    let Some(named) = section.string("of") else { return Some(Side::Candidate) };
    let found = Side::ALL.into_iter().find(|side| side.name() == named);
    if found.is_none() {
        let names = Side::ALL.map(Side::name);
        source.fail(section.at("of"), format!("no feature is of a `{named}`"), format!("they are of {}", list(&names)));
    }
    found
}

fn rule(source: &Source<'_>, section: &Section<'_, '_>) -> Option<Rule> {
    let kind = section.required(
        "type",
        "say what it is: type = \"number\", \"bucket\", \"category\", \"hash\", \"id\" or \"embedding\"",
    )?;
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
            let first = section.whole("first-id").unwrap_or(0);
            let Ok(first) = u32::try_from(first) else {
                source.fail(section.at("first-id"), format!("{first} is no id"), "write one below 2^32, such as 1");
                return None;
            };
            Rule::Category { vocabulary, first, unknown }
        }
        "hash" => {
            let buckets = section.count("buckets");
            if buckets.is_none() {
                source.fail(section.at, "a hash without `buckets`", "write buckets = 1024");
            }
            Rule::Hash { buckets: buckets?, seed: section.whole("seed").unwrap_or(0) }
        }
        "id" => {
            let size = section.count("size");
            if size.is_none() {
                source.fail(section.at, "ids without `size`", "write size = 3000: ids are below it");
            }
            let unknown = section.whole("unknown-id");
            let unknown = unknown.map(|id| {
                let id = u32::try_from(id);
                if id.is_err() {
                    source.fail(section.at("unknown-id"), "it is no id", "write one below 2^32, such as 0");
                }
                id
            });
            Rule::Id { size: size?, unknown: unknown.transpose().ok()? }
        }
        "embedding" => {
            let help = "name the model that makes it, of the same lock: model = \"query-encoder\"";
            let model = section.required("model", help);
            if section.string("of").as_deref() == Some(Side::Session.name()) {
                let help =
                    "give the ranker one embedding of the user, such as the mean of those of the session's items";
                source.fail(section.at("of"), "the items of a session have no embeddings", help);
            }
            Rule::Embedding(EmbeddingOf { model: model?, space: EmbeddingOf::UNLOCKED, width: 0 })
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
        let columns = ["VehBrand", "age", "price", "query"].map(Column::number);
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
    fn features_of_users_and_sessions_are_ids_or_numbers_as_the_model_takes_them() {
        let columns = [
            Column { name: "session".into(), takes: Takes::Id },
            Column { name: "dense[0]".into(), takes: Takes::Number },
            Column { name: "sparse[1]".into(), takes: Takes::Id },
        ];
        let text = r#"
[feature.seen]
of = "session"
column = "session"
type = "id"
size = 3000
unknown-id = 0
[feature.age]
of = "user"
column = "dense[0]"
type = "number"
[feature.brand]
column = "sparse[1]"
type = "category"
vocabulary = ["acme"]
first-id = 1
unknown-id = 0
"#;
        let read = |text: &str| features("features.toml", Some(text), &columns);
        let found = read(text).expect("features");
        let vocabulary = vec!["acme".to_owned()];
        let number = Rule::Number { mean: 0.0, deviation: 1.0, default: f64::NAN };
        let expected = [
            ("seen", Side::Session, Takes::Id, Rule::Id { size: 3000, unknown: Some(0) }),
            ("age", Side::User, Takes::Number, number),
            (
                "brand",
                Side::Candidate,
                Takes::Id,
                Rule::Category { vocabulary, first: 1, unknown: Unknown::Number(0.0) },
            ),
        ];
        for (feature, (name, side, takes, rule)) in found.list().iter().zip(expected) {
            assert_eq!((feature.name.as_str(), feature.side, feature.takes), (name, side, takes));
            // A default that is missing is NaN, which equals nothing.
            assert_eq!(format!("{:?}", feature.rule), format!("{rule:?}"));
        }
        for (from, to, said) in [
            ("of = \"user\"", "of = \"usr\"", "no feature is of a `usr`"),
            ("size = 3000", "", "ids without `size`"),
            ("size = 3000\nunknown-id = 0", "size = 3000\nunknown-id = 5000000000", "it is no id"),
            ("first-id = 1\nunknown-id = 0", "first-id = 1", "feature `brand` is an id of the model's"),
            ("type = \"id\"\nsize = 3000", "type = \"number\"", "no key `unknown-id`"),
        ] {
            assert!(text.contains(from), "{from}");
            let errors = read(&text.replacen(from, to, 1)).expect_err(to);
            let errors = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(errors.contains(said), "{to}: `{said}` is not said in\n{errors}");
        }
        let errors = features("features.toml", None, &columns).expect_err("ids");
        assert!(errors[0].to_string().contains("the model's input `session` is of ids"), "{}", errors[0]);
    }

    #[test]
    fn what_fills_a_session_up_is_read() {
        let columns = [
            Column { name: "seen".into(), takes: Takes::Id },
            Column { name: "dwell".into(), takes: Takes::Number },
            Column { name: "item".into(), takes: Takes::Id },
        ];
        let text = r#"
[feature.item]
type = "id"
size = 9
[feature.seen]
of = "session"
type = "id"
size = 9
pad-id = 0
[feature.dwell]
of = "session"
type = "number"
pad = -1.5
"#;
        let read = |text: &str| {
            features("features.toml", Some(text), &columns)
                .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        };
        assert_eq!(read(text).expect("features").pads(), [0.0, -1.5]);
        let bare = text.replace("pad-id = 0\n", "").replace("pad = -1.5\n", "");
        assert!(read(&bare).expect("features").pads().is_empty());
        let sides = crate::features::sides(&text.replace("[feature.dwell]\n", "[feature.dwell]\ncolumn = \"d\"\n"));
        let of_session = |input: &str| sides.iter().any(|it| it.side == Side::Session && it.is_of(input));
        assert_eq!(["d", "seen", "dwell", "item"].map(of_session), [true, true, false, false]);
        for (from, to, said) in [
            ("pad = -1.5\n", "", "some features of the session say what fills it up, and others do not"),
            ("pad-id = 0", "pad-id = 4294967296", "it is no id"),
            ("pad-id = 0", "pad-id = 0\npad = 0", "two answers"),
            ("pad-id = 0", "pad = 0.5", "filled up with 0.5, which is no id"),
            ("[feature.item]", "[feature.item]\npad-id = 0", "only sessions are filled up"),
        ] {
            let errors = read(&text.replacen(from, to, 1)).expect_err(to);
            assert!(errors.contains(said), "{to}: `{said}` is not said in\n{errors}");
        }
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
        let features = features("", None, &["a", "b"].map(Column::number)).expect("features");
        assert!(features.list().iter().all(|it| matches!(it.rule, Rule::Number { mean: 0.0, deviation: 1.0, .. })));
        let errors = super::features("features.toml", None, &["a", "b c"].map(Column::number)).expect_err("no field");
        assert!(
            errors.len() == 1 && errors[0].to_string().contains("the feature `b c` cannot be a field"),
            "{errors:?}"
        );
    }
}

//! Requests as a service gets them, a line each, with what is said of each candidate: the scores that it had where the model was trained
//! (`golden.jsonl`), or how relevant it was (a suite's).
//!
//! ```json
//! {"user": {"country": "fr"}, "session": {"seen": [7, 12]}, "candidates": [{"item": 3, "price": 9.5}], "scores": [0.25]}
//! ```
//!
//! A number that is missing is `null`.

use crate::diagnostic::{Code, Diagnostic};
use crate::records::{Problems, TextFile};
use crate::section::{list, nearest};
use modeldeploy_format::features::{EmbeddingOf, Fact, Features, Kind, List, Side, Takes, Value, ValueError};
use modeldeploy_format::golden::requests::GivenRows;
use serde_json::{Map, Value as Json};

/// A request, and what is said of its candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    /// Where it stands.
    pub place: String,
    user: Vec<Owned>,
    session: Vec<Vec<Owned>>,
    candidates: Vec<Vec<Owned>>,
    /// Of each candidate, as many numbers as were asked for.
    pub said: Vec<f64>,
}

/// A value that is not borrowed.
#[derive(Clone, Debug, PartialEq)]
enum Owned {
    Number(f64),
    Text(String),
    Embedding(Vec<f32>),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Owned::Number(number) => Value::Number(*number),
            Owned::Text(text) => Value::Text(text),
            Owned::Embedding(values) => Value::Embedding(values),
        }
    }
}

/// What a network is given of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkRows {
    /// The items of the session.
    pub session: GivenRows,
    /// The user.
    pub user: GivenRows,
    /// The candidates.
    pub candidates: GivenRows,
}

impl Served {
    /// How many candidates it has; at least one.
    pub fn candidates(&self) -> usize {
        self.candidates.len()
    }

    /// A whole row of numbers for each candidate, as trees are given them.
    ///
    /// # Errors
    ///
    /// The value that its feature does not take.
    pub fn rows(&self, features: &Features) -> Result<Vec<Vec<f64>>, ValueError> {
        let mut whole = vec![0.0; features.width()];
        features.row(Side::User, &values(&self.user), &mut whole)?;
        let row = |candidate: &Vec<Owned>| {
            features.row(Side::Candidate, &values(candidate), &mut whole)?;
            Ok(whole.clone())
        };
        self.candidates.iter().map(row).collect()
    }

    /// The numbers and ids that a network is given, of the last `most` items of the session.
    ///
    /// # Errors
    ///
    /// The value that its feature does not take.
    pub fn split(&self, features: &Features, most: usize) -> Result<NetworkRows, ValueError> {
        let given = features.given();
        let items = features.items(self.session.first().map_or(0, Vec::len), most);
        let (mut session, mut user) = (GivenRows::zeros(given.session, items), GivenRows::zeros(given.user, 1));
        let numbers: Vec<Vec<f64>> = self.session.iter().map(|items| numbers(items)).collect();
        let texts: Vec<Vec<&str>> = self.session.iter().map(|items| texts(items)).collect();
        let kinds = features.of(Side::Session).iter().map(|&at| features.list()[at as usize].rule.kind());
        let lists = kinds.zip(numbers.iter().zip(&texts)).map(|(kind, (numbers, texts))| match kind {
            Kind::Number => List::Numbers(numbers),
            Kind::Text => List::Texts(texts),
            Kind::Embedding(_) => unreachable!("no session has embeddings"),
        });
        let lists: Vec<List<'_>> = lists.collect();
        features.session(&lists, most, &mut session.numbers, &mut session.ids)?;
        let mut repeated = GivenRows::zeros(given.candidate, 1);
        features.user(&values(&self.user), user.row_mut(given.user, 0), repeated.row_mut(given.candidate, 0))?;
        let mut candidates = GivenRows::default();
        for candidate in &self.candidates {
            let mut row = repeated.clone();
            features.candidate(&values(candidate), row.row_mut(given.candidate, 0))?;
            candidates.numbers.extend(row.numbers);
            candidates.ids.extend(row.ids);
        }
        Ok(NetworkRows { session, user, candidates })
    }
}

fn values(owned: &[Owned]) -> Vec<Value<'_>> {
    owned.iter().map(Owned::value).collect()
}

fn numbers(owned: &[Owned]) -> Vec<f64> {
    owned.iter().filter_map(|it| if let Owned::Number(number) = it { Some(*number) } else { None }).collect()
}

fn texts(owned: &[Owned]) -> Vec<&str> {
    owned.iter().filter_map(|it| if let Owned::Text(text) = it { Some(text.as_str()) } else { None }).collect()
}

/// The requests of a file, each with `each` numbers under `said` for each candidate: `scores`, or `labels`.
///
/// # Errors
///
/// Everything that is wrong with it, with its line, under `code`.
pub(crate) fn requests(
    file: &TextFile,
    features: &Features,
    (said, each): (&str, usize),
    code: Code,
) -> Result<Vec<Served>, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let facts = features.facts();
    let wanted = Line { facts: &facts, said, each };
    let objects = file.objects(&mut problems);
    let mut found = Vec::with_capacity(objects.len());
    for (line, object) in objects {
        let place = file.place(line);
        match wanted.read(&object, &place) {
            Ok(request) => match request.rows_are_right(features) {
                Ok(()) => found.push(request),
                Err(error) => problems.push(wrong(code, &place, error.to_string())),
            },
            Err(message) => problems.push(wrong(code, &place, message)),
        }
    }
    if found.is_empty() && problems.is_empty() {
        problems.push(wrong(code, &file.place(1), "there is no request".to_owned()));
    }
    problems.or(found)
}

fn wrong(code: Code, place: &str, message: String) -> Diagnostic {
    let help = "a line is {\"user\": {…}, \"session\": {…}, \"candidates\": [{…}, …], \"scores\": […]}, with the features of features.toml by name";
    Diagnostic::new(code, message).at(place).help(help)
}

impl Served {
    /// That every value is one that its feature takes.
    fn rows_are_right(&self, features: &Features) -> Result<(), ValueError> {
        if features.list().iter().all(|feature| feature.takes == Takes::Number) && features.of(Side::Session).is_empty()
        {
            self.rows(features).map(drop)
        } else {
            // As many items as there are: those that fill a session up are right anyhow.
            self.split(features, self.session.first().map_or(1, Vec::len).max(1)).map(drop)
        }
    }
}

/// What a line must have.
struct Line<'l> {
    facts: &'l [Fact],
    said: &'l str,
    each: usize,
}

impl Line<'_> {
    fn read(&self, object: &Map<String, Json>, place: &str) -> Result<Served, String> {
        let known = ["user", "session", "candidates", self.said];
        unknown_keys(object, &known)?;
        let empty = Map::new();
        let part = |key: &str| match object.get(key) {
            None | Some(Json::Null) => Ok(&empty),
            Some(Json::Object(part)) => Ok(part),
            Some(_) => Err(format!("`{key}` is no object")),
        };
        let user = self.values(Side::User, part("user")?)?;
        let session = self.lists(part("session")?)?;
        let Some(Json::Array(candidates)) = object.get("candidates") else {
            return Err("`candidates` is no list".to_owned());
        };
        let candidate = |candidate: &Json| match candidate {
            Json::Object(candidate) => self.values(Side::Candidate, candidate),
            _ => Err("a candidate is no object".to_owned()),
        };
        let candidates: Vec<Vec<Owned>> = candidates.iter().map(candidate).collect::<Result<_, _>>()?;
        let Some(Json::Array(said)) = object.get(self.said) else {
            return Err(format!("`{}` is no list", self.said));
        };
        // Where a candidate has several, they may stand in a list of their own.
        let flat = said.iter().flat_map(|it| it.as_array().map_or(std::slice::from_ref(it), Vec::as_slice));
        let said: Option<Vec<f64>> = flat.map(Json::as_f64).collect();
        let said = said.ok_or_else(|| format!("`{}` has what is no number", self.said))?;
        if candidates.is_empty() || said.len() != candidates.len() * self.each {
            let (candidates, each) = (candidates.len(), self.each);
            return Err(format!(
                "{candidates} candidates have {} {}, and {each} are needed for each",
                said.len(),
                self.said
            ));
        }
        Ok(Served { place: place.to_owned(), user, session, candidates, said })
    }

    fn of(&self, side: Side) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.side == side)
    }

    fn values(&self, side: Side, object: &Map<String, Json>) -> Result<Vec<Owned>, String> {
        self.only(side, object)?;
        self.of(side).map(|fact| value(fact, find(fact, object)?)).collect()
    }

    fn lists(&self, object: &Map<String, Json>) -> Result<Vec<Vec<Owned>>, String> {
        self.only(Side::Session, object)?;
        let list = |fact: &Fact| match find(fact, object)? {
            Json::Array(items) => items.iter().map(|item| value(fact, item)).collect(),
            _ => Err(format!("`{}` is no list, as those of a session are", fact.name)),
        };
        self.of(Side::Session).map(list).collect()
    }

    fn only(&self, side: Side, object: &Map<String, Json>) -> Result<(), String> {
        let names: Vec<&str> = self.of(side).map(|fact| fact.name.as_str()).collect();
        unknown_keys(object, &names)
    }
}

fn find<'o>(fact: &Fact, object: &'o Map<String, Json>) -> Result<&'o Json, String> {
    object.get(&fact.name).ok_or_else(|| format!("the feature `{}` of the {} is missing", fact.name, fact.side.name()))
}

fn value(fact: &Fact, json: &Json) -> Result<Owned, String> {
    match (&fact.kind, json) {
        (Kind::Number, Json::Null) => Ok(Owned::Number(f64::NAN)),
        (Kind::Number, Json::Number(number)) => Ok(Owned::Number(number.as_f64().unwrap_or(f64::NAN))),
        (Kind::Text, Json::String(text)) => Ok(Owned::Text(text.clone())),
        (Kind::Embedding(_), Json::Array(values)) => {
            let values: Option<Vec<f32>> = values.iter().map(|value| value.as_f64().map(|it| it as f32)).collect();
            values
                .map(Owned::Embedding)
                .ok_or_else(|| format!("the feature `{}` is an embedding with what is no number", fact.name))
        }
        (Kind::Number, _) => Err(format!("the feature `{}` is no number", fact.name)),
        (Kind::Text, _) => Err(format!("the feature `{}` is no text", fact.name)),
        (Kind::Embedding(of), _) => {
            let EmbeddingOf { model, width, .. } = of;
            Err(format!("the feature `{}` is no list of the {width} values of an embedding of `{model}`", fact.name))
        }
    }
}

fn unknown_keys(object: &Map<String, Json>, known: &[&str]) -> Result<(), String> {
    let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    Err(match nearest(key, known.iter().copied()) {
        Some(near) => format!("nothing is called `{key}` here; did you mean `{near}`?"),
        None => format!("nothing is called `{key}` here; there are {}", list(known)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::SPECIFICATION;
    use modeldeploy_format::Digest;
    use modeldeploy_format::features::{Feature, Rule, Takes, Unknown};

    fn features() -> Features {
        let feature = |name: &str, side, takes, rule| Feature { name: name.into(), side, repeated: false, takes, rule };
        let number = Rule::Number { mean: 1.0, deviation: 2.0, default: 0.25 };
        let countries =
            Rule::Category { vocabulary: vec!["fr".into(), "de".into()], first: 1, unknown: Unknown::Number(0.0) };
        Features::new(vec![
            feature("price", Side::Candidate, Takes::Number, number),
            feature("country", Side::User, Takes::Id, countries),
            feature("seen", Side::Session, Takes::Id, Rule::Id { size: 9, unknown: None }),
            feature("item", Side::Candidate, Takes::Id, Rule::Id { size: 9, unknown: Some(0) }),
        ])
        .expect("features")
    }

    fn read(text: &str) -> Result<Vec<Served>, String> {
        let file = TextFile { shown: "golden.jsonl".into(), text: text.into(), digest: Digest::of(b"") };
        requests(&file, &features(), ("scores", 1), SPECIFICATION)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    const LINE: &str = r#"{"user": {"country": "de"}, "session": {"seen": [1, 2, 3]}, "candidates": [{"item": 4, "price": 3}, {"price": null, "item": 99}], "scores": [0.5, [-1]]}"#;

    #[test]
    fn a_request_is_split_into_what_the_network_takes() {
        let found = read(LINE).expect("a request");
        assert_eq!(
            (found.len(), found[0].said.as_slice(), found[0].place.as_str()),
            (1, &[0.5, -1.0][..], "golden.jsonl:1")
        );
        let rows = found[0].split(&features(), 2).expect("rows");
        assert_eq!((rows.session.ids, rows.user.ids), (vec![2, 3], vec![2]));
        assert_eq!((rows.candidates.numbers, rows.candidates.ids), (vec![1.0, 0.25], vec![4, 0]));
    }

    #[test]
    fn an_embedding_is_a_list_of_its_values() {
        let feature =
            |name: &str, side, rule| Feature { name: name.into(), side, repeated: false, takes: Takes::Number, rule };
        let of = |width| Rule::Embedding(EmbeddingOf { model: "encoder".into(), space: EmbeddingOf::UNLOCKED, width });
        let number = Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 };
        let features = Features::new(vec![
            feature("query", Side::User, of(2)),
            feature("price", Side::Candidate, number),
            feature("title", Side::Candidate, of(3)),
        ])
        .expect("features");
        let read = |text: &str| {
            let file = TextFile { shown: "golden.jsonl".into(), text: text.into(), digest: Digest::of(b"") };
            requests(&file, &features, ("scores", 1), SPECIFICATION)
                .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        };
        let line =
            r#"{"user": {"query": [0.5, -1]}, "candidates": [{"title": [1, 2, 3e-1], "price": 9}], "scores": [1]}"#;
        let found = read(line).expect("a request");
        let rows = found[0].split(&features, 2).expect("rows");
        assert_eq!((rows.user.numbers, rows.candidates.numbers), (vec![0.5, -1.0], vec![9.0, 1.0, 2.0, 0.3]));
        let whole = [0.5, -1.0, 9.0, 1.0, 2.0, f64::from(0.3_f32)];
        assert_eq!(found[0].rows(&features), Ok(vec![whole.to_vec()]));
        for (from, to, said) in [
            ("[0.5, -1]", "[0.5]", "the embedding `query` has 1 values, and its model makes 2"),
            ("[0.5, -1]", "[0.5, null]", "the feature `query` is an embedding with what is no number"),
            ("[0.5, -1]", "[0.5, 1e39]", "value 1 of the embedding `query` is inf"),
            ("[0.5, -1]", "\"socks\"", "the feature `query` is no list of the 2 values of an embedding of `encoder`"),
            ("[1, 2, 3e-1]", "1", "the feature `title` is no list of the 3 values"),
            ("\"price\": 9", "\"price\": [9]", "the feature `price` is no number"),
        ] {
            assert!(line.contains(from), "{from}");
            let errors = read(&line.replacen(from, to, 1)).expect_err(to);
            assert!(errors.contains(said), "{to}: `{said}` is not said in\n{errors}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (from, to, said) in [
            ("\"user\"", "\"usr\"", "nothing is called `usr` here; did you mean `user`?"),
            ("\"country\": \"de\"", "", "the feature `country` of the user is missing"),
            ("\"country\": \"de\"", "\"country\": 1", "the feature `country` is no text"),
            ("[1, 2, 3]", "2", "`seen` is no list"),
            ("[1, 2, 3]", "[1, \"2\"]", "the feature `seen` is no number"),
            ("[1, 2, 3]", "[1, 9]", "9 of feature `seen` is no id below 9"),
            ("\"item\": 4", "\"itm\": 4", "did you mean `item`?"),
            ("[0.5, [-1]]", "[0.5]", "2 candidates have 1 scores, and 1 are needed for each"),
            ("[0.5, [-1]]", "[0.5, \"x\"]", "has what is no number"),
            ("{\"user\"", "[{\"user\"", "golden.jsonl:1"),
        ] {
            assert!(LINE.contains(from), "{from}");
            let errors = read(&LINE.replacen(from, to, 1)).expect_err(to);
            assert!(errors.contains(said), "{to}: `{said}` is not said in\n{errors}");
        }
        assert!(read("\n").expect_err("nothing").contains("there is no request"));
    }
}

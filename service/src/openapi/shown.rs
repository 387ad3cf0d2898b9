//! A model as the document shows it: with requests that it can answer, and its answers to them.

use crate::inference::Text;
use crate::models::{ModelCard, Served, likeliest};
use modeldeploy::format::Task;
use modeldeploy::model::{Engine, Facts, Input};
use modeldeploy::tokenizer::{Encoding, Truncation};
use serde_json::{Value, json};

/// Two texts for examples, the first pair that a model need not cut.
const TEXTS: [(&str, &str); 3] = [("red running shoes", "trainers"), ("phone", "tea"), ("a", "b")];

/// A model of the service.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) card: ModelCard,
    pub(crate) facts: Facts,
    pub(crate) engine: &'static Engine<'static>,
    /// That it is served under.
    pub(crate) label: Option<&'static str>,
    pub(crate) has_sigmoid: bool,
    /// Whether it is the newest of its name.
    pub(crate) is_newest: bool,
    /// The texts of the examples.
    pub(crate) texts: (&'static str, &'static str),
    /// Two examples.
    pub(crate) asks: [Asked; 2],
}

/// A model of any task, before it is asked anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) served: Served,
    /// Whether it is the one of its name that answers where none is asked for.
    pub(crate) is_newest: bool,
}

/// What a version of a model is called by.
pub(crate) trait Versioned {
    fn version(&self) -> &'static str;
    fn label(&self) -> Option<&'static str>;
}

impl Versioned for Shown {
    fn version(&self) -> &'static str {
        self.card.version
    }

    fn label(&self) -> Option<&'static str> {
        self.label
    }
}

/// What a model is asked, and what its engine answers.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// A string, or a list of two for models of pairs.
    pub(crate) text: Value,
    pub(crate) row: Vec<f32>,
    /// Tokens, special ones counted.
    pub(crate) tokens: usize,
}

impl Shown {
    /// The model with its examples: the engine runs them.
    ///
    /// # Errors
    ///
    /// If the engine cannot.
    pub(super) fn of(
        served: &Served,
        engine: &'static Engine<'static>,
        is_newest: bool,
    ) -> Result<Shown, modeldeploy::Error> {
        let texts = TEXTS.into_iter().find(|texts| fits(served, engine, *texts)).unwrap_or(TEXTS[TEXTS.len() - 1]);
        let (text, other) = (texts.0.to_owned(), texts.1.to_owned());
        let asks = match served.facts.task {
            Task::Score => [Text::Pair(text.clone(), other), Text::Pair(text.clone(), text)],
            _ => [Text::One(text), Text::One(other)],
        };
        let [first, second] = asks;
        let asks = [ask(served, engine, &first)?, ask(served, engine, &second)?];
        let has_sigmoid = served.has_sigmoid();
        let Served { card, facts, label, .. } = *served;
        Ok(Shown { card, facts, engine, label, has_sigmoid, is_newest, texts, asks })
    }

    /// The label of a classifier's row.
    pub(crate) fn label_of(&self, row: &[f32]) -> &'static str {
        likeliest(&self.facts, row)
    }

    /// Each label with its value in a row, likeliest first.
    pub(crate) fn ranked(&self, row: &[f32]) -> Vec<(&'static str, f32)> {
        let mut labels: Vec<_> = self.facts.labels.iter().copied().zip(row.iter().copied()).collect();
        labels.sort_by(|a, b| b.1.total_cmp(&a.1));
        labels
    }
}

fn parts(text: &Text) -> (&str, Option<&str>) {
    match text {
        Text::One(text) => (text, None),
        Text::Pair(text, pair) => (text, Some(pair)),
        Text::Tokens(_) => ("", None),
    }
}

fn fits(served: &Served, engine: &Engine<'_>, (text, other): (&str, &str)) -> bool {
    let prompt = engine.prompt(None).unwrap_or_default();
    let pair = (served.facts.task == Task::Score).then_some(text);
    let longest = if text.len() > other.len() { text } else { other };
    tokens(engine, &format!("{prompt}{longest}"), pair) <= served.facts.max_tokens
}

fn tokens(engine: &Engine<'_>, text: &str, pair: Option<&str>) -> usize {
    let mut encoding = Encoding::new();
    match engine.tokenizer().encode_into(text, pair, Truncation::NONE, &mut encoding) {
        Ok(()) => encoding.len(),
        Err(_) => usize::MAX,
    }
}

fn ask(served: &Served, engine: &Engine<'_>, text: &Text) -> Result<Asked, modeldeploy::Error> {
    let prompt = engine.prompt(None)?;
    let (first, pair) = parts(text);
    let mut row = vec![];
    engine.run([Input { prompt, text: first, pair }], |values| row = values.to_vec())?;
    let tokens = tokens(engine, &format!("{prompt}{first}"), pair).min(served.facts.max_tokens);
    let text = pair.map_or_else(|| json!(first), |pair| json!([first, pair]));
    Ok(Asked { text, row, tokens })
}

/// A number of JSON as the service writes an f32: no more digits than tell it from its neighbours.
pub(crate) fn number(value: f32) -> Value {
    let text = serde_json::to_string(&value).expect("a number is JSON");
    serde_json::from_str(&text).expect("what was just written")
}

/// Numbers of JSON.
pub(crate) fn numbers(values: &[f32]) -> Value {
    values.iter().copied().map(number).collect()
}

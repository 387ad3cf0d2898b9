//! What is asked of a ranker: the values of all its features, each of the right kind and as many as there must be.

use super::Values;
use super::cell::Lent;
use crate::inference::Fault;
use modeldeploy::Error;
use modeldeploy::format::features::{Fact, Side};
use modeldeploy::rank::{Engine, For, Value};

/// A user, a session and candidates, by the features of one ranker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// One value of each of the user's features, in the model's order.
    user: Vec<Values>,
    /// The list of each of the session's.
    session: Vec<Values>,
    /// The values of each of the candidates', one for each of them.
    candidates: Vec<Values>,
    count: usize,
}

/// Names of features in a message.
const SAID: usize = 50;

/// What is said where there is nothing to score.
pub(super) const NONE: &str = "there is no candidate, and at least one is scored";

/// Features of a ranker, while their values come one by one.
#[derive(Debug)]
pub(crate) struct Gathered<'f> {
    names: Names<'f>,
    found: Vec<Option<Values>>,
}

/// Features by their names, of which a ranker may have thousands.
#[derive(Debug)]
pub(super) struct Names<'f> {
    pub(super) features: &'f [Fact],
    /// Their places, by name.
    sorted: Vec<usize>,
}

impl<'f> Gathered<'f> {
    /// Nothing yet of these features.
    pub(crate) fn new(features: &'f [Fact]) -> Gathered<'f> {
        Gathered { names: Names::new(features), found: features.iter().map(|_| None).collect() }
    }

    /// The place of a feature that has no values yet, and what is known of it.
    ///
    /// # Errors
    ///
    /// If there is no such feature, or it has values.
    pub(crate) fn feature(&self, name: &str) -> Result<(usize, &'f Fact), String> {
        let at = self.names.place(name)?;
        match self.found[at] {
            None => Ok((at, &self.names.features[at])),
            Some(_) => Err(format!("the feature `{name}` is there twice")),
        }
    }

    /// Takes the values of the feature in that place.
    pub(crate) fn set(&mut self, at: usize, values: Values) {
        self.found[at] = Some(values);
    }

    /// All of it, of at most so many candidates.
    ///
    /// # Errors
    ///
    /// Which feature is missing, or has how many values in the place of how many; if there is no candidate, or there are too many.
    pub(crate) fn finish(self, most: usize) -> Result<Asked, String> {
        let Gathered { names: Names { features, .. }, found } = self;
        let mut asked = Asked { user: vec![], session: vec![], candidates: vec![], count: 0 };
        let mut first: Option<(&str, usize)> = None;
        for (fact, values) in features.iter().zip(found) {
            let Some(values) = values else {
                return Err(format!("the feature `{}` is missing: {}", fact.name, takes(features)));
            };
            let (name, len) = (fact.name.as_str(), values.len());
            match fact.side {
                Side::User if len != 1 => {
                    return Err(format!("the feature `{name}` is the user's and has one value: {len} are given"));
                }
                Side::User => asked.user.push(values),
                Side::Session => asked.session.push(values),
                Side::Candidate => {
                    let (of_first, expected) = *first.get_or_insert((name, len));
                    if len != expected {
                        return Err(format!(
                            "the feature `{name}` has {len} values, and `{of_first}` {expected}: each has one for each candidate"
                        ));
                    }
                    asked.candidates.push(values);
                }
            }
        }
        asked.count = first.map_or(0, |(_, count)| count);
        match asked.count {
            0 => Err(NONE.to_owned()),
            count if count > most => Err(format!("there are {count} candidates, and at most {most} are taken")),
            _ => Ok(asked),
        }
    }
}

impl Asked {
    /// How many candidates there are.
    pub(crate) fn candidates(&self) -> usize {
        self.count
    }

    /// What its values take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        [&self.user, &self.session, &self.candidates].into_iter().flatten().map(Values::bytes).sum()
    }

    /// The scores of the candidates, in their order.
    ///
    /// # Errors
    ///
    /// Which value of which feature the model does not take, or that a score is no finite number.
    pub(crate) fn score(&self, engine: &Engine<'_>) -> Result<Vec<f64>, Fault> {
        let user: Vec<Value<'_>> = self.user.iter().map(|values| values.at(0)).collect();
        let lent: Vec<Lent<'_>> = self.session.iter().map(Lent::from).collect();
        let session: Vec<_> = lent.iter().map(Lent::list).collect();
        let values = (0..self.count).flat_map(|row| self.candidates.iter().map(move |values| values.at(row)));
        let values: Vec<Value<'_>> = values.collect();
        let rows = values.chunks_exact(self.candidates.len().max(1));
        let mut scores = Vec::with_capacity(self.count * engine.signature().outputs as usize);
        let asked = For { user: &user, session: &session };
        engine.run_values(asked, rows, |row| scores.extend_from_slice(row)).map_err(fault)?;
        let each = scores.len() / self.count;
        if let Some(at) = scores.iter().position(|score| !score.is_finite()) {
            let message = "its score is no finite number, as values that are infinite or far too large make it";
            return Err(Fault::input(None, format!("candidate {}: {message}", at / each)));
        }
        Ok(scores)
    }
}

fn fault(error: Error) -> Fault {
    match error {
        Error::Value { row, cause } => Fault::input(None, format!("candidate {row}: {cause}")),
        Error::User { cause } => Fault::input(None, cause.to_string()),
        other => Fault::Internal(other.to_string()),
    }
}

impl<'f> Names<'f> {
    pub(super) fn new(features: &'f [Fact]) -> Names<'f> {
        let mut sorted: Vec<usize> = (0..features.len()).collect();
        sorted.sort_unstable_by_key(|&at| &features[at].name);
        Names { features, sorted }
    }

    /// The place of a feature.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub(super) fn place(&self, name: &str) -> Result<usize, String> {
        let found = self.sorted.binary_search_by(|&at| self.features[at].name.as_str().cmp(name));
        found.map(|at| self.sorted[at]).map_err(|_| format!("there is no feature `{name}`: {}", takes(self.features)))
    }
}

/// The names of the features, in words, as far as a message has room.
fn takes(features: &[Fact]) -> String {
    let names: Vec<_> = features.iter().take(SAID).map(|fact| format!("`{}`", fact.name)).collect();
    let more = features.len().saturating_sub(SAID);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("the model takes {}{rest}", names.join(", "))
}

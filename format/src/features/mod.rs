//! Features of a ranker: from what a service knows of a user, a session and a candidate to a model's numbers and ids, the same way in
//! which the model was trained.
//!
//! ```text
//! magic, version, number of features; then for each feature, in the order of the model's columns:
//!   name, side, whether it is repeated, what the model takes, kind of rule, then its numbers and words
//! and last, where it is not the usual one or sessions are filled up, how many candidates are scored together; where they are, with what
//! ```
//!
//! A feature turns one value into one number; NaN is a missing one. What is not in a vocabulary is missing, or an error that names
//! it, as the specification says, and never another row's number. Where a network looks a row up by the number, no rule gives one that
//! is not whole or past the bound that [`Rule::below`] states. An embedding alone is many numbers, one after the other, as they are.

mod codec;
mod embedding;
mod rule;
mod values;

#[cfg(test)]
mod tests;

pub use embedding::{EmbeddingOf, MOST_VALUES};
pub use rule::{Rule, Unknown, hash};
pub use values::{List, RowMut, Value, ValueError};

use crate::program::{Given, Rows};
use crate::wire::{Decoder, Encoder, WireError};
use core::fmt;

/// What the code of a service gives for a feature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "lock", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Kind {
    /// A number; NaN where it is missing.
    Number,
    /// A text.
    Text,
    /// What an encoder made of a text.
    Embedding(EmbeddingOf),
}

impl Kind {
    /// Whose embedding it is, if it is one.
    pub const fn embedding(&self) -> Option<&EmbeddingOf> {
        match self {
            Kind::Embedding(of) => Some(of),
            Kind::Number | Kind::Text => None,
        }
    }

    pub(crate) const fn code(&self) -> u8 {
        match self {
            Kind::Number => 0,
            Kind::Text => 1,
            Kind::Embedding(_) => 2,
        }
    }

    /// What stands beside the code, where there is more to say.
    pub(crate) fn encode_rest(&self, out: &mut Encoder) {
        if let Kind::Embedding(of) = self {
            of.encode(out);
        }
    }

    /// The kind of that code, with what [`encode_rest`](Kind::encode_rest) wrote; none of an unknown code.
    pub(crate) fn decode_rest(code: u8, read: &mut Decoder<'_>) -> Result<Option<Kind>, WireError> {
        Ok(match code {
            0 => Some(Kind::Number),
            1 => Some(Kind::Text),
            2 => Some(Kind::Embedding(EmbeddingOf::decode(read)?)),
            _ => None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Number => f.write_str("number"),
            Kind::Text => f.write_str("text"),
            Kind::Embedding(of) => write!(f, "embedding of `{}`, {} values", of.model, of.width),
        }
    }
}

/// Of what a feature is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "lock", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Side {
    /// Of a candidate: a value for each.
    #[default]
    Candidate,
    /// Of who is asked for: one value, whatever the candidates.
    User,
    /// Of the items of a session: a list of values, the oldest first.
    Session,
}

impl Side {
    /// All of them, in the order of their codes.
    pub const ALL: [Side; 3] = [Side::Candidate, Side::User, Side::Session];

    /// The name in `features.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Candidate => "candidate",
            Side::User => "user",
            Side::Session => "session",
        }
    }

    /// Whether it is a candidate's.
    pub fn is_candidate(&self) -> bool {
        *self == Side::Candidate
    }

    pub(crate) fn from_code(code: u8) -> Option<Side> {
        Side::ALL.get(usize::from(code)).copied()
    }
}

/// What a model takes of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Takes {
    /// A number, which may be missing.
    Number,
    /// An id: a row of a table.
    Id,
}

impl Takes {
    /// All of them, in the order of their codes.
    pub const ALL: [Takes; 2] = [Takes::Number, Takes::Id];
}

/// A feature as the type checker and the lock know it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "lock", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Fact {
    /// Its name: a field of the row.
    pub name: String,
    /// What is given for it.
    pub kind: Kind,
    /// Of what it is known.
    #[cfg_attr(feature = "lock", serde(default, skip_serializing_if = "Side::is_candidate"))]
    pub side: Side,
}

/// One feature: its name, and what becomes of its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Of what it is known.
    pub side: Side,
    /// Of a user, whether a network takes it with each candidate, in one input with columns of theirs.
    pub repeated: bool,
    /// What the model takes of it.
    pub takes: Takes,
    /// What becomes of its value.
    pub rule: Rule,
}

/// How many candidates a network scores together where nothing else is said. What depends on the user alone is computed again for so many
/// more.
pub const TOGETHER: u32 = 256;

/// The most candidates that may be scored together.
pub const MOST_TOGETHER: u32 = 4096;

/// The features of a model, ready to turn values into rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    together: u32,
    features: Vec<Feature>,
    /// For each feature with a vocabulary its entries' numbers, by text.
    sorted: Vec<Vec<u32>>,
    /// The places of the features of each side, by [`Side`].
    sides: [Vec<u32>; 3],
    /// Of each feature, which of the numbers or of the ids it is, or begins with, that a network is given with a row.
    columns: Vec<u32>,
    /// Of each feature, which number of a whole row it is, or begins with.
    places: Vec<u32>,
    width: u32,
    given: Given,
    /// What short sessions are filled up with, if they are: a number for each feature of theirs.
    pads: Vec<f64>,
}

impl Feature {
    /// With which rows a network is given it.
    pub fn rows(&self) -> Rows {
        match self.side {
            Side::Candidate => Rows::Candidates,
            Side::User if self.repeated => Rows::Candidates,
            Side::User => Rows::Texts,
            Side::Session => Rows::Tokens,
        }
    }
}

impl Features {
    /// Features that fit one another.
    ///
    /// # Errors
    ///
    /// What is wrong with one.
    pub fn new(features: Vec<Feature>) -> Result<Features, String> {
        let mut sorted = Vec::with_capacity(features.len());
        let mut sides = [const { Vec::new() }; 3];
        let (mut columns, mut given) = (Vec::with_capacity(features.len()), Given::default());
        let (mut places, mut width, mut values) = (Vec::with_capacity(features.len()), 0_u32, 0_u32);
        for (at, feature) in features.iter().enumerate() {
            let Feature { name, side, repeated, takes, rule } = feature;
            rule.check(name)?;
            if let Rule::Embedding(of) = rule {
                if *side == Side::Session {
                    return Err(format!(
                        "feature `{name}` is an embedding of a session's items, and only users and candidates have some"
                    ));
                }
                if *takes == Takes::Id {
                    return Err(format!("feature `{name}` is an embedding, and the model looks rows up by its values"));
                }
                values += of.width;
                if values > MOST_VALUES {
                    return Err(format!("all embeddings together have more than {MOST_VALUES} values"));
                }
            }
            if *takes == Takes::Id {
                let missing = matches!(rule, Rule::Category { unknown: Unknown::Missing, .. });
                if missing || rule.below().is_none() {
                    return Err(format!(
                        "feature `{name}` is an id of the model's, and its rule may give what is none; give it an `unknown-id`, or the type `id`"
                    ));
                }
            }
            if *repeated && *side != Side::User {
                return Err(format!("feature `{name}` is repeated, and is no user's"));
            }
            let of = given.with_mut(feature.rows());
            let count = if *takes == Takes::Number { &mut of.numbers } else { &mut of.ids };
            columns.push(*count);
            *count += rule.width();
            places.push(width);
            width += rule.width();
            sorted.push(rule.sorted(name)?);
            sides[*side as usize].push(u32::try_from(at).expect("a pack has under 2^32 features"));
        }
        let mut names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
        names.sort_unstable();
        if let Some(two) = names.windows(2).find(|two| two[0] == two[1]) {
            return Err(format!("two features are called `{}`", two[0]));
        }
        Ok(Features { together: TOGETHER, features, sorted, sides, columns, places, width, given, pads: vec![] })
    }

    /// The same, each embedding of the space that `space` gives for its feature.
    #[must_use]
    pub fn in_spaces(mut self, mut space: impl FnMut(&EmbeddingOf) -> crate::Digest) -> Features {
        for feature in &mut self.features {
            if let Rule::Embedding(of) = &mut feature.rule {
                of.space = space(of);
            }
        }
        self
    }

    /// The same for a network whose sessions all have as many items as they may have: shorter ones have items of these numbers before their
    /// own, one number for each feature of a session, in their order. An empty one has nothing else.
    ///
    /// # Errors
    ///
    /// If there are more numbers, or fewer, or one is no number, or no id where the network takes one.
    pub fn filled_up(mut self, pads: Vec<f64>) -> Result<Features, String> {
        let own = self.of(Side::Session);
        if own.is_empty() || own.len() != pads.len() {
            return Err(format!("{} numbers fill up the items of {} features of a session", pads.len(), own.len()));
        }
        for (&at, &pad) in own.iter().zip(&pads) {
            let Feature { name, takes, .. } = &self.features[at as usize];
            match takes {
                Takes::Number if !(pad as f32).is_finite() => {
                    return Err(format!("feature `{name}` is filled up with {pad}, which is no number"));
                }
                Takes::Id if rule::whole(pad).is_none() => {
                    return Err(format!("feature `{name}` is filled up with {pad}, which is no id"));
                }
                _ => {}
            }
        }
        self.pads = pads;
        Ok(self)
    }

    /// What short sessions are filled up with: a number for each feature of a session; none where they are as long as they come.
    pub fn pads(&self) -> &[f64] {
        &self.pads
    }

    /// The same for a network that scores so many candidates together at most. More are scored in parts, with the same bits.
    ///
    /// # Errors
    ///
    /// If it is none, or more than [`MOST_TOGETHER`].
    pub fn scored_together(mut self, together: u32) -> Result<Features, String> {
        if together == 0 || together > MOST_TOGETHER {
            return Err(format!("{together} candidates are not scored together: from 1 to {MOST_TOGETHER} are"));
        }
        self.together = together;
        Ok(self)
    }

    /// How many candidates a network scores together.
    pub fn together(&self) -> usize {
        self.together as usize
    }

    /// The features, in the order of the model's columns.
    pub fn list(&self) -> &[Feature] {
        &self.features
    }

    /// How many numbers a whole row has: one for each feature, and for each value of an embedding.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// The numbers of a whole row that a feature is.
    ///
    /// # Panics
    ///
    /// If there is no such feature.
    pub fn place(&self, at: usize) -> core::ops::Range<usize> {
        let from = self.places[at] as usize;
        from..from + self.features[at].rule.width() as usize
    }

    /// The places of the features of one side in [`list`](Features::list), ascending.
    pub fn of(&self, side: Side) -> &[u32] {
        &self.sides[side as usize]
    }

    /// What the type checker and the lock know of them.
    pub fn facts(&self) -> Vec<Fact> {
        let fact =
            |feature: &Feature| Fact { name: feature.name.clone(), kind: feature.rule.kind(), side: feature.side };
        self.features.iter().map(fact).collect()
    }

    /// How many numbers and ids a network is given with rows of each kind.
    pub fn given(&self) -> Given {
        self.given
    }

    /// Which of the numbers, or of the ids, of its rows a feature is; the first of them where it is an embedding.
    ///
    /// # Panics
    ///
    /// If there is no such feature.
    pub fn column(&self, at: usize) -> usize {
        self.columns[at] as usize
    }

    fn sorted(&self) -> &[Vec<u32>] {
        &self.sorted
    }
}

//! From the values of a service to a model's numbers and ids.

use super::rule::whole;
use super::{Feature, Features, Rule, Side, Takes, Unknown, hash};
use crate::program::Columns;
use core::fmt;

/// A value of a feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// A number; NaN where it is missing.
    Number(f64),
    /// A text.
    Text(&'v str),
    /// The values of an embedding.
    Embedding(&'v [f32]),
}

/// The values of a session's feature, the oldest item's first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum List<'v> {
    /// Numbers; NaN where one is missing.
    Numbers(&'v [f64]),
    /// Texts.
    Texts(&'v [&'v str]),
}

impl List<'_> {
    /// How many values there are.
    pub const fn len(&self) -> usize {
        match self {
            List::Numbers(values) => values.len(),
            List::Texts(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them; past the end a missing one, or an empty text.
    fn at(&self, at: usize) -> Value<'_> {
        match self {
            List::Numbers(values) => Value::Number(values.get(at).copied().unwrap_or(f64::NAN)),
            List::Texts(values) => Value::Text(values.get(at).copied().unwrap_or_default()),
        }
    }
}

/// Places for what a network is given with one row.
#[derive(Debug)]
pub struct RowMut<'p> {
    /// For the numbers.
    pub numbers: &'p mut [f32],
    /// For the ids.
    pub ids: &'p mut [u32],
}

impl Columns {
    fn check(self, row: &RowMut<'_>) {
        let places = (row.numbers.len(), row.ids.len());
        assert_eq!(places, (self.numbers as usize, self.ids as usize), "a place for each number and id");
    }
}

/// A value that its feature does not take.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueError {
    /// There are more values, or fewer, than features.
    Count {
        /// How many there are.
        values: usize,
        /// How many there should be.
        features: usize,
    },
    /// A text where a number belongs, or a number where a text does.
    Kind {
        /// The feature.
        feature: String,
    },
    /// A text that is not in the feature's vocabulary.
    Unknown {
        /// The feature.
        feature: String,
        /// The text.
        text: String,
    },
    /// A number is missing, where a network knows no missing ones.
    Missing {
        /// The feature.
        feature: String,
    },
    /// An embedding has more values than its model makes, or fewer.
    Width {
        /// The feature.
        feature: String,
        /// How many there are.
        values: usize,
        /// How many there should be.
        width: u32,
    },
    /// A value of an embedding is no finite number.
    NotFinite {
        /// The feature.
        feature: String,
        /// Which value it is.
        at: usize,
        /// The value.
        value: f32,
    },
    /// A value is missing, or is no id, where the model looks a row up by it.
    Id {
        /// The feature.
        feature: String,
        /// The value.
        value: f64,
        /// Ids are below it.
        below: u64,
    },
    /// The features of a session have different numbers of items.
    Items {
        /// The first feature, and how many it has.
        first: (String, usize),
        /// Another, and how many that has.
        other: (String, usize),
    },
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueError::Count { values, features } => write!(f, "{values} values were given for {features} features"),
            ValueError::Kind { feature } => write!(f, "the value of feature `{feature}` is of another type"),
            ValueError::Unknown { feature, text } => write!(
                f,
                "`{text}` is not in the vocabulary of feature `{feature}`; `unknown` in features.toml says what becomes of such values"
            ),
            ValueError::Missing { feature } => write!(
                f,
                "feature `{feature}` is missing; `default` in features.toml says which number stands in its place"
            ),
            ValueError::Width { feature, values, width } => {
                write!(f, "the embedding `{feature}` has {values} values, and its model makes {width}")
            }
            ValueError::NotFinite { feature, at, value } => {
                write!(f, "value {at} of the embedding `{feature}` is {value}, and all must be finite numbers")
            }
            ValueError::Id { feature, value, below } if value.is_nan() => write!(
                f,
                "feature `{feature}` is missing, which is an id below {below}; `unknown-id` in features.toml says what becomes of such values"
            ),
            ValueError::Id { feature, value, below } => write!(
                f,
                "{value} of feature `{feature}` is no id below {below}; `unknown-id` in features.toml says what becomes of such values"
            ),
            ValueError::Items { first: (first, of_first), other: (other, of_other) } => write!(
                f,
                "the session has {of_first} values of feature `{first}` and {of_other} of feature `{other}`; give each item's"
            ),
        }
    }
}

impl std::error::Error for ValueError {}

impl Features {
    /// Turns the values of one side into their places of a whole row, which has them for each feature of either side. It allocates
    /// nothing but for an error.
    ///
    /// # Errors
    ///
    /// If there are more or fewer, one is of another type, or is in no vocabulary where that is refused.
    ///
    /// # Panics
    ///
    /// If the row is not as long as [`width`](Features::width) says.
    pub fn row(&self, side: Side, values: &[Value<'_>], row: &mut [f64]) -> Result<(), ValueError> {
        assert_eq!(row.len(), self.width(), "a place for each number");
        self.check_count(side, values.len())?;
        for (&at, value) in self.of(side).iter().zip(values) {
            self.put_whole(at as usize, *value, row)?;
        }
        Ok(())
    }

    /// Turns the values of all features, in their order, into a whole row.
    ///
    /// # Errors
    ///
    /// As [`row`](Features::row).
    ///
    /// # Panics
    ///
    /// If the row is not as long as [`width`](Features::width) says.
    pub fn whole_row(&self, values: &[Value<'_>], row: &mut [f64]) -> Result<(), ValueError> {
        let features = self.list().len();
        assert_eq!(row.len(), self.width(), "a place for each number");
        if values.len() != features {
            return Err(ValueError::Count { values: values.len(), features });
        }
        for (at, value) in values.iter().enumerate() {
            self.put_whole(at, *value, row)?;
        }
        Ok(())
    }

    /// Turns the values of a user into what a network is given with the user, and into those columns of a candidate's row that repeat
    /// the user's; the others of these are left as they are. It allocates nothing but for an error.
    ///
    /// # Errors
    ///
    /// As [`row`](Features::row), and if a number is missing, or an id is, or is none, and the rule has no other for it.
    ///
    /// # Panics
    ///
    /// If there are not as many places for numbers and for ids as [`given`](Features::given) says.
    pub fn user(&self, values: &[Value<'_>], user: RowMut<'_>, candidate: RowMut<'_>) -> Result<(), ValueError> {
        self.check_count(Side::User, values.len())?;
        self.given().user.check(&user);
        self.given().candidate.check(&candidate);
        for (&at, value) in self.of(Side::User).iter().zip(values) {
            match self.list()[at as usize].repeated {
                true => self.put(at as usize, *value, candidate.numbers, candidate.ids)?,
                false => self.put(at as usize, *value, user.numbers, user.ids)?,
            }
        }
        Ok(())
    }

    /// Turns the values of a candidate into its columns of a row; those that repeat the user's are left as they are. It allocates nothing
    /// but for an error.
    ///
    /// # Errors
    ///
    /// As [`user`](Features::user).
    ///
    /// # Panics
    ///
    /// As [`user`](Features::user).
    pub fn candidate(&self, values: &[Value<'_>], row: RowMut<'_>) -> Result<(), ValueError> {
        self.check_count(Side::Candidate, values.len())?;
        self.given().candidate.check(&row);
        for (&at, value) in self.of(Side::Candidate).iter().zip(values) {
            self.put(at as usize, *value, row.numbers, row.ids)?;
        }
        Ok(())
    }

    /// How many items of a session of `len` a network is given: the last `most`; one where there is none, if it knows sessions at all, and
    /// always `most` where they are filled up.
    pub fn items(&self, len: usize, most: usize) -> usize {
        match (self.of(Side::Session).is_empty(), self.pads().is_empty()) {
            (true, _) => 0,
            (false, true) => len.min(most).max(1),
            (false, false) => most,
        }
    }

    /// Turns the last `most` items of a session into the numbers and ids that a network takes of each, one item after the other. An
    /// empty session is one of a single item whose values are missing, or empty texts; where sessions are filled up, one of nothing but
    /// what fills them. Gives how many items that are, as [`items`](Features::items). It allocates nothing but for an error.
    ///
    /// # Errors
    ///
    /// As [`user`](Features::user), and if features have different numbers of items.
    ///
    /// # Panics
    ///
    /// If there are not places for so many items.
    pub fn session(
        &self,
        lists: &[List<'_>],
        most: usize,
        numbers: &mut [f32],
        ids: &mut [u32],
    ) -> Result<usize, ValueError> {
        let features = self.of(Side::Session);
        self.check_count(Side::Session, lists.len())?;
        let Some(first) = lists.first() else { return Ok(0) };
        if let Some(other) = lists.iter().position(|list| list.len() != first.len()) {
            let named = |at: usize| (self.list()[features[at] as usize].name.clone(), lists[at].len());
            return Err(ValueError::Items { first: named(0), other: named(other) });
        }
        let items = self.items(first.len(), most);
        let each = self.given().session;
        let (of_numbers, of_ids) = (each.numbers as usize, each.ids as usize);
        let filled = if self.pads().is_empty() { 0 } else { items - first.len().min(items) };
        for to in 0..filled {
            for (&at, &pad) in features.iter().zip(self.pads()) {
                let column = self.column(at as usize);
                match self.list()[at as usize].takes {
                    Takes::Number => numbers[to * of_numbers + column] = pad as f32,
                    Takes::Id => ids[to * of_ids + column] = pad as u32,
                }
            }
        }
        let last = if filled > 0 { first.len() } else { first.len().max(1) };
        for (to, item) in (filled..).zip(first.len().saturating_sub(items)..last) {
            let (numbers, ids) = (&mut numbers[to * of_numbers..], &mut ids[to * of_ids..]);
            for (&at, list) in features.iter().zip(lists) {
                self.put(at as usize, list.at(item), numbers, ids)?;
            }
        }
        Ok(items)
    }

    fn check_count(&self, side: Side, values: usize) -> Result<(), ValueError> {
        let features = self.of(side).len();
        if values == features { Ok(()) } else { Err(ValueError::Count { values, features }) }
    }

    /// Writes a value to its places of a whole row.
    fn put_whole(&self, at: usize, value: Value<'_>, row: &mut [f64]) -> Result<(), ValueError> {
        let places = &mut row[self.place(at)];
        match self.embedding(at, value)? {
            Some(values) => places.iter_mut().zip(values).for_each(|(to, &value)| *to = f64::from(value)),
            None => places[0] = self.number(at, value)?,
        }
        Ok(())
    }

    /// The values of an embedding; none where the feature is of another kind.
    fn embedding<'v>(&self, at: usize, value: Value<'v>) -> Result<Option<&'v [f32]>, ValueError> {
        let Feature { name, rule, .. } = &self.list()[at];
        let (Rule::Embedding(of), Value::Embedding(values)) = (rule, value) else { return Ok(None) };
        let feature = || name.clone();
        if values.len() != of.width as usize {
            return Err(ValueError::Width { feature: feature(), values: values.len(), width: of.width });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(ValueError::NotFinite { feature: feature(), at, value: values[at] }),
            None => Ok(Some(values)),
        }
    }

    /// Writes a value to its columns of a row.
    fn put(&self, at: usize, value: Value<'_>, numbers: &mut [f32], ids: &mut [u32]) -> Result<(), ValueError> {
        if let Some(values) = self.embedding(at, value)? {
            numbers[self.column(at)..][..values.len()].copy_from_slice(values);
            return Ok(());
        }
        let number = self.number(at, value)?;
        let Feature { name, takes, rule, .. } = &self.list()[at];
        match takes {
            Takes::Number if number.is_nan() => return Err(ValueError::Missing { feature: name.clone() }),
            Takes::Number => numbers[self.column(at)] = number as f32,
            Takes::Id => {
                let wrong = || {
                    let below = rule.below().unwrap_or(0);
                    ValueError::Id { feature: name.clone(), value: number, below }
                };
                ids[self.column(at)] = whole(number).ok_or_else(wrong)?;
            }
        }
        Ok(())
    }

    /// The number of a value by its feature's rule, which is no embedding's; NaN where it is missing.
    pub(super) fn number(&self, at: usize, value: Value<'_>) -> Result<f64, ValueError> {
        let feature = &self.list()[at];
        Ok(match (&feature.rule, value) {
            (Rule::Number { default, .. }, Value::Number(value)) if value.is_nan() => *default,
            (Rule::Number { mean, deviation, .. }, Value::Number(value)) => (value - mean) / deviation,
            (Rule::Bucket { .. }, Value::Number(value)) if value.is_nan() => value,
            (Rule::Bucket { boundaries }, Value::Number(value)) => {
                boundaries.partition_point(|&boundary| boundary <= value) as f64
            }
            (Rule::Category { vocabulary, first, unknown }, Value::Text(text)) => {
                let sorted = &self.sorted()[at];
                let found = sorted.binary_search_by(|&at| vocabulary[at as usize].as_str().cmp(text));
                match (found, unknown) {
                    (Ok(place), _) => f64::from(sorted[place]) + f64::from(*first),
                    (Err(_), Unknown::Missing) => f64::NAN,
                    (Err(_), Unknown::Number(number)) => *number,
                    (Err(_), Unknown::Refused) => {
                        return Err(ValueError::Unknown { feature: feature.name.clone(), text: text.to_owned() });
                    }
                }
            }
            (Rule::Hash { buckets, seed }, Value::Text(text)) => (hash(*seed, text) % u64::from(*buckets)) as f64,
            (Rule::Id { size, unknown }, Value::Number(value)) => match (whole(value), unknown) {
                (Some(id), _) if id < *size => f64::from(id),
                (_, Some(unknown)) => f64::from(*unknown),
                (_, None) => {
                    return Err(ValueError::Id { feature: feature.name.clone(), value, below: u64::from(*size) });
                }
            },
            _ => return Err(ValueError::Kind { feature: feature.name.clone() }),
        })
    }
}

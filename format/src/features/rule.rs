//! What becomes of a value: the rules of features.

use super::{EmbeddingOf, Kind};

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// `(value - mean) / deviation`; what is missing is `default`, which is not normalized, or stays missing where that is NaN.
    Number {
        /// What is subtracted.
        mean: f64,
        /// What is divided by.
        deviation: f64,
        /// In the place of a missing value.
        default: f64,
    },
    /// How many of `boundaries`, which ascend, are at most the value. What is missing stays so.
    Bucket {
        /// The first value of each bucket but the first.
        boundaries: Vec<f64>,
    },
    /// The place of a text in a vocabulary.
    Category {
        /// The texts; no two are the same.
        vocabulary: Vec<String>,
        /// The place of the first of them.
        first: u32,
        /// What becomes of other texts.
        unknown: Unknown,
    },
    /// [`hash`] of a text with that seed, modulo `buckets`.
    Hash {
        /// How many there are.
        buckets: u32,
        /// What the hash begins with.
        seed: u64,
    },
    /// A whole number, as it is.
    Id {
        /// Ids are below it.
        size: u32,
        /// What becomes of what is missing, is no whole number or is not below `size`: this id, or an error.
        unknown: Option<u32>,
    },
    /// The values of an embedding, as they are: as many numbers as it is wide.
    Embedding(EmbeddingOf),
}

/// What becomes of a text that is not in a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unknown {
    /// It is missing.
    Missing,
    /// It is an error.
    Refused,
    /// It is this number.
    Number(f64),
}

/// The 64-bit FNV-1a hash of a text, its bytes after the eight bytes of the seed, little-endian.
#[must_use]
pub fn hash(seed: u64, text: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Rule {
    /// What a service gives for it.
    pub fn kind(&self) -> Kind {
        match self {
            Rule::Number { .. } | Rule::Bucket { .. } | Rule::Id { .. } => Kind::Number,
            Rule::Category { .. } | Rule::Hash { .. } => Kind::Text,
            Rule::Embedding(of) => Kind::Embedding(of.clone()),
        }
    }

    /// How many numbers it gives.
    pub const fn width(&self) -> u32 {
        match self {
            Rule::Embedding(of) => of.width,
            _ => 1,
        }
    }

    /// All numbers that it gives are whole and below this, if it says so; missing values apart.
    pub fn below(&self) -> Option<u64> {
        match self {
            Rule::Number { .. } | Rule::Embedding(_) => None,
            Rule::Bucket { boundaries } => Some(boundaries.len() as u64 + 1),
            Rule::Category { vocabulary, first, unknown } => {
                let words = u64::from(*first) + vocabulary.len() as u64;
                match unknown {
                    Unknown::Missing | Unknown::Refused => Some(words),
                    Unknown::Number(number) => whole(*number).map(|number| words.max(u64::from(number) + 1)),
                }
            }
            Rule::Hash { buckets, .. } => Some(u64::from(*buckets)),
            Rule::Id { size, unknown } => Some(u64::from(*size).max(unknown.map_or(0, |id| u64::from(id) + 1))),
        }
    }

    /// That its own numbers make sense; `name` is the feature's.
    pub(super) fn check(&self, name: &str) -> Result<(), String> {
        match self {
            Rule::Number { mean, deviation, default } => {
                if !mean.is_finite() || !deviation.is_finite() || *deviation <= 0.0 || default.is_infinite() {
                    return Err(format!("feature `{name}` is normalized by what is no number above 0"));
                }
            }
            Rule::Bucket { boundaries } => {
                if boundaries.is_empty() {
                    return Err(format!("feature `{name}` is a bucket without a boundary"));
                }
                if boundaries.iter().any(|it| !it.is_finite()) || !boundaries.is_sorted_by(|a, b| a < b) {
                    return Err(format!("the boundaries of feature `{name}` do not ascend"));
                }
            }
            Rule::Category { .. } => {}
            Rule::Hash { buckets, .. } => {
                if *buckets == 0 {
                    return Err(format!("feature `{name}` is hashed to no bucket"));
                }
            }
            Rule::Id { size, .. } => {
                if *size == 0 {
                    return Err(format!("no id of feature `{name}` is below 0"));
                }
            }
            Rule::Embedding(of) => of.check(name)?,
        }
        Ok(())
    }

    /// The numbers of the vocabulary's entries, by text.
    pub(super) fn sorted(&self, name: &str) -> Result<Vec<u32>, String> {
        let Rule::Category { vocabulary, .. } = self else { return Ok(vec![]) };
        let mut order: Vec<u32> = (0..vocabulary.len() as u32).collect();
        order.sort_unstable_by_key(|&at| &vocabulary[at as usize]);
        let twice = order.windows(2).find(|two| vocabulary[two[0] as usize] == vocabulary[two[1] as usize]);
        match twice {
            Some(two) => Err(format!("`{}` is twice in feature `{name}`", vocabulary[two[0] as usize])),
            None => Ok(order),
        }
    }
}

/// A number that an id can be.
pub(super) fn whole(number: f64) -> Option<u32> {
    (number >= 0.0 && number < f64::from(u32::MAX) && number.fract() == 0.0).then_some(number as u32)
}

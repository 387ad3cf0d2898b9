//! Features of a ranker: from what a service knows of a candidate to a row of numbers, the same way in which the model was trained.
//!
//! ```text
//! magic, version, number of features; then for each feature, in the order of the model's columns:
//!   name, kind, then its numbers and words
//! ```
//!
//! A feature turns one value into one number; NaN is a missing one. What is not in a vocabulary is missing, or an error that names
//! it, as the specification says, and never another row's number.

use crate::wire::{Decoder, Encoder, WireError};
use core::fmt;

const MAGIC: &[u8; 8] = b"MDFEAT\r\n";
const VERSION: u32 = 1;

/// What the code of a service gives for a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "lock", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Kind {
    /// A number; NaN where it is missing.
    Number,
    /// A text.
    Text,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Number, Kind::Text];

    pub(crate) fn from_code(code: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(code)).copied()
    }
}

/// A feature as the type checker and the lock know it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "lock", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Fact {
    /// Its name: a field of the row.
    pub name: String,
    /// What is given for it.
    pub kind: Kind,
}

/// One feature: its name, and what becomes of its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// What becomes of its value.
    pub rule: Rule,
}

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

/// A value of a feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// A number; NaN where it is missing.
    Number(f64),
    /// A text.
    Text(&'v str),
}

/// The 64-bit FNV-1a hash of a text, its bytes after the eight bytes of the seed, little-endian.
#[must_use]
pub fn hash(seed: u64, text: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The features of a model, ready to turn values into rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    features: Vec<Feature>,
    /// For each feature with a vocabulary its entries' numbers, by text.
    sorted: Vec<Vec<u32>>,
}

/// A value that its feature does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        }
    }
}

impl std::error::Error for ValueError {}

impl Features {
    /// Features that fit one another.
    ///
    /// # Errors
    ///
    /// What is wrong with one.
    pub fn new(features: Vec<Feature>) -> Result<Features, String> {
        let mut sorted = Vec::with_capacity(features.len());
        for feature in &features {
            let name = &feature.name;
            let mut order = vec![];
            match &feature.rule {
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
                Rule::Category { vocabulary, .. } => {
                    order = (0..vocabulary.len() as u32).collect();
                    order.sort_unstable_by_key(|&at| &vocabulary[at as usize]);
                    let twice = order.windows(2).find(|two| vocabulary[two[0] as usize] == vocabulary[two[1] as usize]);
                    if let Some(two) = twice {
                        return Err(format!("`{}` is twice in feature `{name}`", vocabulary[two[0] as usize]));
                    }
                }
                Rule::Hash { buckets, .. } => {
                    if *buckets == 0 {
                        return Err(format!("feature `{name}` is hashed to no bucket"));
                    }
                }
            }
            sorted.push(order);
        }
        let mut names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
        names.sort_unstable();
        if let Some(two) = names.windows(2).find(|two| two[0] == two[1]) {
            return Err(format!("two features are called `{}`", two[0]));
        }
        Ok(Features { features, sorted })
    }

    /// The features, in the order of a row.
    pub fn list(&self) -> &[Feature] {
        &self.features
    }

    /// What the type checker and the lock know of them.
    pub fn facts(&self) -> Vec<Fact> {
        let kind = |rule: &Rule| match rule {
            Rule::Number { .. } | Rule::Bucket { .. } => Kind::Number,
            Rule::Category { .. } | Rule::Hash { .. } => Kind::Text,
        };
        self.features.iter().map(|feature| Fact { name: feature.name.clone(), kind: kind(&feature.rule) }).collect()
    }

    /// Turns the values of one candidate into its row. It allocates nothing but for an error.
    ///
    /// # Errors
    ///
    /// If there are more or fewer, one is of another type, or is in no vocabulary where that is refused.
    pub fn row(&self, values: &[Value<'_>], row: &mut [f64]) -> Result<(), ValueError> {
        if values.len() != self.features.len() || row.len() != self.features.len() {
            return Err(ValueError::Count { values: values.len(), features: self.features.len() });
        }
        for (at, (value, to)) in values.iter().zip(row).enumerate() {
            *to = self.number(at, *value)?;
        }
        Ok(())
    }

    fn number(&self, at: usize, value: Value<'_>) -> Result<f64, ValueError> {
        let feature = &self.features[at];
        Ok(match (&feature.rule, value) {
            (Rule::Number { default, .. }, Value::Number(value)) if value.is_nan() => *default,
            (Rule::Number { mean, deviation, .. }, Value::Number(value)) => (value - mean) / deviation,
            (Rule::Bucket { .. }, Value::Number(value)) if value.is_nan() => value,
            (Rule::Bucket { boundaries }, Value::Number(value)) => {
                boundaries.partition_point(|&boundary| boundary <= value) as f64
            }
            (Rule::Category { vocabulary, unknown }, Value::Text(text)) => {
                let found = self.sorted[at].binary_search_by(|&at| vocabulary[at as usize].as_str().cmp(text));
                match (found, unknown) {
                    (Ok(place), _) => f64::from(self.sorted[at][place]),
                    (Err(_), Unknown::Missing) => f64::NAN,
                    (Err(_), Unknown::Number(number)) => *number,
                    (Err(_), Unknown::Refused) => {
                        return Err(ValueError::Unknown { feature: feature.name.clone(), text: text.to_owned() });
                    }
                }
            }
            (Rule::Hash { buckets, seed }, Value::Text(text)) => (hash(*seed, text) % u64::from(*buckets)) as f64,
            _ => return Err(ValueError::Kind { feature: feature.name.clone() }),
        })
    }

    /// The bytes that stand in a pack.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.0.extend(MAGIC);
        out.u32(VERSION);
        out.count(self.features.len());
        for feature in &self.features {
            out.str(&feature.name);
            match &feature.rule {
                Rule::Number { mean, deviation, default } => {
                    out.u8(0);
                    [mean, deviation, default].iter().for_each(|number| out.u64(number.to_bits()));
                }
                Rule::Bucket { boundaries } => {
                    out.u8(1);
                    out.count(boundaries.len());
                    boundaries.iter().for_each(|number| out.u64(number.to_bits()));
                }
                Rule::Category { vocabulary, unknown } => {
                    out.u8(2);
                    let (code, number) = match unknown {
                        Unknown::Missing => (0, 0.0),
                        Unknown::Refused => (1, 0.0),
                        Unknown::Number(number) => (2, *number),
                    };
                    out.u8(code);
                    out.u64(f64::to_bits(number));
                    out.count(vocabulary.len());
                    vocabulary.iter().for_each(|word| out.str(word));
                }
                Rule::Hash { buckets, seed } => {
                    out.u8(3);
                    out.u32(*buckets);
                    out.u64(*seed);
                }
            }
        }
        out.0
    }

    /// Reads what [`encode`](Features::encode) wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes, in words.
    pub fn decode(bytes: &[u8]) -> Result<Features, String> {
        let mut read = Decoder::new(bytes);
        let features = decode(&mut read).map_err(|error| match error {
            WireError::Truncated => "the features end early".to_owned(),
            WireError::NotUtf8 => "a text of the features is not UTF-8".to_owned(),
        })??;
        if !read.is_empty() {
            return Err("the features have bytes after their end".to_owned());
        }
        Features::new(features)
    }
}

fn decode(read: &mut Decoder<'_>) -> Result<Result<Vec<Feature>, String>, WireError> {
    if read.take(MAGIC.len())? != MAGIC || read.u32()? != VERSION {
        return Ok(Err("the features are none, or of another version; build the pack again".to_owned()));
    }
    let count = read.count(17)?;
    let mut features = Vec::with_capacity(count);
    for _ in 0..count {
        let name = read.str()?.to_owned();
        let double = |read: &mut Decoder<'_>| read.u64().map(f64::from_bits);
        let rule = match read.u8()? {
            0 => Rule::Number { mean: double(read)?, deviation: double(read)?, default: double(read)? },
            1 => {
                let count = read.count(8)?;
                Rule::Bucket { boundaries: (0..count).map(|_| double(read)).collect::<Result<_, _>>()? }
            }
            2 => {
                let (code, number) = (read.u8()?, double(read)?);
                let unknown = match code {
                    0 => Unknown::Missing,
                    1 => Unknown::Refused,
                    2 => Unknown::Number(number),
                    _ => return Ok(Err(format!("feature `{name}` has the unknown rule {code} for unknown values"))),
                };
                let count = read.count(4)?;
                let vocabulary = (0..count).map(|_| read.str().map(str::to_owned)).collect::<Result<_, _>>()?;
                Rule::Category { vocabulary, unknown }
            }
            3 => Rule::Hash { buckets: read.u32()?, seed: read.u64()? },
            code => return Ok(Err(format!("feature `{name}` has the unknown rule {code}"))),
        };
        features.push(Feature { name, rule });
    }
    Ok(Ok(features))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Features {
        let feature = |name: &str, rule| Feature { name: name.into(), rule };
        let vocabulary = || vec!["globex".to_owned(), "acme".to_owned(), "手机".to_owned()];
        Features::new(vec![
            feature("price", Rule::Number { mean: 10.0, deviation: 4.0, default: -1.0 }),
            feature("age", Rule::Bucket { boundaries: vec![18.0, 25.0] }),
            feature("brand", Rule::Category { vocabulary: vocabulary(), unknown: Unknown::Missing }),
            feature("shop", Rule::Category { vocabulary: vocabulary(), unknown: Unknown::Refused }),
            feature("city", Rule::Category { vocabulary: vocabulary(), unknown: Unknown::Number(3.0) }),
            feature("query", Rule::Hash { buckets: 1000, seed: 7 }),
        ])
        .expect("features")
    }

    #[test]
    fn values_become_numbers() {
        use Value::{Number, Text};
        let features = sample();
        let mut row = [0.0; 6];
        let values = [Number(12.0), Number(18.0), Text("acme"), Text("手机"), Text("x"), Text("a")];
        features.row(&values, &mut row).expect("a row");
        assert_eq!(row[..5], [0.5, 1.0, 1.0, 2.0, 3.0]);
        assert_eq!(row[5], (hash(7, "a") % 1000) as f64);
        let missing = [Number(f64::NAN), Number(f64::NAN), Text(""), Text("acme"), Text("globex"), Text("")];
        features.row(&missing, &mut row).expect("a row");
        assert!(row[0] == -1.0 && row[1].is_nan() && row[2].is_nan() && row[3] == 1.0 && row[4] == 0.0);
    }

    #[test]
    fn the_hash_is_fnv1a() {
        // The vectors of the FNV authors for "" and "a" begin with no seed; a seed is eight bytes before them.
        let plain = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        };
        assert_eq!((plain(b""), plain(b"a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
        assert_eq!(hash(7, "a"), plain(b"\x07\0\0\0\0\0\0\0a"));
    }

    #[test]
    fn what_no_feature_takes_is_refused() {
        use Value::{Number, Text};
        let features = sample();
        let right = [Number(1.0), Number(2.0), Text("acme"), Text("acme"), Text("acme"), Text("a")];
        let mut wrong = right;
        wrong[3] = Text("nobody");
        let error = features.row(&wrong, &mut [0.0; 6]).expect_err("no such shop").to_string();
        assert!(error.contains("`nobody` is not in the vocabulary of feature `shop`"), "{error}");
        wrong[0] = Text("1.0");
        assert_eq!(features.row(&wrong, &mut [0.0; 6]), Err(ValueError::Kind { feature: "price".into() }));
        assert_eq!(features.row(&right[..5], &mut [0.0; 6]), Err(ValueError::Count { values: 5, features: 6 }));
    }

    #[test]
    fn what_is_written_is_read_and_every_truncation_refused() {
        let bytes = sample().encode();
        assert_eq!(Features::decode(&bytes), Ok(sample()));
        for len in 0..bytes.len() {
            assert!(Features::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn features_that_cannot_be_are_refused() {
        let number = |deviation| Rule::Number { mean: 0.0, deviation, default: 0.0 };
        let twice = vec!["a".to_owned(), "b".to_owned(), "a".to_owned()];
        for (said, rules) in [
            ("no number above 0", vec![number(0.0)]),
            ("without a boundary", vec![Rule::Bucket { boundaries: vec![] }]),
            ("do not ascend", vec![Rule::Bucket { boundaries: vec![1.0, 1.0] }]),
            ("`a` is twice", vec![Rule::Category { vocabulary: twice, unknown: Unknown::Missing }]),
            ("no bucket", vec![Rule::Hash { buckets: 0, seed: 0 }]),
            ("two features are called `f`", vec![number(1.0), number(1.0)]),
        ] {
            let features = rules.into_iter().map(|rule| Feature { name: "f".into(), rule }).collect();
            let error = Features::new(features).expect_err(said);
            assert!(error.contains(said), "{error}");
        }
    }
}

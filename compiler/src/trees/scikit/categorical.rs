//! The categories of histogram gradient boosting: which values of a feature go left at a node.
//!
//! Trees ask for numbers of categories. Up to 1.3 these are the values themselves. Since then the model holds an encoder: features with
//! categories come first, and a number is a place among their values, which ascend. Here trees ask for the values that are given. A
//! value that training has not seen goes where missing ones go.

use super::super::tree::Test;
use super::Wrong;
use super::fields::{Instance, Reader};
use crate::trees::pickle::Value;

/// Values of all sets of a file together.
const MOST_VALUES: usize = 1 << 24;

/// What a model says of its categories.
pub(super) struct Categories {
    /// The feature, as it is given, of each of those that trees ask.
    order: Vec<u32>,
    /// Of each of those that trees ask, the values of its categories by their numbers; none of one without.
    known: Vec<Vec<Option<f64>>>,
    /// How many more values sets may have.
    left: usize,
}

impl Categories {
    /// Those of a model of so many features.
    pub(super) fn read(reader: &Reader<'_>, model: &Instance<'_>, features: usize) -> Result<Categories, Wrong> {
        let encoder = reader.field(model, "_preprocessor").filter(|it| **it != Value::None);
        let flags = reader.numbers(model, "is_categorical_").filter(|flags| flags.len() == features);
        let encoded = match encoder {
            None => None,
            Some(encoder) => {
                let values = encoder_values(reader, encoder).ok_or(Wrong::Missing("_preprocessor"))??;
                Some((values, flags.ok_or(Wrong::Missing("is_categorical_"))?))
            }
        };
        let mut order: Vec<u32> = (0..features as u32).collect();
        if let Some((_, flags)) = &encoded {
            // Stable: those with categories before the others, each in its order.
            order.sort_by_key(|&feature| flags[feature as usize] == 0.0);
        }
        let known = known(reader, model, features).unwrap_or_else(|| vec![vec![]; features]);
        let known = match &encoded {
            None => known,
            Some((values, _)) => {
                let of = |(at, numbers): (usize, Vec<Option<f64>>)| {
                    let values = values.get(at).map(Vec::as_slice).unwrap_or_default();
                    let value = |(number, known): (usize, Option<f64>)| known.and_then(|_| values.get(number).copied());
                    numbers.into_iter().enumerate().map(value).collect()
                };
                known.into_iter().enumerate().map(of).collect()
            }
        };
        Ok(Categories { order, known, left: MOST_VALUES })
    }

    /// The feature, as it is given, of one that trees ask.
    pub(super) fn feature(&self, asked: u32) -> Result<u32, String> {
        let feature = self.order.get(asked as usize).copied();
        feature.ok_or_else(|| format!("a node asks feature {asked}, and there are {}", self.order.len()))
    }

    /// The test of the values of a feature whose numbers are in a set, or of the other known ones, given as the bits of 8 words.
    pub(super) fn test(&mut self, asked: u32, words: &[f64], is_in: bool) -> Result<Test, String> {
        let known = self.known.get(asked as usize).filter(|known| !known.is_empty());
        let known = known.ok_or_else(|| format!("the categories of feature {asked} are not said"))?;
        let holds = |number: usize| {
            let word = words.get(number / 32).map_or(0, |&word| word as u32);
            (word >> (number % 32) & 1 == 1) == is_in
        };
        let values = known.iter().enumerate().filter_map(|(number, value)| value.filter(|_| holds(number)));
        let values: Vec<f64> = values.collect();
        self.left =
            self.left.checked_sub(values.len()).ok_or("the sets of categories have too many members together")?;
        Ok(Test::among(values))
    }
}

/// The values of each feature with categories that the model's encoder knows.
fn encoder_values(reader: &Reader<'_>, preprocessor: &Value) -> Option<Result<Vec<Vec<f64>>, Wrong>> {
    let transformers = reader.pickle.list(reader.field(&reader.instance(preprocessor)?, "transformers_")?)?;
    let named = |transformer: &&Value| {
        let named = reader.pickle.tuple(transformer).and_then(|items| items.first());
        matches!(named, Some(Value::Text(name)) if &**name == "encoder")
    };
    let encoder = reader.pickle.tuple(transformers.iter().find(named)?)?.get(1)?;
    let encoder = reader.instance(encoder).filter(|encoder| encoder.name() == "OrdinalEncoder")?;
    let lists = reader.pickle.list(reader.field(&encoder, "categories_")?)?;
    let values = |list: &Value| reader.pickle.numbers(list).map(|(_, values)| values);
    let values: Option<Vec<Vec<f64>>> = lists.iter().map(values).collect();
    Some(values.ok_or_else(|| {
        // Nothing would hold their order against that of the vocabulary which requests are read by.
        Wrong::Unsupported(
            "categories of histogram gradient boosting that are texts, not numbers given in training,".to_owned(),
        )
    }))
}

/// Of each feature that trees ask the known numbers of categories, each at its place.
fn known(reader: &Reader<'_>, model: &Instance<'_>, features: usize) -> Option<Vec<Vec<Option<f64>>>> {
    let mapper = reader.inner(model, "_bin_mapper")?;
    let flags = reader.numbers(&mapper, "is_categorical_").filter(|flags| flags.len() == features)?;
    let lists =
        reader.pickle.list(reader.field(&mapper, "bin_thresholds_")?).filter(|lists| lists.len() == features)?;
    let of = |(flag, list): (&f64, &Value)| {
        let mut places = vec![];
        if *flag != 0.0 {
            // A byte each, as the library has it.
            let bytes = |number: &f64| number.fract() == 0.0 && (0.0..256.0).contains(number);
            for number in reader.pickle.numbers(list)?.1.into_iter().filter(bytes) {
                let at = number as usize;
                places.resize(places.len().max(at + 1), None);
                places[at] = Some(number);
            }
        }
        Some(places)
    };
    flags.iter().zip(lists).map(of).collect()
}

//! From features to columns: how many of its cuts a value is above, or on which side of a set it is.

use super::bin::Bin;
use modeldeploy_format::forest::{Asks, Forest, Missing, Number, ZERO};

/// Writes the columns of up to `N` rows to `columns[column][N]`. What stands past the last row is of no row.
#[inline(always)]
pub(super) fn fill<B: Bin, const N: usize>(forest: &Forest<'_>, rows: &[f64], columns: &mut [B]) {
    let inputs = forest.inputs();
    for (at, column) in columns.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        let (feature, missing) = forest.column(at);
        let values = rows.chunks_exact(forest.features()).map(|row| inputs.round(row[feature]));
        let asks = forest.asks(at);
        let (left, right) = match asks {
            Asks::Cuts(cuts) => (0, cuts.len()),
            Asks::NotIn(_) | Asks::In(_) | Asks::Among(_) => (0, 1),
        };
        for (to, value) in column.iter_mut().zip(values) {
            let value = match missing {
                Missing::Zero if value.is_nan() => 0.0,
                _ => value,
            };
            let gone = match missing {
                Missing::Left if value.is_nan() => Some(left),
                Missing::Right if value.is_nan() => Some(right),
                Missing::ZeroLeft if value.is_nan() || value.abs() <= ZERO => Some(left),
                Missing::ZeroRight if value.is_nan() || value.abs() <= ZERO => Some(right),
                _ => None,
            };
            let count = gone.unwrap_or_else(|| match asks {
                Asks::Cuts(cuts) => above(cuts, value),
                Asks::In(set) => usize::from(!has(set, value, inputs)),
                Asks::NotIn(set) => usize::from(has(set, value, inputs)),
                Asks::Among(members) => usize::from(members.get(above(members, value)) != Some(&value)),
            });
            *to = B::value(count);
        }
    }
}

/// How many of `cuts`, which ascend, are below `value`.
#[inline(always)]
fn above(cuts: &[f64], value: f64) -> usize {
    cuts.partition_point(|&cut| cut < value)
}

/// Whether the category of a value is in a set of bits. LightGBM, whose values are f64, cuts off the fraction; XGBoost, whose values
/// are f32, has no category below zero, nor past the whole numbers of f32.
#[inline(always)]
fn has(set: &[u32], value: f64, inputs: Number) -> bool {
    let inside = match inputs {
        Number::F32 => (0.0..=f64::from(1 << 24)).contains(&value),
        Number::F64 => value > -1.0 && value < f64::from(1 << 30),
    };
    // A negative fraction is cut off to 0.
    let category = value as u32;
    inside && set.get(category as usize / 32).is_some_and(|word| word >> (category % 32) & 1 == 1)
}

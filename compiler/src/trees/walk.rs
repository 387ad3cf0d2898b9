//! The plain evaluator: each tree is walked from its root, as its library does it. What is packed must give the same bits.

use super::tree::{Node, Split, Test, Tree};
use super::{Ensemble, Missing, Number, link};
use modeldeploy_format::forest::ZERO;

impl Ensemble {
    /// The predictions for one row of features; NaN where a value is missing.
    ///
    /// # Panics
    ///
    /// If the row has not as many values as there are features.
    pub fn predict(&self, row: &[f64]) -> Vec<f64> {
        let mut values = self.raw(row);
        link::apply(self.link, &mut values, self.sums);
        values
    }

    /// The sums for one row, before the link.
    ///
    /// # Panics
    ///
    /// As [`predict`](Ensemble::predict).
    pub fn raw(&self, row: &[f64]) -> Vec<f64> {
        assert_eq!(row.len(), self.features.len(), "a value for each feature");
        let row: Vec<f64> = row.iter().map(|&value| self.inputs.round(value)).collect();
        let mut sums = self.base.clone();
        for tree in &self.trees {
            let sum = &mut sums[tree.output as usize];
            *sum = self.sums.round(*sum + leaf(tree, &row, self.inputs));
        }
        if !self.linear.is_empty() {
            let weights = self.linear.chunks(self.outputs());
            for (&value, weights) in row.iter().zip(weights).filter(|(value, _)| !value.is_nan()) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = self.sums.round(*sum + self.sums.round(value * weight));
                }
            }
        }
        if self.divisor != 1.0 {
            sums.iter_mut().for_each(|sum| *sum = self.sums.round(*sum / self.divisor));
        }
        sums
    }
}

fn leaf(tree: &Tree, row: &[f64], inputs: Number) -> f64 {
    let mut at = 0;
    loop {
        match &tree.nodes()[at] {
            Node::Leaf(value) => return *value,
            Node::Split(split) => {
                let left = goes_left(split, row[split.feature as usize], inputs);
                at = if left { split.left } else { split.right } as usize;
            }
        }
    }
}

fn goes_left(split: &Split, value: f64, inputs: Number) -> bool {
    let value = match split.missing {
        Missing::Left if value.is_nan() => return true,
        Missing::Right if value.is_nan() => return false,
        Missing::ZeroLeft if value.is_nan() || value.abs() <= ZERO => return true,
        Missing::ZeroRight if value.is_nan() || value.abs() <= ZERO => return false,
        Missing::Zero if value.is_nan() => 0.0,
        _ => value,
    };
    match &split.test {
        Test::AtMost(threshold) => value <= *threshold,
        Test::Below(threshold) => value < *threshold,
        Test::In(set) => has(set, value, inputs),
        Test::NotIn(set) => !has(set, value, inputs),
        Test::Among(values) => values.contains(&value),
    }
}

/// Whether the category of a value is in a set. LightGBM cuts off the fraction; XGBoost, whose values are f32, has no category below
/// zero, nor past the whole numbers of f32.
fn has(set: &[u32], value: f64, inputs: Number) -> bool {
    let least = if inputs == Number::F32 { 0.0 } else { -1.0 + f64::EPSILON / 2.0 };
    if !(least..f64::from(1 << 30)).contains(&value) || (inputs == Number::F32 && value > f64::from(1 << 24)) {
        return false;
    }
    let code = value as u32;
    set.get(code as usize / 32).is_some_and(|word| word >> (code % 32) & 1 == 1)
}

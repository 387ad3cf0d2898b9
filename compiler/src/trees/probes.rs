//! Rows to try a model on: on its own thresholds, next to them, and where values are missing, which is where a mistake would show.

use super::tree::{Node, Test};
use super::{Ensemble, Number};

/// Values that every feature may meet.
const ODD: [f64; 6] = [f64::NAN, 0.0, -1.0, 1e-40, 1e9, 3.0];

/// So many rows, the same for the same model.
pub fn probes(ensemble: &Ensemble, count: usize) -> Vec<Vec<f64>> {
    let mut met: Vec<Vec<f64>> = vec![vec![]; ensemble.features.len()];
    for node in ensemble.trees.iter().flat_map(|tree| tree.nodes()) {
        let Node::Split(split) = node else { continue };
        let values = &mut met[split.feature as usize];
        match &split.test {
            Test::AtMost(threshold) | Test::Below(threshold) => {
                let next = match ensemble.inputs {
                    Number::F32 => f64::from((*threshold as f32).next_up()),
                    Number::F64 => threshold.next_up(),
                };
                values.extend([*threshold, next]);
            }
            Test::In(set) | Test::NotIn(set) => values.push((set.len() * 32) as f64 - 1.0),
            Test::Among(members) => {
                values.extend(members.iter().flat_map(|&member| [member, ensemble.inputs.round(member + 0.5)]));
            }
        }
    }
    // The generator of Knuth's MMIX: any would do that is the same everywhere.
    let mut state = 1_u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let mut value = |values: &[f64]| match below(8) {
        0 => ODD[below(ODD.len())],
        1 => below(64) as f64,
        _ if values.is_empty() => below(64) as f64,
        _ => values[below(values.len())],
    };
    (0..count).map(|_| met.iter().map(|values| value(values)).collect()).collect()
}

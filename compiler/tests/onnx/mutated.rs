//! ONNX's own node tests with bytes changed: what is still read is run under bounds, and gives values or an error of the node, never a panic.

use crate::{read, shared};
use modeldeploy_compiler::onnx::{Bounds, Model, Tensor, read_tensor};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// How often each model is changed.
const CHANGES: usize = 12;

const BOUNDS: Bounds = Bounds { numbers: 1 << 16, multiplications: 1 << 20 };

#[test]
fn a_changed_model_runs_or_is_refused_and_never_panics() {
    let Some(folder) = shared("onnx-node") else { return };
    let (mut ran, mut refused, mut wrong) = (0, 0, vec![]);
    let mut tests: Vec<_> =
        fs::read_dir(folder).expect("the tests").map(|entry| entry.expect("an entry").path()).collect();
    tests.sort();
    // Marsaglia 2003, xorshift.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % end
    };
    for test in tests {
        let Ok(bytes) = fs::read(test.join("model.onnx")) else { continue };
        for _ in 0..CHANGES {
            let mut changed = bytes.clone();
            for _ in 0..=below(2) {
                let at = below(changed.len());
                changed[at] = match below(4) {
                    0 => changed[at].wrapping_add(1),
                    1 => changed[at].wrapping_sub(1),
                    2 => [0, 1, 2, 0x7f, 0x80, 0xff][below(6)],
                    _ => changed[at] ^ 1 << below(8),
                };
            }
            let run = || {
                let model = read("model.onnx", changed.clone()).ok()?;
                let inputs = inputs(&model, &test)?;
                Some(model.run_within(&inputs, BOUNDS).map_err(|errors| errors[0].to_string()))
            };
            match catch_unwind(AssertUnwindSafe(run)) {
                Ok(None) => {}
                Ok(Some(Ok(_))) => ran += 1,
                Ok(Some(Err(error))) if error.starts_with("error[MD170") => refused += 1,
                Ok(Some(Err(error))) => wrong.push(format!("{}: {error}", test.display())),
                Err(_) => wrong.push(format!("{}: a panic", test.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong: {wrong:#?}", wrong.len());
    assert!(ran > 1000 && refused > 100, "{ran} ran, and {refused} were refused");
}

/// What the test gives the model; none where there are fewer files than inputs.
fn inputs<'m>(model: &'m Model, test: &Path) -> Option<Vec<(&'m str, Tensor)>> {
    let input = |(at, port): (usize, &'m modeldeploy_compiler::onnx::Port)| {
        let bytes = fs::read(test.join(format!("test_data_set_0/input_{at}.pb"))).ok()?;
        Some((port.name.as_str(), read_tensor("data", &bytes).ok()?.1))
    };
    model.inputs().iter().enumerate().map(input).collect()
}

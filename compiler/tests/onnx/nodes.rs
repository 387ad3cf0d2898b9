//! ONNX's own node tests: each is computed and compared as ONNX's backend tests do, or refused for a reason that stands here.

use crate::{read, shared};
use modeldeploy_compiler::onnx::{Data, Model, Tensor, read_tensor};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Why tests are refused, and how many: what the first of their errors says. Whoever supports one of these takes it out of here.
const REFUSED: [(&str, usize); 14] = [
    ("numbers of type string are", 5),
    ("operator `Bernoulli`", 2),
    ("operator `CausalConvWithState`", 9),
    ("operator `GridSample`", 14),
    ("operator `LinearAttention`", 9),
    ("operator `Loop`", 2),
    ("operator `MelWeightMatrix`", 1),
    ("operator `NegativeLogLikelihoodLoss`", 32),
    ("operator `RandomUniformLike`", 3),
    ("operator `Scan`", 9),
    ("operator `SoftmaxCrossEntropyLoss`", 24),
    ("operator `ai.onnx.ml.ArrayFeatureExtractor`", 1),
    ("operator `ai.onnx.ml.TreeEnsemble`", 1),
    ("operator `ai.onnx.preview.FlexAttention`", 5),
];

/// How many tests pass, as `docs/onnx.md` says.
const PASSED: usize = 1009;

/// What became of a test.
pub(crate) enum Outcome {
    Passed(Model),
    /// The first error of reading it.
    Refused(String),
    Failed(String),
}

/// Every test by name, where they are.
pub(crate) fn outcomes() -> Option<BTreeMap<String, Outcome>> {
    let folder = shared("onnx-node")?;
    let tests = fs::read_dir(folder).expect("the tests").map(|entry| entry.expect("an entry").path());
    let tests = tests.filter(|path| path.join("model.onnx").is_file());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    Some(tests.map(|path| (name(&path), outcome(&path))).collect())
}

fn outcome(test: &Path) -> Outcome {
    let model = match read("model.onnx", fs::read(test.join("model.onnx")).expect("a model")) {
        Ok(model) => model,
        Err(errors) => return Outcome::Refused(errors[0].clone()),
    };
    let mut inputs = Vec::new();
    for (at, port) in model.inputs().iter().enumerate() {
        match tensor(&test.join(format!("test_data_set_0/input_{at}.pb"))) {
            Ok(tensor) => inputs.push((port.name.as_str(), tensor)),
            Err(error) => return Outcome::Refused(error),
        }
    }
    let outputs = match model.run(&inputs) {
        Ok(outputs) => outputs,
        Err(errors) => return Outcome::Failed(errors[0].to_string()),
    };
    for (at, output) in outputs.iter().enumerate() {
        let differs =
            tensor(&test.join(format!("test_data_set_0/output_{at}.pb"))).and_then(|want| close(output, &want));
        if let Err(error) = differs {
            return Outcome::Failed(format!("output {at}: {error}"));
        }
    }
    Outcome::Passed(model)
}

fn tensor(path: &PathBuf) -> Result<Tensor, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    read_tensor("data", &bytes).map(|(_, tensor)| tensor).map_err(|error| error.to_string())
}

/// ONNX's own bounds: floats to a thousandth and 10⁻⁷, all else exactly.
fn close(got: &Tensor, want: &Tensor) -> Result<(), String> {
    if got.shape() != want.shape() || got.elem() != want.elem() {
        return Err(format!("{got} instead of {want}"));
    }
    fn floats<T: Copy + Into<f64>>(got: &[T], want: &[T]) -> Result<(), String> {
        for (got, want) in got.iter().zip(want).map(|(got, want)| ((*got).into(), (*want).into())) {
            let alike = got == want || got.is_nan() && want.is_nan() || (got - want).abs() <= 1e-7 + 1e-3 * want.abs();
            if !alike {
                return Err(format!("{got} instead of {want}"));
            }
        }
        Ok(())
    }
    match (got.data(), want.data()) {
        (Data::F32(got), Data::F32(want)) => floats(got, want),
        (Data::F64(got), Data::F64(want)) => floats(got, want),
        (Data::F16(got), Data::F16(want)) => floats(got, want),
        (Data::BF16(got), Data::BF16(want)) => floats(got, want),
        (got, want) if got == want => Ok(()),
        (got, want) => Err(format!("{got:?} instead of {want:?}")),
    }
}

#[test]
fn every_node_test_passes_or_is_refused_for_a_reason_that_stands_here() {
    let Some(outcomes) = outcomes() else { return };
    let mut wrong = Vec::new();
    let mut refused: BTreeMap<&str, usize> = REFUSED.iter().map(|(reason, _)| (*reason, 0)).collect();
    let mut passed = 0;
    for (name, outcome) in &outcomes {
        match outcome {
            Outcome::Passed(_) => passed += 1,
            Outcome::Failed(error) => wrong.push(format!("{name}: {error}")),
            Outcome::Refused(error) => match REFUSED.iter().find(|(reason, _)| error.contains(reason)) {
                Some((reason, _)) => *refused.get_mut(reason).expect("a row") += 1,
                None => wrong.push(format!("{name} is refused: {error}")),
            },
        }
    }
    wrong.extend(
        REFUSED.iter().filter(|(reason, count)| refused[reason] != *count).map(|(reason, count)| {
            format!("{} tests are refused for {reason}, and {count} are listed", refused[reason])
        }),
    );
    if passed != PASSED {
        wrong.push(format!("{passed} tests pass, and the guide says {PASSED}"));
    }
    assert!(wrong.is_empty(), "{passed} of {} pass:\n{}", outcomes.len(), wrong.join("\n"));
}

#[test]
fn what_differs_is_told() {
    let tensor = |values: Vec<f32>| Tensor::new([2], values).expect("two numbers");
    assert!(close(&tensor(vec![1.0, f32::NAN]), &tensor(vec![1.0005, f32::NAN])).is_ok());
    for wrong in [vec![1.0, 2.0], vec![1.002, f32::NAN], vec![f32::INFINITY, f32::NAN]] {
        assert!(close(&tensor(wrong), &tensor(vec![1.0, f32::NAN])).is_err());
    }
    let whole = |values: Vec<i64>| Tensor::new([1, 2], values).expect("two numbers");
    assert!(close(&whole(vec![1, 2]), &whole(vec![1, 3])).is_err());
    assert!(close(&whole(vec![1, 2]), &Tensor::new([2], vec![1_i64, 2]).expect("two numbers")).is_err());
}

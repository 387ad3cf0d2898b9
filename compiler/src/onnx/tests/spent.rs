//! A run that would go on for hours, or fill the memory with what it makes, ends at the node that is too much.

use super::{load, model, node};
use crate::onnx::{Bounds, Model, Tensor};

/// The error of a run for two numbers that may take so much.
fn ends(model: &Model, numbers: u64, multiplications: u64) -> Option<String> {
    let x = Tensor::new([1, 2], vec![1.0_f32; 2]).expect("a pair");
    let run = model.run_within(&[("x", x)], Bounds { numbers, multiplications });
    run.err().map(|errors| errors[0].to_string())
}

#[test]
fn a_run_ends_where_it_has_taken_all_that_it_may() {
    // Two numbers, two, their square as a matrix of one, which is two multiplications.
    let turned = node("Transpose", &["z"], &["t"]);
    let model = load(&model(vec![node("Neg", &["x"], &["z"]), turned, node("MatMul", &["z", "t"], &["y"])]));
    let model = model.expect("a model");
    assert_eq!(ends(&model, 5, 2), None);
    let error = ends(&model, 4, 2).expect("a number too many");
    assert!(error.starts_with("error[MD1706]: `MatMul(") && error.contains("numbers"), "{error}");
    let error = ends(&model, 3, 2).expect("a number too many");
    assert!(error.starts_with("error[MD1706]: `Transpose("), "{error}");
    let error = ends(&model, 5, 1).expect("a multiplication too many");
    assert!(error.starts_with("error[MD1706]: `MatMul(") && error.contains("multiplications"), "{error}");
}

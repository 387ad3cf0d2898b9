//! What a node may have in some opsets only: elsewhere it would be read past, and is refused.

use super::single::{alone, float, ids, list};
use super::{NodeProto, int, node, refused, tensor, with};

#[test]
fn what_another_opset_has_is_refused() {
    let x = || tensor("x", &[2], &[1.0, 2.0]);
    let one = |operator: &str| node(operator, &["x"], &["y"]);
    let two = |operator: &str| node(operator, &["x", "i"], &["y"]);
    let cases: Vec<(i64, NodeProto, &str)> = vec![
        (13, with(one("Squeeze"), list("axes", &[0])), "the attribute `axes` is of opset 12 and earlier, not of 13"),
        (13, with(one("Unsqueeze"), list("axes", &[0])), "the attribute `axes` is of opset 12"),
        (12, two("Squeeze"), "2 inputs are more than the 1 that opset 12 has"),
        (13, with(one("ReduceSum"), list("axes", &[0])), "the attribute `axes` is of opset 12"),
        (18, with(one("ReduceMean"), list("axes", &[0])), "the attribute `axes` is of opset 17"),
        (13, two("ReduceMean"), "2 inputs are more than the 1 that opset 13 has"),
        (13, with(one("ReduceMax"), int("noop_with_empty_axes", 1)), "is of opset 18 and later, not of 13"),
        (13, with(one("Split"), list("split", &[2])), "the attribute `split` is of opset 12"),
        (17, with(one("Split"), int("num_outputs", 1)), "the attribute `num_outputs` is of opset 18"),
        (10, with(one("Slice"), list("axes", &[0])), "the attribute `axes` is of opset 9"),
        (9, node("Slice", &["x", "i", "i"], &["y"]), "3 inputs are more than the 1"),
        (11, with(one("Clip"), float("min", 0.0)), "the attribute `min` is of opset 10"),
        (6, node("Clip", &["x", "x", "x"], &["y"]), "3 inputs are more than the 1"),
        (11, with(two("Pad"), float("value", 1.0)), "the attribute `value` is of opset 10"),
        (2, node("Pad", &["x", "i", "x"], &["y"]), "3 inputs are more than the 1"),
        (13, node("Pad", &["x", "i", "x", "i"], &["y"]), "4 inputs are more than the 3"),
        (13, with(two("Reshape"), int("allowzero", 1)), "the attribute `allowzero` is of opset 14"),
        (10, with(two("TopK"), int("k", 1)), "the attribute `k` is of opset 9"),
        (11, with(one("ArgMax"), int("select_last_index", 1)), "is of opset 12 and later"),
        (13, with(with(one("Cast"), int("to", 1)), int("saturate", 0)), "the attribute `saturate` is of opset 19"),
        (14, with(one("Shape"), int("start", 1)), "the attribute `start` is of opset 15"),
    ];
    for (opset, node, part) in cases {
        refused(&alone(opset, node, vec![x(), ids("i", &[1], &[0])]), &[part]);
    }
}

//! Files that nobody's exporter writes: they are refused, never panics, hangs or memory.

use super::single::{alone, computed, fails, float, graph, ids, list, word};
use super::{
    FunctionProto, ModelProto, NodeProto, TensorProto, int, load, model, node, opset, port, refused, tensor, text, with,
};
use crate::onnx::wire::{AttributeProto, GraphProto};

fn function(name: &str, nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: text(name),
        domain: text("ours"),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        node: nodes,
        opset_import: vec![opset("", 21), opset("ours", 1)],
        ..FunctionProto::default()
    }
}

fn call(name: &str, from: &str, to: &str) -> NodeProto {
    NodeProto { domain: text("ours"), ..node(name, &[from], &[to]) }
}

/// `x` goes through `f0` to `y`.
fn calling(functions: Vec<FunctionProto>) -> ModelProto {
    let mut proto = model(vec![call("f0", "x", "y")]);
    proto.opset_import.push(opset("ours", 1));
    proto.functions = functions;
    proto
}

#[test]
fn calls_of_empty_functions_are_counted() {
    let mut functions: Vec<FunctionProto> = (0..30)
        .map(|at: usize| {
            let next = format!("f{}", at + 1);
            function(&format!("f{at}"), vec![call(&next, "a", "t"), call(&next, "t", "b")])
        })
        .collect();
    functions.push(function("f30", vec![]));
    refused(&calling(functions), &["error[MD1703]: the model has more than 1048576 nodes"]);
}

#[test]
fn what_calls_copy_is_bounded_before_it_is_copied() {
    // A constant of 4 MB, 2^12 times.
    let weights = TensorProto { raw_data: Some(vec![0; 4 << 20].into()), ..tensor("w", &[1 << 20], &[]) };
    let large = AttributeProto { r#type: Some(4), i: None, t: Some(weights), ..int("value", 0) };
    let mut functions: Vec<FunctionProto> = (0..12)
        .map(|at: usize| {
            let next = format!("f{}", at + 1);
            function(&format!("f{at}"), vec![call(&next, "a", "t"), call(&next, "t", "b")])
        })
        .collect();
    let last = vec![with(node("Constant", &[], &["c"]), large), node("Add", &["a", "c"], &["b"])];
    functions.push(function("f12", last));
    refused(&calling(functions), &["error[MD1703]: its functions are more than 536870912 bytes, written out"]);

    // A name of 1 MB, 2^14 times.
    let long = "n".repeat(1 << 20);
    let nodes = (0..1 << 14).map(|at: usize| node("Add", &["a", "a"], &[&format!("v{at}")])).collect();
    let mut proto = calling(vec![function("f0", nodes)]);
    let graph = proto.graph.as_mut().expect("a graph");
    graph.node = vec![node("Neg", &["x"], &[&long]), call("f0", &long, "y")];
    refused(&proto, &["error[MD1703]: its functions are more than 536870912 bytes, written out"]);
}

#[test]
fn opsets_are_stated_once_and_those_of_functions_are_checked() {
    let mut proto = model(vec![node("Neg", &["x"], &["y"])]);
    proto.opset_import.push(opset("ai.onnx", 13));
    refused(&proto, &["error[MD1703]: the model states the opset of the domain `` twice"]);
    let mut late = function("f0", vec![node("Neg", &["a"], &["b"])]);
    late.opset_import = vec![opset("", 29)];
    refused(&calling(vec![late]), &["error[MD1702]: the function `f0` is of opset 29; 1 to 28 are read"]);
}

#[test]
fn shapes_without_numbers_are_bounded_as_others_are() {
    // Of the file.
    let mut proto = model(vec![node("Add", &["x", "w"], &["y"])]);
    proto.graph.as_mut().expect("a graph").initializer = vec![tensor("w", &[1 << 40, 0], &[])];
    refused(&proto, &["the shape [1099511627776, 0] is too large"]);
    proto.graph.as_mut().expect("a graph").initializer = vec![tensor("w", &[1; 65], &[1.0])];
    refused(&proto, &["is too large"]);
    // Computed.
    let shape = |sizes: &[i64]| ids("s", &[sizes.len() as i64], sizes);
    for (node, tensors, part) in [
        (node("ConstantOfShape", &["s"], &["y"]), vec![shape(&[1 << 40, 0])], "is too large"),
        (node("Expand", &["x", "s"], &["y"]), vec![tensor("x", &[0], &[]), shape(&[1 << 40, 1])], "is too large"),
        (node("Tile", &["x", "s"], &["y"]), vec![tensor("x", &[1, 0], &[]), shape(&[1 << 40, 1])], "is too large"),
        (node("Reshape", &["x", "s"], &["y"]), vec![tensor("x", &[1], &[1.0]), shape(&[1; 65])], "cannot become"),
        (node("Pad", &["x", "s"], &["y"]), vec![tensor("x", &[1, 0], &[]), shape(&[1 << 30, 0, 0, 0])], "is too large"),
        (
            node("Pad", &["x", "s"], &["y"]),
            vec![tensor("x", &[1], &[1.0]), shape(&[i64::MIN, i64::MAX])],
            "a pad of -9223372036854775808 is too long",
        ),
        (
            with(node("DepthToSpace", &["x"], &["y"]), int("blocksize", 1 << 31)),
            vec![tensor("x", &[1, 0, 1, 1], &[])],
            "cannot become",
        ),
    ] {
        fails(21, node, tensors, part);
    }
    // A small one is walked over as ever.
    let sum =
        computed(12, with(node("ReduceSum", &["x"], &["y"]), list("axes", &[1])), vec![tensor("x", &[2, 0], &[])]);
    assert_eq!(sum.expect("sums of nothing")[0].as_f32(), Some(&[0.0, 0.0][..]));
}

#[test]
fn settings_that_no_exporter_writes_are_refused() {
    let weights =
        || vec![tensor("x", &[1, 1, 1], &[1.0]), tensor("w", &[1, 1, 1], &[1.0]), tensor("r", &[1, 1, 1], &[1.0])];
    for clip in [-1.0, f32::NAN] {
        let node = with(node("RNN", &["x", "w", "r"], &["y"]), float("clip", clip));
        fails(21, node, weights(), "is no bound");
    }
    let parts = with(node("Split", &["x"], &["y", "z"]), int("num_outputs", 1 << 62));
    fails(21, parts, vec![tensor("x", &[2], &[1.0, 2.0])], "2 outputs are not 4611686018427387904 parts");
    let heads = vec![
        tensor("x", &[1, 1, 1, 0], &[]),
        tensor("c", &[1, 0], &[]),
        tensor("s", &[1, 0], &[]),
        ids("p", &[1, 1], &[0]),
    ];
    let turned = computed(23, node("RotaryEmbedding", &["x", "c", "s", "p"], &["y"]), heads).expect("nothing, turned");
    assert_eq!(turned[0].shape(), [1, 1, 1, 0]);
    for row in [-1, 2] {
        let tensors =
            vec![tensor("x", &[1, 2, 1], &[1.0, 2.0]), tensor("u", &[1, 1, 1], &[9.0]), ids("at", &[1], &[row])];
        fails(24, node("TensorScatter", &["x", "u", "at"], &["y"]), tensors, "the cache of 2 has no place");
    }
    let tensors = vec![tensor("x", &[2, 2], &[0.0; 4]), ids("i", &[1, 1], &[0]), tensor("u", &[2, 1], &[0.0; 2])];
    fails(21, node("ScatterND", &["x", "i", "u"], &["y"]), tensors, "do not go with the indices");
    let convolved = |setting| with(node("ConvTranspose", &["x", "w"], &["y"]), setting);
    let tensors = || vec![tensor("x", &[1, 1, 2], &[1.0, 2.0]), tensor("w", &[1, 1, 1], &[1.0])];
    fails(21, convolved(word("auto_pad", "FULL")), tensors(), "the padding `FULL` is not known");
    fails(21, convolved(list("kernel_shape", &[2])), tensors(), "`kernel_shape` is not that of");
}

#[test]
fn branches_give_what_their_node_names() {
    let body = |outputs: &[&str]| GraphProto {
        node: vec![node("Neg", &["x"], &["inside"])],
        output: outputs.iter().map(|name| port(name, &[])).collect(),
        ..GraphProto::default()
    };
    let choice = |then: &[&str], other: &[&str]| {
        let node = node("If", &["c"], &["y", "z"]);
        let node = with(with(node, graph("then_branch", body(then))), graph("else_branch", body(other)));
        let truth = TensorProto { data_type: Some(9), raw_data: Some(vec![1].into()), ..tensor("c", &[], &[]) };
        alone(21, node, vec![tensor("x", &[1], &[1.0]), truth])
    };
    refused(&choice(&["inside"], &["inside", "inside"]), &["`If`: its `then_branch` takes 0 values and gives 1"]);
    refused(&choice(&["inside", "inside"], &[]), &["`If`: its `else_branch` takes 0 values and gives 0"]);
    let both = load(&choice(&["inside", "inside"], &["inside", "inside"])).expect("a model");
    assert_eq!(both.run(&[]).expect("two outputs").len(), 2);
}

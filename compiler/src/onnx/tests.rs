//! What is read and what is refused, of models that are put together here.

mod hostile;
mod numbers;
mod opsets;
mod single;
mod spent;

use super::wire::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType, tensor_shape_proto,
    type_proto,
};
use super::{Dimension, Model, Tensor, read};
use prost::Message;
use std::sync::Arc;

/// A node of the file.
pub(crate) type Node = NodeProto;

pub(crate) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    NodeProto {
        op_type: text(operator),
        name: text(&outputs.join("+")),
        input: owned(inputs),
        output: owned(outputs),
        ..NodeProto::default()
    }
}

pub(crate) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: text(name),
        r#type: Some(AttributeType::Int.into()),
        i: Some(value),
        ..AttributeProto::default()
    }
}

pub(crate) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: text(name),
        r#type: Some(AttributeType::Ints.into()),
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

pub(crate) fn with(mut node: NodeProto, attribute: AttributeProto) -> NodeProto {
    node.attribute.push(attribute);
    node
}

/// f32 with these axes: a number, or a name.
pub(crate) fn port(name: &str, dims: &[&str]) -> ValueInfoProto {
    let dim = |dim: &&str| {
        let value = dim.parse().map_or_else(
            |_| tensor_shape_proto::dimension::Value::DimParam(dim.to_string()),
            tensor_shape_proto::dimension::Value::DimValue,
        );
        tensor_shape_proto::Dimension { value: Some(value), denotation: None }
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type: Some(1), shape: Some(shape) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: text(name), r#type: Some(kind), ..ValueInfoProto::default() }
}

pub(crate) fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: text(name),
        dims: dims.to_vec(),
        data_type: Some(1),
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub(crate) fn opset(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: text(domain), version: Some(version) }
}

/// `y` of `x`, by these nodes.
fn model(nodes: Vec<NodeProto>) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        input: vec![port("x", &["n", "2"])],
        output: vec![port("y", &[])],
        ..GraphProto::default()
    };
    ModelProto { graph: Some(graph), opset_import: vec![opset("", 21)], ..ModelProto::default() }
}

fn load(model: &ModelProto) -> Result<Model, Vec<String>> {
    read("m.onnx", model.encode_to_vec(), &mut |_| Err("there is none".to_owned()))
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// The model is refused with these errors, each known by a part of it.
fn refused(model: &ModelProto, parts: &[&str]) {
    let errors = load(model).expect_err("a model that is wrong");
    assert_eq!(errors.len(), parts.len(), "{errors:#?}");
    for (error, part) in errors.iter().zip(parts) {
        assert!(error.contains(part) && error.contains("--> m.onnx") && error.contains("help: "), "{error}");
    }
}

fn run(model: &Model, x: &[f32]) -> Result<Vec<f32>, String> {
    let x = Tensor::new([x.len() / 2, 2], x.to_vec()).expect("pairs");
    let outputs = model.run(&[("x", x)]).map_err(|errors| errors[0].to_string())?;
    Ok(outputs[0].as_f32().expect("an f32").to_vec())
}

#[test]
fn nodes_are_put_in_order_and_computed() {
    let mut proto = model(vec![node("Add", &["z", "w"], &["y"]), node("Neg", &["x"], &["z"])]);
    proto.graph.as_mut().expect("a graph").initializer = vec![tensor("w", &[2], &[10.0, 20.0])];
    proto.metadata_props = vec![StringStringEntryProto { key: text("author"), value: text("us") }];
    let model = load(&proto).expect("a model");
    assert_eq!(run(&model, &[1.0, 2.0, 3.0, 4.0]), Ok(vec![9.0, 18.0, 7.0, 16.0]));
    assert_eq!(model.metadata()["author"], "us");
    assert_eq!(model.inputs()[0].shape, Some(vec![Dimension::Named("n".to_owned()), Dimension::Fixed(2)]));
}

#[test]
fn functions_are_written_out_with_their_attributes() {
    // twice(x) = leak(leak(x)), with the slope of the call.
    let slope = AttributeProto {
        name: text("alpha"),
        ref_attr_name: text("slope"),
        r#type: Some(1),
        ..AttributeProto::default()
    };
    let body =
        vec![with(node("LeakyRelu", &["a"], &["t"]), slope.clone()), with(node("LeakyRelu", &["t"], &["b"]), slope)];
    let function = FunctionProto {
        name: text("twice"),
        domain: text("ours"),
        input: vec!["a".to_owned()],
        output: vec!["b".to_owned()],
        node: body,
        opset_import: vec![opset("", 16)],
        ..FunctionProto::default()
    };
    let call = |from: &str, to: &str, slope: f32| {
        let attribute =
            AttributeProto { name: text("slope"), r#type: Some(1), f: Some(slope), ..AttributeProto::default() };
        with(NodeProto { domain: text("ours"), ..node("twice", &[from], &[to]) }, attribute)
    };
    let mut proto = model(vec![call("x", "t", 0.5), call("t", "y", 1.0)]);
    proto.functions = vec![function.clone()];
    proto.opset_import.push(opset("ours", 1));
    assert_eq!(run(&load(&proto).expect("a model"), &[-8.0, 4.0]), Ok(vec![-2.0, 4.0]));

    // One that calls itself never ends.
    let mut endless = function.clone();
    endless.node = vec![NodeProto { domain: text("ours"), ..node("twice", &["a"], &["b"]) }];
    proto.functions = vec![endless];
    refused(&proto, &["error[MD1703]: calls of functions lie more than 32 deep"]);
    proto.functions = vec![function.clone(), function];
    refused(&proto, &["error[MD1703]: the function `twice` stands twice"]);
}

#[test]
fn calls_that_multiply_are_cut_off() {
    let functions = (0..30).map(|at: usize| {
        let name = |at: usize| format!("f{at}");
        let next = name(at + 1);
        let half = |from: &str, to: &str| NodeProto { domain: text("ours"), ..node(&next, &[from], &[to]) };
        FunctionProto {
            name: Some(name(at)),
            domain: text("ours"),
            input: vec!["a".to_owned()],
            output: vec!["b".to_owned()],
            node: vec![half("a", "t"), half("t", "b")],
            ..FunctionProto::default()
        }
    });
    let mut proto = model(vec![NodeProto { domain: text("ours"), ..node("f0", &["x"], &["y"]) }]);
    proto.functions = functions.collect();
    refused(&proto, &["error[MD1703]: the model has more than 1048576 nodes"]);
}

#[test]
fn all_that_is_not_supported_is_told_in_one_run() {
    let nodes = vec![
        node("GridSample", &["x", "x"], &["a"]),
        NodeProto { domain: text("com.example"), ..node("Fancy", &["x"], &["b"]) },
        with(node("Softmax", &["x"], &["c"]), int("temperature", 2)),
        node("Scatter", &["x", "x", "x"], &["d"]),
        node("Add", &["x"], &["e"]),
        node("Relu", &["x"], &["y"]),
    ];
    refused(
        &model(nodes),
        &[
            "error[MD0107]: operator `GridSample` of opset 21 is not supported\n  --> m.onnx, node `a`",
            "error[MD0107]: operator `com.example.Fancy` is of a domain whose opset the model does not state",
            "error[MD0107]: `Softmax`: the attribute `temperature` is not known",
            "error[MD0107]: operator `Scatter` of opset 21 is not supported",
            "error[MD0107]: `Add`: 1 inputs are not 2",
        ],
    );
}

#[test]
fn graphs_that_are_not_well_formed_are_refused() {
    refused(
        &model(vec![node("Add", &["x", "b"], &["a"]), node("Neg", &["a"], &["b"]), node("Neg", &["x"], &["y"])]),
        &["error[MD1703]: the nodes wait for one another: `a`, `b`"],
    );
    refused(&model(vec![node("Neg", &["nowhere"], &["y"])]), &["nothing computes its input `nowhere`"]);
    refused(&model(vec![node("Neg", &["x"], &["z"])]), &["nothing computes the output `y`"]);
    refused(
        &model(vec![node("Neg", &["x"], &["y"]), node("Abs", &["x"], &["y"])]),
        &["the value `y` is computed twice"],
    );
    // Before opset 7 shapes did not go together by themselves.
    let mut old = model(vec![node("Add", &["x", "x"], &["t"]), node("Not", &["t"], &["y"])]);
    old.opset_import = vec![opset("", 6)];
    refused(&old, &["error[MD0107]: operator `Add` of opset 6 is not supported"]);
    for (version, shown) in [(0, "opset 0"), (29, "opset 29"), (-1, "opset -1")] {
        let mut proto = model(vec![node("Neg", &["x"], &["y"])]);
        proto.opset_import = vec![opset("ai.onnx", version)];
        refused(&proto, &[&format!("error[MD1702]: the model is of {shown}; 1 to 28 are read")]);
    }
}

#[test]
fn tensors_that_are_not_what_they_say_are_refused() {
    let check = |tensor: TensorProto, part: &str| {
        let mut proto = model(vec![node("Add", &["x", "w"], &["y"])]);
        proto.graph.as_mut().expect("a graph").initializer = vec![tensor];
        refused(&proto, &[part]);
    };
    check(tensor("w", &[3], &[1.0]), "1 numbers are no tensor of shape [3]");
    check(tensor("w", &[-1], &[1.0]), "negative size");
    check(tensor("w", &[1 << 62, 8], &[1.0]), "is too large");
    check(
        TensorProto { raw_data: Some(vec![0; 7].into()), ..tensor("w", &[2], &[]) },
        "7 bytes are no tensor float32[2]",
    );
    check(TensorProto { data_type: Some(14), ..tensor("w", &[1], &[]) }, "numbers of type complex64 are not supported");
    check(TensorProto { data_type: Some(99), ..tensor("w", &[1], &[]) }, "99 is no type of numbers");
    let byte = TensorProto { data_type: Some(3), int32_data: vec![300], ..tensor("w", &[1], &[]) };
    check(byte, "a number is out of its type's range");
}

#[test]
fn external_data_are_bytes_of_a_file_by_name() {
    let entry = |key: &str, value: &str| StringStringEntryProto { key: text(key), value: text(value) };
    let far = |entries: Vec<StringStringEntryProto>| {
        let tensor = TensorProto { data_location: Some(1), external_data: entries, ..tensor("w", &[2], &[]) };
        let mut proto = model(vec![node("Add", &["x", "w"], &["y"])]);
        proto.graph.as_mut().expect("a graph").initializer = vec![tensor];
        let mut asked = Vec::new();
        let read = read("m.onnx", proto.encode_to_vec(), &mut |name| {
            asked.push(name.to_owned());
            if name == "w.bin" {
                return Ok(Arc::new([0_u8, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64].to_vec()));
            }
            Err(format!("`{name}` leads out of the model's folder"))
        });
        read.map_err(|errors| errors[0].to_string())
    };
    let model = far(vec![entry("location", "w.bin"), entry("offset", "4"), entry("length", "8")]).expect("a model");
    assert_eq!(run(&model, &[10.0, 20.0]), Ok(vec![11.0, 22.0]));
    for (entries, part) in [
        (vec![], "it names no file"),
        (vec![entry("location", "../w.bin")], "`../w.bin` leads out of the model's folder"),
        (vec![entry("location", "w.bin"), entry("offset", "8")], "bytes 8 and 8 more are not in `w.bin`, which has 12"),
        (vec![entry("location", "w.bin"), entry("offset", "18446744073709551615")], "are not in `w.bin`"),
        (vec![entry("location", "w.bin"), entry("offset", "-1")], "its `offset` is `-1`"),
        (vec![entry("location", "w.bin"), entry("length", "12")], "its data have 12 bytes where its shape needs 8"),
    ] {
        let error = far(entries).expect_err(part);
        assert!(error.starts_with("error[MD1705]") && error.contains(part), "{error}");
    }
}

#[test]
fn branches_read_what_is_around_them() {
    let branch = |operator: &str| GraphProto {
        node: vec![node(operator, &["z"], &["inside"])],
        output: vec![port("inside", &["n", "2"])],
        ..GraphProto::default()
    };
    let body = |name: &str, graph: GraphProto| AttributeProto {
        name: text(name),
        r#type: Some(5),
        g: Some(graph),
        ..AttributeProto::default()
    };
    let choice =
        with(with(node("If", &["c"], &["y"]), body("then_branch", branch("Neg"))), body("else_branch", branch("Abs")));
    let test = vec![node("ReduceMax", &["x"], &["most"]), with(node("Cast", &["most"], &["c"]), int("to", 9))];
    // The branch stands before what it reads.
    let mut proto = model([vec![choice], test, vec![node("Mul", &["x", "x"], &["z"])]].concat());
    proto.opset_import = vec![opset("", 17)];
    let model = load(&proto).expect("a model");
    assert_eq!(run(&model, &[-3.0, 0.0]), Ok(vec![9.0, 0.0]));
    assert_eq!(run(&model, &[3.0, 1.0]), Ok(vec![-9.0, -1.0]));
}

#[test]
fn a_hundred_thousand_nodes_are_read_and_computed() {
    let name = |at: usize| if at == 0 { "x".to_owned() } else { format!("v{at}") };
    let mut nodes: Vec<NodeProto> = (0..100_000).map(|at| node("Neg", &[&name(at)], &[&name(at + 1)])).collect();
    nodes.push(node("Identity", &["v100000"], &["y"]));
    nodes.reverse();
    let model = load(&model(nodes)).expect("a model");
    assert_eq!(model.nodes(), 100_001);
    assert_eq!(run(&model, &[1.0, -2.0]), Ok(vec![1.0, -2.0]));
}

#[test]
fn shapes_that_contradict_are_named_with_their_node() {
    let mut proto = model(vec![node("MatMul", &["x", "w"], &["y"])]);
    proto.graph.as_mut().expect("a graph").initializer = vec![tensor("w", &[3, 1], &[0.0; 3])];
    let error = run(&load(&proto).expect("a model"), &[0.0; 4]).expect_err("3 rows for 2 columns");
    let want = "error[MD1706]: `MatMul(float32[2, 2], float32[3, 1])`: float32[2, 2] and float32[3, 1] have no product\n  --> m.onnx, node `y`";
    assert!(error.starts_with(want), "{error}");
}

#[test]
fn inputs_that_the_model_does_not_take_are_all_told() {
    let model = load(&model(vec![node("Neg", &["x"], &["y"])])).expect("a model");
    let wrong = |name, tensor: Tensor| {
        let errors = model.run(&[(name, tensor)]).expect_err("not what it takes");
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let errors = wrong("z", Tensor::new([1, 2], vec![0.0_f32; 2]).expect("a pair"));
    assert!(errors[0].contains("there is no input `z`") && errors[1].contains("`x` is missing"), "{errors:?}");
    let errors = wrong("x", Tensor::new([1, 3], vec![0.0_f32; 3]).expect("three"));
    assert!(errors[0].contains("has the shape [1, 3], and [n, 2] is taken"), "{errors:?}");
    let errors = wrong("x", Tensor::new([1, 2], vec![0_i64; 2]).expect("a pair"));
    assert!(errors[0].contains("is of float32, not int64"), "{errors:?}");
}

#[test]
fn a_shape_that_would_take_all_memory_is_refused_before() {
    let mut proto = model(vec![
        with(
            node("Constant", &[], &["s"]),
            AttributeProto {
                name: text("value_ints"),
                r#type: Some(AttributeType::Ints.into()),
                ints: vec![1 << 40, 2],
                ..AttributeProto::default()
            },
        ),
        node("Expand", &["x", "s"], &["y"]),
    ]);
    proto.opset_import = vec![opset("", 13)];
    let error = run(&load(&proto).expect("a model"), &[0.0; 2]).expect_err("too large");
    assert!(error.contains("error[MD1706]") && error.contains("is too large"), "{error}");
}

#[test]
fn bytes_that_are_no_model_are_refused() {
    let whole = model(vec![node("Neg", &["x"], &["y"])]).encode_to_vec();
    for length in 0..whole.len() {
        // Cut at the end of a field it may be a model with less in it; nothing else may come of it.
        let _ = read("m.onnx", whole[..length].to_vec(), &mut |_| Err(String::new()));
    }
    for bytes in [&b""[..], b"not a model", &[0xff; 64]] {
        let errors = read("m.onnx", bytes.to_vec(), &mut |_| Err(String::new())).expect_err("no model");
        assert!(errors[0].to_string().starts_with("error[MD1701]: not an ONNX model"), "{errors:?}");
    }
}

/// A model that takes `input_ids`, for those who make something else of it.
pub(crate) fn of_ids(
    version: i64,
    nodes: Vec<NodeProto>,
    tensors: Vec<TensorProto>,
    outputs: &[&str],
) -> Result<Model, Vec<String>> {
    of_inputs(version, nodes, tensors, vec![ids_port("input_ids", &["1", "tokens"])], outputs)
}

/// An input of 64-bit whole numbers.
pub(crate) fn ids_port(name: &str, dims: &[&str]) -> ValueInfoProto {
    let mut ids = port(name, dims);
    if let Some(TypeProto { value: Some(type_proto::Value::TensorType(tensor)), .. }) = &mut ids.r#type {
        tensor.elem_type = Some(7);
    }
    ids
}

/// A constant of 64-bit whole numbers.
pub(crate) fn integers(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        name: text(name),
        dims: dims.to_vec(),
        data_type: Some(7),
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// A model of these nodes, constants and inputs.
pub(crate) fn of_inputs(
    version: i64,
    nodes: Vec<NodeProto>,
    tensors: Vec<TensorProto>,
    inputs: Vec<ValueInfoProto>,
    outputs: &[&str],
) -> Result<Model, Vec<String>> {
    let graph = GraphProto {
        node: nodes,
        input: inputs,
        initializer: tensors,
        output: outputs.iter().map(|name| port(name, &[])).collect(),
        ..GraphProto::default()
    };
    load(&ModelProto { graph: Some(graph), opset_import: vec![opset("", version)], ..ModelProto::default() })
}

//! Models of ONNX's second domain, `ai.onnx.ml`: an ensemble of trees between what casts its input and what names its outputs. Converters of
//! scikit-learn, LightGBM and XGBoost write such graphs; the interpreter does not compute them.

use super::wire::attribute_proto::AttributeType;
use super::wire::{GraphProto, ModelProto, NodeProto, TensorProto, type_proto};
use super::{Data, Elem, Tensor, constant};
use prost::Message;
use prost::bytes::Bytes;
use std::collections::BTreeMap;

/// The domain.
const DOMAIN: &str = "ai.onnx.ml";

/// What such a graph may have beside its trees: what hands numbers on, and what puts labels to scores.
const AROUND: [&str; 6] = ["Identity", "Cast", "ZipMap", "Reshape", "Flatten", "Squeeze"];

/// An ensemble as the file has it.
#[derive(Debug)]
pub struct MlTrees {
    /// The operator.
    pub operator: String,
    /// The node's name.
    pub node: String,
    /// How many numbers a row has, where the file says it.
    pub features: Option<usize>,
    /// Whether they come as f64, and not rounded to f32.
    pub double_inputs: bool,
    /// Whether the trees compute in f64.
    pub doubles: bool,
    /// Its attributes.
    pub attributes: BTreeMap<String, MlValue>,
}

/// An attribute.
#[derive(Debug)]
pub enum MlValue {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f32),
    /// A text.
    Text(String),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Numbers; of a tensor too, as whole numbers may be.
    Floats(Vec<f64>),
    /// Texts.
    Texts(Vec<String>),
    /// Of another kind.
    Other,
}

/// Whether a file is an ONNX model of trees, however broken.
pub fn is_trees(bytes: impl Into<Bytes>) -> bool {
    let is = |node: &NodeProto| node.domain() == DOMAIN && node.op_type().starts_with("TreeEnsemble");
    ModelProto::decode(bytes.into()).ok().and_then(|model| model.graph).is_some_and(|graph| graph.node.iter().any(is))
}

/// What the maker of an ONNX model says of it, by key; nothing of a file that is none.
pub fn metadata(bytes: impl Into<Bytes>) -> BTreeMap<String, String> {
    let entries = ModelProto::decode(bytes.into()).map(|model| model.metadata_props).unwrap_or_default();
    entries.iter().map(|entry| (entry.key().to_owned(), entry.value().to_owned())).collect()
}

/// The ensemble of a model of trees.
///
/// # Errors
///
/// What the file is instead, or which of its nodes is more than trees.
pub fn trees(bytes: impl Into<Bytes>) -> Result<MlTrees, String> {
    let proto = ModelProto::decode(bytes.into()).map_err(|error| format!("not an ONNX model: {error}"))?;
    let graph = proto.graph.ok_or("not an ONNX model: it has no graph")?;
    let mut found: Vec<&NodeProto> = vec![];
    for node in &graph.node {
        if node.domain() == DOMAIN && node.op_type().starts_with("TreeEnsemble") {
            found.push(node);
        } else if !AROUND.contains(&node.op_type()) {
            return Err(format!(
                "operator `{}`, node `{}`: beside trees a model may have {}",
                node.op_type().escape_debug(),
                node.name().escape_debug(),
                AROUND.join(", ")
            ));
        }
    }
    let [node] = found[..] else { return Err(format!("the model has {} ensembles, and one is read", found.len())) };
    let Input { features, double_inputs, doubles } = input(&graph, node)?;
    let attributes = node.attribute.iter().map(|attribute| {
        let value = match attribute.r#type() {
            AttributeType::Int => MlValue::Int(attribute.i()),
            AttributeType::Float => MlValue::Float(attribute.f()),
            AttributeType::String => MlValue::Text(String::from_utf8_lossy(attribute.s()).into_owned()),
            AttributeType::Ints => MlValue::Ints(attribute.ints.clone()),
            AttributeType::Floats => MlValue::Floats(attribute.floats.iter().copied().map(f64::from).collect()),
            AttributeType::Strings => MlValue::Texts(
                attribute.strings.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect(),
            ),
            AttributeType::Tensor => attribute.t.as_ref().map_or(Ok(MlValue::Other), numbers)?,
            _ => MlValue::Other,
        };
        Ok((attribute.name().to_owned(), value))
    });
    Ok(MlTrees {
        operator: node.op_type().to_owned(),
        node: node.name().to_owned(),
        features,
        double_inputs,
        doubles,
        attributes: attributes.collect::<Result<_, String>>()?,
    })
}

/// The rows that reach the trees.
struct Input {
    features: Option<usize>,
    double_inputs: bool,
    doubles: bool,
}

/// What reaches the trees, followed back to the model's one input.
fn input(graph: &GraphProto, node: &NodeProto) -> Result<Input, String> {
    let constants: Vec<&str> = graph.initializer.iter().map(TensorProto::name).collect();
    let mut inputs = graph.input.iter().filter(|input| !constants.contains(&input.name()));
    let (Some(input), None) = (inputs.next(), inputs.next()) else {
        return Err("the model has several inputs, and rows of one are read".to_owned());
    };
    let mut casts = vec![];
    let mut name = node.input.first().map_or("", String::as_str);
    // Each step back leaves a node behind, of which there are so many.
    for _ in 0..=graph.node.len() {
        if name == input.name() {
            break;
        }
        let maker = graph.node.iter().find(|node| node.output.iter().any(|output| output == name));
        if let Some(cast) = maker.filter(|maker| maker.op_type() == "Cast") {
            let to = cast.attribute.iter().find(|attribute| attribute.name() == "to").map_or(0, |to| to.i());
            casts.push(is_double(i32::try_from(to).unwrap_or(0))?);
        }
        name = maker.and_then(|maker| maker.input.first()).map_or("", String::as_str);
    }
    if name != input.name() {
        return Err("what the trees read is not the model's input".to_owned());
    }
    let Some(type_proto::Value::TensorType(ty)) = input.r#type.as_ref().and_then(|ty| ty.value.as_ref()) else {
        return Err("the model's input is no tensor".to_owned());
    };
    let dims = ty.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let features = dims.last().filter(|_| dims.len() == 2).and_then(|dim| match dim.value {
        Some(super::wire::tensor_shape_proto::dimension::Value::DimValue(size)) => usize::try_from(size).ok(),
        _ => None,
    });
    casts.push(is_double(ty.elem_type())?);
    Ok(Input { features, double_inputs: casts.iter().all(|double| *double), doubles: casts[0] })
}

/// Whether the kind of numbers is f64, and not f32.
fn is_double(kind: i32) -> Result<bool, String> {
    match Elem::of(kind.into()) {
        Ok(Elem::F32) => Ok(false),
        Ok(Elem::F64) => Ok(true),
        Ok(other) => Err(format!("the trees are given numbers of {other}, and float32 and float64 are read")),
        Err(_) => Err("the trees are given what are no numbers".to_owned()),
    }
}

/// The numbers of a tensor.
fn numbers(proto: &TensorProto) -> Result<MlValue, String> {
    let tensor: Tensor = constant::tensor(proto, &mut |_| Err("it has no external data".to_owned()))
        .map_err(|failure| failure.message)?;
    Ok(match tensor.data() {
        Data::F32(numbers) => MlValue::Floats(numbers.iter().copied().map(f64::from).collect()),
        Data::F64(numbers) => MlValue::Floats(numbers.clone()),
        Data::U8(numbers) => MlValue::Ints(numbers.iter().copied().map(i64::from).collect()),
        _ => MlValue::Other,
    })
}

//! Single nodes, computed from tensors of the file: what each test puts together beside its own.

use super::{ModelProto, NodeProto, TensorProto, load, opset, port, tensor, text};
use crate::onnx::Tensor;
use crate::onnx::wire::{AttributeProto, GraphProto, attribute_proto::AttributeType};
use std::sync::Arc;

/// A model of that opset that is this node alone, whose inputs are tensors of the file.
pub(super) fn alone(version: i64, node: NodeProto, tensors: Vec<TensorProto>) -> ModelProto {
    let output = node.output.iter().filter(|name| !name.is_empty()).map(|name| port(name, &[]));
    let graph =
        GraphProto { output: output.collect(), node: vec![node], initializer: tensors, ..GraphProto::default() };
    ModelProto { graph: Some(graph), opset_import: vec![opset("", version)], ..ModelProto::default() }
}

/// What it gives, or the first error of reading or computing it.
pub(super) fn computed(version: i64, node: NodeProto, tensors: Vec<TensorProto>) -> Result<Vec<Arc<Tensor>>, String> {
    let model = load(&alone(version, node, tensors)).map_err(|mut errors| errors.remove(0))?;
    model.run(&[]).map_err(|errors| errors[0].to_string())
}

/// It cannot be had, and its error says this.
pub(super) fn fails(version: i64, node: NodeProto, tensors: Vec<TensorProto>, part: &str) {
    let error = computed(version, node, tensors).expect_err(part);
    assert!(error.contains(part), "{error}, without {part}");
}

pub(super) fn ids(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    TensorProto { data_type: Some(7), float_data: vec![], int64_data: values.to_vec(), ..tensor(name, dims, &[]) }
}

/// Codes without sign.
pub(super) fn bytes(name: &str, dims: &[i64], values: &[u8]) -> TensorProto {
    TensorProto { data_type: Some(2), raw_data: Some(values.to_vec().into()), ..tensor(name, dims, &[]) }
}

/// f16.
pub(super) fn halves(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let raw: Vec<u8> = values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect();
    TensorProto { data_type: Some(10), raw_data: Some(raw.into()), ..tensor(name, dims, &[]) }
}

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { r#type: Some(AttributeType::Float.into()), f: Some(value), ..attribute(name) }
}

pub(super) fn list(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { r#type: Some(AttributeType::Ints.into()), ints: values.to_vec(), ..attribute(name) }
}

pub(super) fn word(name: &str, value: &str) -> AttributeProto {
    let value = value.as_bytes().to_vec().into();
    AttributeProto { r#type: Some(AttributeType::String.into()), s: Some(value), ..attribute(name) }
}

pub(super) fn graph(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto { r#type: Some(AttributeType::Graph.into()), g: Some(graph), ..attribute(name) }
}

fn attribute(name: &str) -> AttributeProto {
    AttributeProto { name: text(name), ..AttributeProto::default() }
}

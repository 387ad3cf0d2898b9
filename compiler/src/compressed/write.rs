//! Writing a compressed model.

use super::{CONSTANT, CompressedModel, FORMAT, GRAPH, SIGNATURE, SPACE, TOKENIZER, VERSION};
use crate::graph::Constant;
use crate::ops::Op;
use modeldeploy_format::DType;
use serde::Serialize;
use std::collections::BTreeMap;

/// An entry of the header. Structures keep the order of their fields, where maps of serde_json need not.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Metadata(BTreeMap<&'a str, String>),
    Tensor { dtype: &'a str, shape: &'a [usize], data_offsets: [usize; 2] },
}

/// The bytes of a compressed model: the same model gives the same bytes.
pub fn write(model: &CompressedModel) -> Vec<u8> {
    let mut tensors: BTreeMap<String, (&str, Vec<usize>, &[u8])> = BTreeMap::new();
    for id in model.graph.order() {
        let node = model.graph.node(id);
        if let Op::Constant(constant) = &node.op {
            let value = (code(constant.dtype()), stored(constant), constant.bytes());
            tensors.insert(format!("{CONSTANT}{}", node.name), value);
        }
    }
    tensors.insert(TOKENIZER.to_owned(), ("U8", vec![model.tokenizer.len()], &model.tokenizer));
    let signature = serde_json::to_string(&model.signature).expect("a signature is plain data");
    let metadata = BTreeMap::from([
        (FORMAT, VERSION.to_owned()),
        (GRAPH, model.graph.to_string()),
        (SIGNATURE, signature),
        (SPACE, model.space.to_string()),
    ]);
    let mut header = BTreeMap::from([("__metadata__", Entry::Metadata(metadata))]);
    let mut end = 0;
    for (name, (dtype, shape, bytes)) in &tensors {
        let data_offsets = [end, end + bytes.len()];
        header.insert(name, Entry::Tensor { dtype, shape, data_offsets });
        end = data_offsets[1];
    }
    let mut header = serde_json::to_vec(&header).expect("the header is plain data");
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = Vec::with_capacity(8 + header.len() + end);
    file.extend((header.len() as u64).to_le_bytes());
    file.extend(header);
    tensors.values().for_each(|(_, _, bytes)| file.extend(*bytes));
    file
}

/// The shape of a constant in the file.
fn stored(constant: &Constant) -> Vec<usize> {
    let mut shape = constant.shape().to_vec();
    if let (DType::U4, Some(width)) = (constant.dtype(), shape.last_mut()) {
        *width = width.div_ceil(2);
    }
    shape
}

/// A type's name in safetensors.
fn code(dtype: DType) -> &'static str {
    match dtype {
        DType::Bf16 => "BF16",
        DType::I8 => "I8",
        DType::I32 => "I32",
        DType::U4 => "U8",
        _ => "F32",
    }
}

//! Tensors of strings in, tensors of floats and strings out.

use crate::grpc::wire::tensorflow::tensor_shape_proto::Dim;
use crate::grpc::wire::tensorflow::{DataType, TensorProto, TensorShapeProto};
use crate::inference::Text;
use crate::protocols::tensor;
use prost::bytes::{Buf, Bytes};

/// The texts of a tensor, at most so many.
///
/// # Errors
///
/// What is wrong with it: which field, and what is expected.
pub(super) fn texts(tensor: &TensorProto, most: usize) -> Result<Vec<Text>, String> {
    if tensor.dtype() != DataType::DtString {
        let dtype = DataType::try_from(tensor.dtype)
            .map_or_else(|_| tensor.dtype.to_string(), |it| it.as_str_name().to_owned());
        return Err(format!("`dtype` is {dtype}, and must be DT_STRING: texts in UTF-8"));
    }
    let shape = tensor.tensor_shape.as_ref().ok_or("it has no `tensor_shape`")?;
    if shape.unknown_rank {
        return Err("`tensor_shape` has an unknown rank, and a tensor that is sent has a shape".to_owned());
    }
    let sizes: Vec<i64> = shape.dim.iter().map(|dim| dim.size).collect();
    let sizes = tensor::sizes(&sizes)?;
    let elements = strings(tensor, &sizes, most)?;
    let elements = elements.iter().enumerate().map(|(at, element)| tensor::utf8(at, element));
    tensor::texts(&sizes, elements.collect::<Result<_, _>>()?)
}

fn strings(tensor: &TensorProto, shape: &[u64], most: usize) -> Result<Vec<Bytes>, String> {
    let (content, list) = (&tensor.tensor_content, &tensor.string_val);
    let count = tensor::elements(shape).and_then(|count| usize::try_from(count).ok());
    // Twice as many elements as texts, where they are pairs: before any memory is asked for, and never more than that.
    let count = count
        .filter(|&count| count <= most.saturating_mul(2))
        .ok_or_else(|| format!("`tensor_shape` is {shape:?}, and at most {most} texts are taken"))?;
    match (content.is_empty(), &list[..]) {
        (false, [_, ..]) => Err("it has both `tensor_content` and `string_val`".to_owned()),
        (false, []) => contents(content.clone(), count),
        (true, list) if list.len() == count => Ok(list.to_vec()),
        // A list that ends early goes on with its last element.
        (true, [first @ .., last]) if list.len() < count => {
            Ok(first.iter().chain(std::iter::repeat(last)).take(count).cloned().collect())
        }
        (true, list) => Err(format!("`string_val` has {} elements, and `tensor_shape` is {shape:?}", list.len())),
    }
}

/// The elements as TensorFlow packs them: all lengths as varints, and then all bytes.
fn contents(mut content: Bytes, count: usize) -> Result<Vec<Bytes>, String> {
    let mut lengths = Vec::with_capacity(count);
    for at in 0..count {
        let length = prost::encoding::decode_varint(&mut content);
        lengths.push(length.map_err(|_| format!("`tensor_content` ends in the length of element {at}"))?);
    }
    let element = |(at, length): (usize, u64)| -> Result<Bytes, String> {
        let length = usize::try_from(length).ok().filter(|&length| length <= content.remaining());
        let length = length.ok_or_else(|| format!("`tensor_content` ends in element {at}"))?;
        Ok(content.split_to(length))
    };
    let elements: Result<Vec<Bytes>, String> = lengths.into_iter().enumerate().map(element).collect();
    let elements = elements?;
    if content.has_remaining() {
        return Err(format!("`tensor_content` has {} bytes after its last element", content.remaining()));
    }
    Ok(elements)
}

/// More floats than these are sent as bytes: a vector of any common width stands as a list.
const LARGE: usize = 4096;

/// A tensor of floats.
pub(super) fn floats(values: &[f32], sizes: impl IntoIterator<Item = usize>) -> TensorProto {
    let (float_val, tensor_content) = match values.len() > LARGE {
        true => (vec![], values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        false => (values.to_vec(), Bytes::new()),
    };
    let (dtype, tensor_shape) = (DataType::DtFloat.into(), Some(shape(sizes)));
    TensorProto { dtype, tensor_shape, float_val, tensor_content, ..Default::default() }
}

/// A tensor of strings.
pub(super) fn labels(labels: impl Iterator<Item = &'static str>, count: usize) -> TensorProto {
    TensorProto {
        dtype: DataType::DtString.into(),
        tensor_shape: Some(shape([count])),
        string_val: labels.map(|label| Bytes::from_static(label.as_bytes())).collect(),
        ..Default::default()
    }
}

fn shape(sizes: impl IntoIterator<Item = usize>) -> TensorShapeProto {
    let dim = sizes.into_iter().map(|size| Dim { size: size as i64, name: String::new() }).collect();
    TensorShapeProto { dim, unknown_rank: false }
}

#[cfg(test)]
mod tests;

//! Tensors of strings in, and of a ranker's numbers; tensors of floats and strings out.

use crate::grpc::wire::tensorflow::tensor_shape_proto::Dim;
use crate::grpc::wire::tensorflow::{DataType, TensorProto, TensorShapeProto};
use crate::inference::Text;
use crate::protocols::tensor;
use crate::ranking::Values;
use modeldeploy::format::features::Kind;
use prost::bytes::{Buf, Bytes};
use std::ops::RangeInclusive;

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
    let sizes = sizes(tensor)?;
    // Twice as many elements as texts, where they are pairs.
    let elements = strings(tensor, &sizes, (most.saturating_mul(2), most, "texts"))?;
    let elements = elements.iter().enumerate().map(|(at, element)| tensor::utf8(at, element));
    tensor::texts(&sizes, elements.collect::<Result<_, _>>()?)
}

/// The values of a tensor of a feature, at most so many, if `fits` has nothing against its shape.
///
/// # Errors
///
/// As [`texts`].
pub(super) fn values(
    tensor: &TensorProto,
    kind: &Kind,
    most: usize,
    fits: impl FnOnce(&[u64]) -> Result<(), String>,
) -> Result<Values, String> {
    let wrong = |expected: &str| {
        let known = DataType::try_from(tensor.dtype).map(|it| it.as_str_name().to_owned());
        format!("`dtype` is {}, and must be {expected}", known.unwrap_or_else(|_| tensor.dtype.to_string()))
    };
    let shape = sizes(tensor)?;
    fits(&shape)?;
    // An embedding is one value of several elements.
    let each = kind.embedding().map_or(1, |of| of.width as usize);
    let bound = (most.saturating_mul(each), most, "values");
    if *kind == Kind::Text {
        if tensor.dtype() != DataType::DtString {
            return Err(wrong("DT_STRING: texts in UTF-8"));
        }
        let elements = strings(tensor, &shape, bound)?;
        let texts = elements.iter().enumerate().map(|(at, element)| tensor::utf8(at, element));
        return Ok(Values::Texts(texts.collect::<Result<_, _>>()?));
    }
    let count = count(&shape, bound)?;
    let Some(Numbers { field, list, range, width, read }) = numbers(tensor) else {
        return Err(wrong("DT_DOUBLE, DT_FLOAT or one of whole numbers"));
    };
    let content = &tensor.tensor_content;
    if let Some(number) = list.iter().find(|number| !number.is_nan() && !range.contains(number)) {
        let dtype = tensor.dtype().as_str_name();
        return Err(format!("`{field}` has {number}, and `dtype` is {dtype}"));
    }
    if content.is_empty() {
        // A tensor of embeddings may have far more elements than candidates are taken.
        if each > 1 {
            repeated(field, size_of::<f64>(), count.saturating_sub(list.len()))?;
        }
        return filled(list, count, field, &shape).map(|numbers| Values::of_numbers(kind, numbers));
    }
    if !list.is_empty() {
        return Err(format!("it has both `tensor_content` and `{field}`"));
    }
    if content.len() != count * width {
        let bytes = content.len();
        return Err(format!("`tensor_content` has {bytes} bytes, and `tensor_shape` is {shape:?}, of {width} each"));
    }
    Ok(Values::of_numbers(kind, content.chunks_exact(width).map(read).collect()))
}

/// How many elements a tensor brings at the most, without what its last one stands for.
pub(super) fn sent(tensor: &TensorProto) -> usize {
    let lists = [
        tensor.tensor_content.len(),
        tensor.string_val.len(),
        tensor.double_val.len(),
        tensor.float_val.len(),
        tensor.int_val.len(),
        tensor.int64_val.len(),
        tensor.uint32_val.len(),
        tensor.uint64_val.len(),
    ];
    lists.into_iter().max().unwrap_or(0)
}

/// The numbers of a tensor, as its type has them.
struct Numbers {
    /// The field of its list.
    field: &'static str,
    list: Vec<f64>,
    /// What the type has: its list may be of a wider one.
    range: RangeInclusive<f64>,
    /// The bytes of one in `tensor_content`, and how they are read.
    width: usize,
    read: fn(&[u8]) -> f64,
}

fn numbers(tensor: &TensorProto) -> Option<Numbers> {
    const ALL: RangeInclusive<f64> = f64::NEG_INFINITY..=f64::INFINITY;
    macro_rules! of {
        ($field:ident, $type:ty) => {
            of!($field, $type, ALL)
        };
        ($field:ident, $type:ty, $range:expr) => {
            Numbers {
                range: $range,
                field: stringify!($field),
                list: tensor.$field.iter().map(|&it| it as f64).collect(),
                width: size_of::<$type>(),
                read: |bytes| <$type>::from_le_bytes(bytes.try_into().expect("as many bytes as the type has")) as f64,
            }
        };
    }
    Some(match tensor.dtype() {
        DataType::DtDouble => of!(double_val, f64),
        DataType::DtFloat => of!(float_val, f32),
        DataType::DtInt64 => of!(int64_val, i64),
        DataType::DtInt32 => of!(int_val, i32),
        DataType::DtInt16 => of!(int_val, i16, i16::MIN.into()..=i16::MAX.into()),
        DataType::DtInt8 => of!(int_val, i8, i8::MIN.into()..=i8::MAX.into()),
        DataType::DtUint8 => of!(int_val, u8, 0.0..=u8::MAX.into()),
        DataType::DtUint16 => of!(int_val, u16, 0.0..=u16::MAX.into()),
        DataType::DtUint32 => of!(uint32_val, u32),
        DataType::DtUint64 => of!(uint64_val, u64),
        _ => return None,
    })
}

fn sizes(tensor: &TensorProto) -> Result<Vec<u64>, String> {
    let shape = tensor.tensor_shape.as_ref().ok_or("it has no `tensor_shape`")?;
    if shape.unknown_rank {
        return Err("`tensor_shape` has an unknown rank, and a tensor that is sent has a shape".to_owned());
    }
    let sizes: Vec<i64> = shape.dim.iter().map(|dim| dim.size).collect();
    tensor::sizes(&sizes)
}

/// At most so many elements, which are so many of these.
type Bound<'a> = (usize, usize, &'a str);

/// How many elements a tensor has: before any memory is asked for, and never more than these.
fn count(shape: &[u64], (elements, most, what): Bound<'_>) -> Result<usize, String> {
    let count = tensor::elements(shape).and_then(|count| usize::try_from(count).ok());
    count
        .filter(|&count| count <= elements)
        .ok_or_else(|| format!("`tensor_shape` is {shape:?}, and at most {most} {what} are taken"))
}

/// A list of that many elements: one that ends early goes on with its last.
fn filled<T: Clone>(mut list: Vec<T>, count: usize, field: &str, shape: &[u64]) -> Result<Vec<T>, String> {
    match list.last().cloned() {
        Some(last) if list.len() < count => list.resize(count, last),
        _ if list.len() == count => {}
        _ => return Err(format!("`{field}` has {} elements, and `tensor_shape` is {shape:?}", list.len())),
    }
    Ok(list)
}

/// Bytes of elements that are not sent, but stand for those after the last one.
const MOST_REPEATED: usize = crate::limits::MAX_BODY_BYTES;

/// That the last element, of so many bytes, may stand for so many more.
fn repeated(field: &str, bytes: usize, more: usize) -> Result<(), String> {
    if bytes.saturating_mul(more) <= MOST_REPEATED {
        return Ok(());
    }
    Err(format!(
        "the last of `{field}`, of {bytes} bytes, would stand for {more} elements more, and at most {MOST_REPEATED} bytes are repeated"
    ))
}

fn strings(tensor: &TensorProto, shape: &[u64], bound: Bound<'_>) -> Result<Vec<Bytes>, String> {
    let (content, list) = (&tensor.tensor_content, &tensor.string_val);
    let count = count(shape, bound)?;
    match (content.is_empty(), &list[..]) {
        (false, [_, ..]) => Err("it has both `tensor_content` and `string_val`".to_owned()),
        (false, []) => contents(content.clone(), count),
        (true, list) => {
            repeated("string_val", list.last().map_or(0, Bytes::len), count.saturating_sub(list.len()))?;
            filled(list.to_vec(), count, "string_val", shape)
        }
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

/// A tensor of doubles.
pub(super) fn doubles(values: &[f64], sizes: impl IntoIterator<Item = usize>) -> TensorProto {
    let (double_val, tensor_content) = match values.len() > LARGE {
        true => (vec![], values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        false => (values.to_vec(), Bytes::new()),
    };
    let (dtype, tensor_shape) = (DataType::DtDouble.into(), Some(shape(sizes)));
    TensorProto { dtype, tensor_shape, double_val, tensor_content, ..Default::default() }
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

//! A tensor of the file: its numbers lie in one of three places.

use super::codes;
use super::elem::Elem;
use super::read::External;
use super::tensor::{Data, Tensor, product};
use super::wire::{TensorProto, tensor_proto::DataLocation};
use crate::diagnostic::Diagnostic;
use half::{bf16, f16};
use prost::Message;

/// Reads a file that is one tensor, as ONNX's own tests have their data.
///
/// # Errors
///
/// That the bytes are no tensor, or one of numbers that are not supported.
pub fn read_tensor(place: &str, bytes: &[u8]) -> Result<(String, Tensor), Diagnostic> {
    let wrong = |code, message: String| Diagnostic::new(code, message).at(place).help("export the model again");
    let proto =
        TensorProto::decode(bytes).map_err(|error| wrong(codes::NOT_A_MODEL, format!("not a tensor: {error}")))?;
    let tensor = tensor(&proto, &mut |_| Err("a tensor's own file has no external data".to_owned()))
        .map_err(|failure| wrong(failure.code, failure.message))?;
    Ok((proto.name().to_owned(), tensor))
}

/// Why a tensor cannot be had.
pub(super) struct Failure {
    pub(super) code: crate::diagnostic::Code,
    pub(super) message: String,
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure { code: codes::BAD_TENSOR, message }
    }
}

/// The numbers of a tensor.
pub(super) fn tensor(proto: &TensorProto, external: &mut External<'_>) -> Result<Tensor, Failure> {
    let elem = Elem::of(proto.data_type().into())?;
    let shape: Result<Vec<usize>, _> = proto.dims.iter().map(|&size| usize::try_from(size)).collect();
    let shape = shape.map_err(|_| format!("the shape {:?} has a negative size", proto.dims))?;
    let length = product(&shape).and_then(|count| Some((count, elem.bytes(count)?)));
    let (count, length) = length.ok_or_else(|| format!("the shape {shape:?} is too large"))?;
    if proto.segment.is_some() {
        return Err("a tensor in segments is not supported".to_owned().into());
    }
    if proto.data_location() == DataLocation::External {
        let bytes =
            far(proto, length, external).map_err(|message| Failure { code: codes::BAD_EXTERNAL_DATA, message })?;
        return Ok(Tensor::new(shape, Data::read(elem, &bytes, count))?);
    }
    if let Some(raw) = &proto.raw_data {
        if raw.len() != length {
            return Err(format!("{} bytes are no tensor {elem}{shape:?}", raw.len()).into());
        }
        return Ok(Tensor::new(shape, Data::read(elem, raw, count))?);
    }
    Ok(Tensor::new(shape, fields(proto, elem, count)?)?)
}

/// Those that stand in a field for their kind, several kinds as wider numbers.
fn fields(proto: &TensorProto, elem: Elem, count: usize) -> Result<Data, String> {
    fn narrow<W: Copy, N: TryFrom<W>>(values: &[W]) -> Result<Vec<N>, String> {
        let read = values
            .iter()
            .map(|&value| N::try_from(value).map_err(|_| "a number is out of its type's range".to_owned()));
        read.collect()
    }
    let words = &proto.int32_data;
    Ok(match elem {
        Elem::F32 => proto.float_data.clone().into(),
        Elem::F64 => proto.double_data.clone().into(),
        Elem::I64 => proto.int64_data.clone().into(),
        Elem::U64 => proto.uint64_data.clone().into(),
        Elem::U32 => narrow::<u64, u32>(&proto.uint64_data)?.into(),
        Elem::I32 => words.clone().into(),
        Elem::I16 => narrow::<i32, i16>(words)?.into(),
        Elem::I8 => narrow::<i32, i8>(words)?.into(),
        Elem::U16 => narrow::<i32, u16>(words)?.into(),
        Elem::U8 => narrow::<i32, u8>(words)?.into(),
        Elem::Bool => words.iter().map(|&word| word != 0).collect::<Vec<_>>().into(),
        // Codes stand in the lower byte of each word, several where they are of fewer bits.
        Elem::F8E4M3Fn
        | Elem::F8E4M3FnUz
        | Elem::F8E5M2
        | Elem::F8E5M2FnUz
        | Elem::F8E8M0
        | Elem::F4E2M1
        | Elem::U4
        | Elem::I4
        | Elem::U2
        | Elem::I2 => Data::read(elem, &narrow::<i32, u8>(words)?, count),
        Elem::F16 => narrow::<i32, u16>(words)?.into_iter().map(f16::from_bits).collect::<Vec<_>>().into(),
        Elem::BF16 => narrow::<i32, u16>(words)?.into_iter().map(bf16::from_bits).collect::<Vec<_>>().into(),
    })
}

/// Those that lie in a file beside the model's.
fn far(proto: &TensorProto, length: usize, external: &mut External<'_>) -> Result<Vec<u8>, String> {
    let value = |key: &str| proto.external_data.iter().find(|entry| entry.key() == key).map(|entry| entry.value());
    let number = |key: &str| {
        value(key)
            .map(|text| text.parse::<usize>().map_err(|_| format!("its `{key}` is `{}`", text.escape_debug())))
            .transpose()
    };
    let location = value("location").ok_or("it names no file")?;
    let (offset, stated) = (number("offset")?.unwrap_or(0), number("length")?);
    if stated.is_some_and(|stated| stated != length) {
        return Err(format!("its data have {} bytes where its shape needs {length}", stated.unwrap_or_default()));
    }
    let file = external(location)?;
    let bytes = (*file).as_ref();
    let range = offset.checked_add(length).and_then(|end| bytes.get(offset..end));
    let short = || {
        format!("bytes {offset} and {length} more are not in `{}`, which has {}", location.escape_debug(), bytes.len())
    };
    range.map(<[u8]>::to_vec).ok_or_else(short)
}

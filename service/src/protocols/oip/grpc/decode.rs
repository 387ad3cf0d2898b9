//! From a message to what is asked.

use crate::grpc::wire::inference::infer_parameter::ParameterChoice;
use crate::grpc::wire::inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::grpc::wire::inference::{InferParameter, InferTensorContents, ModelInferRequest};
use crate::protocols::oip::decode::{Infer, Outputs, is_bytes, of_input, only_input, wanted};
use crate::protocols::oip::wire::{Output, Parameter, Parameters};
use crate::protocols::oip::{bytes, numbers};
use crate::protocols::tensor;
use crate::ranking::{Asked, Gathered, Values};
use modeldeploy::format::features::{Fact, Kind};
use prost::Message;
use prost::bytes::Bytes;
use std::collections::BTreeMap;

/// Whether bytes are a message that is an inference; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(message: &[u8]) -> Result<(), String> {
    let request = ModelInferRequest::decode(message).map_err(|error| error.to_string())?;
    decode(request).map(drop)
}

/// Whether bytes are an inference of a ranker of these features; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_ranked(message: &[u8], features: &[Fact]) -> Result<(), String> {
    let request = ModelInferRequest::decode(message).map_err(|error| error.to_string())?;
    decode_ranked(request, features, crate::Limits::default().candidates).map(drop)
}

/// Reads a message of texts.
///
/// # Errors
///
/// What is wrong with it: which field, and what is expected.
pub(super) fn decode(request: ModelInferRequest) -> Result<Infer, String> {
    read(request, |inputs| {
        let mut read = vec![];
        for (input, raw) in inputs {
            let (shape, elements) = elements(&input, raw).map_err(|error| of_input(&input.name, &error))?;
            read.push((input.name, shape, elements));
        }
        only_input(read)
    })
}

/// Reads a message for a ranker of these features, of at most so many candidates: a tensor for each feature.
///
/// # Errors
///
/// As [`decode`].
pub(super) fn decode_ranked(
    request: ModelInferRequest,
    features: &[Fact],
    most: usize,
) -> Result<Infer<Asked>, String> {
    read(request, |inputs| {
        let mut gathered = Gathered::new(features);
        for (input, raw) in inputs {
            let (at, fact) = gathered.feature(&input.name)?;
            gathered.set(at, values(&input, raw, fact).map_err(|error| of_input(&input.name, &error))?);
        }
        gathered.finish(most)
    })
}

/// The tensors of a message, each with its raw bytes where they come so.
type Inputs = Vec<(InferInputTensor, Option<Bytes>)>;

/// Reads what all inferences have; `asked` reads the tensors.
fn read<T>(request: ModelInferRequest, asked: impl FnOnce(Inputs) -> Result<T, String>) -> Result<Infer<T>, String> {
    let ModelInferRequest { id, parameters, inputs, outputs, raw_input_contents: raw, .. } = request;
    let is_binary = !raw.is_empty();
    if is_binary && raw.len() != inputs.len() {
        let (tensors, raw) = (inputs.len(), raw.len());
        return Err(format!(
            "`raw_input_contents` has {raw} elements, and `inputs` {tensors}: each has one, or none has"
        ));
    }
    let mut raw = raw.into_iter();
    let asked = asked(inputs.into_iter().map(|input| (input, raw.next())).collect())?;
    let parameters = given(parameters);
    let (prompt, timeout) = (parameters.text("prompt")?, parameters.timeout()?);
    let output = |InferRequestedOutputTensor { name, parameters }| {
        wanted(Output { name, parameters: given(parameters) }, is_binary)
    };
    let outputs: Vec<_> = outputs.into_iter().map(output).collect::<Result<_, _>>()?;
    let wanted = (!outputs.is_empty()).then_some(outputs);
    let outputs = Outputs { wanted, is_binary };
    Ok(Infer { id: (!id.is_empty()).then_some(id), asked, prompt, timeout, outputs })
}

/// The values of the tensor of a feature.
fn values(input: &InferInputTensor, raw: Option<Bytes>, fact: &Fact) -> Result<Values, String> {
    let shape = tensor::sizes(&input.shape)?;
    tensor::fits(fact, &shape)?;
    numbers::is_of(&fact.kind, &input.datatype)?;
    if fact.kind == Kind::Text {
        return elements(input, raw).map(|(_, texts)| Values::Texts(texts));
    }
    let numbers = match (raw, &input.contents) {
        (Some(_), Some(_)) => return Err("it has both `contents` and `raw_input_contents`".to_owned()),
        (Some(raw), None) => numbers::decode(&input.datatype, &raw, &shape)?,
        (None, Some(contents)) => numbers_of(&input.datatype, contents, &shape)?,
        (None, None) if tensor::elements(&shape) == Some(0) => vec![],
        (None, None) => return Err("it has neither `contents` nor `raw_input_contents`".to_owned()),
    };
    Ok(Values::of_numbers(&fact.kind, numbers))
}

/// The numbers of the field that the protocol has for a type.
fn numbers_of(datatype: &str, contents: &InferTensorContents, shape: &[u64]) -> Result<Vec<f64>, String> {
    let (field, numbers): (_, Vec<f64>) = match datatype {
        "FP64" => ("fp64_contents", contents.fp64_contents.clone()),
        "FP32" => ("fp32_contents", contents.fp32_contents.iter().map(|&it| it.into()).collect()),
        "INT64" => ("int64_contents", contents.int64_contents.iter().map(|&it| it as f64).collect()),
        "UINT64" => ("uint64_contents", contents.uint64_contents.iter().map(|&it| it as f64).collect()),
        "INT32" | "INT16" | "INT8" => ("int_contents", contents.int_contents.iter().map(|&it| it.into()).collect()),
        _ => ("uint_contents", contents.uint_contents.iter().map(|&it| it.into()).collect()),
    };
    only(contents, field, datatype)?;
    let range = match datatype {
        "INT8" => i8::MIN.into()..=i8::MAX.into(),
        "INT16" => i16::MIN.into()..=i16::MAX.into(),
        "UINT8" => 0.0..=u8::MAX.into(),
        "UINT16" => 0.0..=u16::MAX.into(),
        _ => f64::NEG_INFINITY..=f64::INFINITY,
    };
    let beyond = |number: &&f64| !number.is_nan() && !range.contains(number);
    if let Some(number) = numbers.iter().find(beyond) {
        return Err(format!("`{field}` has {number}, and `datatype` is `{datatype}`"));
    }
    if tensor::elements(shape) != Some(numbers.len() as u64) {
        let (count, type_of) = (numbers.len(), datatype);
        return Err(format!("`{field}`, where {type_of} stands, has {count} elements, and `shape` is {shape:?}"));
    }
    Ok(numbers)
}

/// The shape of a tensor, and its elements: raw ones, or else those of `contents`.
fn elements(input: &InferInputTensor, raw: Option<Bytes>) -> Result<(Vec<u64>, Vec<String>), String> {
    is_bytes(&input.datatype)?;
    let shape = tensor::sizes(&input.shape)?;
    let elements = match (raw, &input.contents) {
        (Some(_), Some(_)) => return Err("it has both `contents` and `raw_input_contents`".to_owned()),
        (Some(raw), None) => bytes::decode_shaped(&raw, &shape)?,
        (None, Some(contents)) => texts(contents, &shape)?,
        (None, None) if tensor::elements(&shape) == Some(0) => vec![],
        (None, None) => return Err("it has neither `contents` nor `raw_input_contents`".to_owned()),
    };
    Ok((shape, elements))
}

/// Refuses elements in another field than that of the type.
fn only(contents: &InferTensorContents, of: &str, datatype: &str) -> Result<(), String> {
    let fields = [
        ("bytes_contents", contents.bytes_contents.len()),
        ("bool_contents", contents.bool_contents.len()),
        ("int_contents", contents.int_contents.len()),
        ("int64_contents", contents.int64_contents.len()),
        ("uint_contents", contents.uint_contents.len()),
        ("uint64_contents", contents.uint64_contents.len()),
        ("fp32_contents", contents.fp32_contents.len()),
        ("fp64_contents", contents.fp64_contents.len()),
    ];
    match fields.into_iter().find(|&(field, elements)| elements > 0 && field != of) {
        Some((field, _)) => Err(format!("`contents` has `{field}`, and {datatype} stand in `{of}`")),
        None => Ok(()),
    }
}

fn texts(contents: &InferTensorContents, shape: &[u64]) -> Result<Vec<String>, String> {
    only(contents, "bytes_contents", "BYTES")?;
    let texts = &contents.bytes_contents;
    if tensor::elements(shape) != Some(texts.len() as u64) {
        return Err(format!("`bytes_contents` has {} elements, and `shape` is {shape:?}", texts.len()));
    }
    texts.iter().enumerate().map(|(at, text)| tensor::utf8(at, text)).collect()
}

/// Parameters as REST has them. One without a value is none.
fn given(parameters: BTreeMap<String, InferParameter>) -> Parameters {
    let value = |parameter: InferParameter| {
        Some(match parameter.parameter_choice? {
            ParameterChoice::BoolParam(value) => Parameter::Bool(value),
            ParameterChoice::Int64Param(value) => Parameter::Int(value),
            ParameterChoice::StringParam(value) => Parameter::Text(value),
            ParameterChoice::DoubleParam(value) => Parameter::Float(value),
            ParameterChoice::Uint64Param(value) => {
                i64::try_from(value).map_or(Parameter::Float(value as f64), Parameter::Int)
            }
        })
    };
    Parameters(parameters.into_iter().filter_map(|(name, parameter)| Some((name, value(parameter)?))).collect())
}

#[cfg(test)]
mod tests;

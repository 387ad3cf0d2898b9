//! From a message to what is asked.

use crate::grpc::wire::inference::infer_parameter::ParameterChoice;
use crate::grpc::wire::inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::grpc::wire::inference::{InferParameter, InferTensorContents, ModelInferRequest};
use crate::protocols::oip::bytes;
use crate::protocols::oip::decode::{Infer, is_bytes, of_input, only_input, wanted};
use crate::protocols::oip::wire::{Output, Parameter, Parameters};
use crate::protocols::tensor;
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

/// Reads a message.
///
/// # Errors
///
/// What is wrong with it: which field, and what is expected.
pub(super) fn decode(request: ModelInferRequest) -> Result<Infer, String> {
    let ModelInferRequest { id, parameters, inputs, outputs, raw_input_contents: raw, .. } = request;
    let is_binary = !raw.is_empty();
    if is_binary && raw.len() != inputs.len() {
        let (tensors, raw) = (inputs.len(), raw.len());
        return Err(format!(
            "`raw_input_contents` has {raw} elements, and `inputs` {tensors}: each has one, or none has"
        ));
    }
    let mut raw = raw.into_iter();
    let mut read = vec![];
    for input in inputs {
        let (shape, elements) = elements(&input, raw.next()).map_err(|error| of_input(&input.name, &error))?;
        read.push((input.name, shape, elements));
    }
    let texts = only_input(read)?;
    let parameters = given(parameters);
    let (prompt, timeout) = (parameters.text("prompt")?, parameters.timeout()?);
    let output = |InferRequestedOutputTensor { name, parameters }| {
        wanted(Output { name, parameters: given(parameters) }, is_binary)
    };
    let outputs: Vec<_> = outputs.into_iter().map(output).collect::<Result<_, _>>()?;
    let wanted = (!outputs.is_empty()).then_some(outputs);
    Ok(Infer { id: (!id.is_empty()).then_some(id), texts, prompt, timeout, wanted, is_binary })
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

fn texts(contents: &InferTensorContents, shape: &[u64]) -> Result<Vec<String>, String> {
    let numbers = [
        ("bool_contents", contents.bool_contents.len()),
        ("int_contents", contents.int_contents.len()),
        ("int64_contents", contents.int64_contents.len()),
        ("uint_contents", contents.uint_contents.len()),
        ("uint64_contents", contents.uint64_contents.len()),
        ("fp32_contents", contents.fp32_contents.len()),
        ("fp64_contents", contents.fp64_contents.len()),
    ];
    if let Some((field, _)) = numbers.into_iter().find(|&(_, elements)| elements > 0) {
        return Err(format!("`contents` has `{field}`, and BYTES stand in `bytes_contents`"));
    }
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

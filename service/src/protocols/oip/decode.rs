//! From the bytes of an inference's body to what is asked.

use super::wire::{Input, Output, Request};
use super::{HEADER_LENGTH, bytes};
use crate::inference::Text;
use crate::object::FromObject;
use crate::protocols::tensor::{self, INPUT};
use std::time::Duration;

/// An inference that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Infer {
    pub(super) id: Option<String>,
    pub(super) texts: Vec<Text>,
    pub(super) prompt: Option<String>,
    /// How long the client waits.
    pub(super) timeout: Option<Duration>,
    /// The outputs that are asked for, by name; none for all.
    pub(super) wanted: Option<Vec<Wanted>>,
    /// Whether outputs of which nothing is said come as binary data.
    pub(super) is_binary: bool,
}

/// An output that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) is_binary: bool,
}

/// Whether a body is an inference; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(body: &[u8], header_length: Option<&str>) -> Result<(), String> {
    decode(body, header_length).map(drop)
}

/// Reads a body; `header_length` is the value of the header `Inference-Header-Content-Length`.
///
/// # Errors
///
/// What is wrong with it: which field, and what is expected.
pub(super) fn decode(body: &[u8], header_length: Option<&str>) -> Result<Infer, String> {
    let json = match header_length {
        None => body.len(),
        Some(length) => length.parse().ok().filter(|&length| length <= body.len()).ok_or_else(|| {
            format!("the header `{HEADER_LENGTH}` is {length:?}, and the body has {} bytes", body.len())
        })?,
    };
    // One raw input, and all outputs as raw.
    if header_length.is_some() && json == 0 {
        let text = tensor::utf8(0, body).map_err(|error| format!("input `{INPUT}`: {error}"))?;
        return Ok(Infer {
            id: None,
            texts: vec![Text::One(text)],
            prompt: None,
            timeout: None,
            wanted: None,
            is_binary: true,
        });
    }
    let (json, mut binary) = body.split_at(json);
    let FromObject(request): FromObject<Request> =
        serde_json::from_slice(json).map_err(|error| format!("the body cannot be read: {error}"))?;
    let mut inputs = vec![];
    for input in request.inputs {
        let elements = elements(&input, &mut binary).map_err(|error| of_input(&input.name, &error))?;
        inputs.push((input.name, input.shape, elements));
    }
    if !binary.is_empty() {
        return Err(format!("the body has {} bytes after its last tensor", binary.len()));
    }
    let texts = only_input(inputs)?;
    let is_binary = request.parameters.bool("binary_data_output")?.unwrap_or(false);
    let (prompt, timeout) = (request.parameters.text("prompt")?, request.parameters.timeout()?);
    let wanted = request.outputs.map(|outputs| outputs.into_iter().map(|output| wanted(output, is_binary)).collect());
    Ok(Infer { id: request.id, texts, prompt, timeout, wanted: wanted.transpose()?, is_binary })
}

/// The elements of a tensor, from JSON or from the binary data, which then begin after them.
fn elements(input: &Input, binary: &mut &[u8]) -> Result<Vec<String>, String> {
    is_bytes(&input.datatype)?;
    let shape = || format!("{:?}", input.shape);
    match (&input.data, input.parameters.size("binary_data_size")?) {
        (Some(_), Some(_)) => Err("it has both `data` and `binary_data_size`".to_owned()),
        (None, None) => Err("it has neither `data` nor `binary_data_size`".to_owned()),
        (Some(data), None) => {
            if let Some((at, kind)) = data.no_text {
                return Err(format!("element {at} of `data` is {kind}, and must be a string"));
            }
            if !data.fits(&input.shape) {
                return Err(format!("`data` is of shape {:?}, and `shape` is {}", data.shape, shape()));
            }
            Ok(data.texts.clone())
        }
        (None, Some(size)) => {
            let split = binary.split_at_checked(size);
            let (own, rest) = split
                .ok_or_else(|| format!("`binary_data_size` is {size}, and the body has {} more bytes", binary.len()))?;
            *binary = rest;
            bytes::decode_shaped(own, &input.shape)
        }
    }
}

/// What the only input says: its name, its shape and its elements.
pub(super) fn only_input(inputs: Vec<(String, Vec<u64>, Vec<String>)>) -> Result<Vec<Text>, String> {
    match <[_; 1]>::try_from(inputs) {
        Ok([(name, shape, elements)]) if name == INPUT => {
            tensor::texts(&shape, elements).map_err(|error| of_input(INPUT, &error))
        }
        Ok([(name, ..)]) => Err(format!("there is no input `{name}`; the model takes `{INPUT}`")),
        Err(inputs) => Err(format!("`inputs` has {} tensors, and the model takes one, `{INPUT}`", inputs.len())),
    }
}

/// What is wrong, and with which input.
pub(super) fn of_input(name: &str, error: &str) -> String {
    format!("input `{name}`: {error}")
}

/// Whether a tensor is of texts.
pub(super) fn is_bytes(datatype: &str) -> Result<(), String> {
    let wrong = || format!("`datatype` is `{datatype}`, and must be BYTES: texts in UTF-8");
    (datatype == "BYTES").then_some(()).ok_or_else(wrong)
}

/// An output that is asked for.
pub(super) fn wanted(output: Output, is_binary: bool) -> Result<Wanted, String> {
    let named = |error| format!("output `{}`: {error}", output.name);
    if output.parameters.size("classification").map_err(named)?.is_some() {
        return Err(named("the extension `classification` is not supported".to_owned()));
    }
    let own = output.parameters.bool("binary_data").map_err(named)?;
    Ok(Wanted { is_binary: own.unwrap_or(is_binary), name: output.name })
}

#[cfg(test)]
mod tests;

//! From the bytes of an inference's body to what is asked.

use super::nested::Nested;
use super::wire::{Input, Output, Request};
use super::{HEADER_LENGTH, bytes, numbers};
use crate::inference::Text;
use crate::json;
use crate::object::FromObject;
use crate::protocols::tensor::{self, INPUT};
use crate::ranking::{Asked, Gathered, Values};
use modeldeploy::format::features::{Fact, Kind};
use std::time::Duration;

/// An inference that is asked for: texts, or a user and candidates.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Infer<T = Vec<Text>> {
    pub(super) id: Option<String>,
    pub(super) asked: T,
    pub(super) prompt: Option<String>,
    /// How long the client waits.
    pub(super) timeout: Option<Duration>,
    pub(super) outputs: Outputs,
}

impl Infer<Asked> {
    /// As it is, if it has no prompt, which is a thing of texts.
    ///
    /// # Errors
    ///
    /// That it has one.
    pub(super) fn without_prompt(self) -> Result<Infer<Asked>, String> {
        match &self.prompt {
            Some(prompt) => {
                Err(format!("parameter `prompt` is {prompt:?}, and the model is a ranker, which has no prompts"))
            }
            None => Ok(self),
        }
    }
}

/// Which outputs are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outputs {
    /// By name; none for all.
    pub(super) wanted: Option<Vec<Wanted>>,
    /// Whether those of which nothing is said come as binary data.
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

/// Whether a body is an inference of a ranker of these features; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_ranked(body: &[u8], header_length: Option<&str>, features: &[Fact]) -> Result<(), String> {
    decode_ranked(body, header_length, features, crate::Limits::default().candidates).map(drop)
}

/// Reads a body of texts; `header_length` is the value of the header `Inference-Header-Content-Length`.
///
/// # Errors
///
/// What is wrong with it: which field, and what is expected.
pub(super) fn decode(body: &[u8], header_length: Option<&str>) -> Result<Infer, String> {
    let (json, binary) = split(body, header_length)?;
    // One raw input, and all outputs as raw.
    if header_length.is_some() && json.is_empty() {
        let text = tensor::utf8(0, body).map_err(|error| format!("input `{INPUT}`: {error}"))?;
        let outputs = Outputs { wanted: None, is_binary: true };
        return Ok(Infer { id: None, asked: vec![Text::One(text)], prompt: None, timeout: None, outputs });
    }
    read(json, binary, |inputs, binary| {
        let mut read = vec![];
        for input in inputs {
            let elements = elements(&input, binary).map_err(|error| of_input(&input.name, &error))?;
            read.push((input.name, input.shape, elements));
        }
        Ok(read)
    })
    .and_then(|Infer { id, asked, prompt, timeout, outputs }| {
        Ok(Infer { id, asked: only_input(asked)?, prompt, timeout, outputs })
    })
}

/// Reads a body for a ranker of these features, of at most so many candidates: a tensor for each feature.
///
/// # Errors
///
/// As [`decode`].
pub(super) fn decode_ranked(
    body: &[u8],
    header_length: Option<&str>,
    features: &[Fact],
    most: usize,
) -> Result<Infer<Asked>, String> {
    let (json, binary) = split(body, header_length)?;
    if header_length.is_some() && json.is_empty() {
        return Err("a raw body is one text, and the model takes a tensor for each feature".to_owned());
    }
    read(json, binary, |inputs, binary| {
        let mut gathered = Gathered::new(features);
        for input in inputs {
            let (at, fact) = gathered.feature(&input.name)?;
            let values = values(&input, fact, binary).map_err(|error| of_input(&input.name, &error))?;
            gathered.set(at, values);
        }
        gathered.finish(most)
    })
}

/// The JSON of a body, and what follows it.
fn split<'b>(body: &'b [u8], header_length: Option<&str>) -> Result<(&'b [u8], &'b [u8]), String> {
    let json = match header_length {
        None => body.len(),
        Some(length) => length.parse().ok().filter(|&length| length <= body.len()).ok_or_else(|| {
            format!("the header `{HEADER_LENGTH}` is {length:?}, and the body has {} bytes", body.len())
        })?,
    };
    Ok(body.split_at(json))
}

/// Reads what all inferences have; `asked` reads the tensors and takes their bytes from the binary data.
fn read<T>(
    json: &[u8],
    mut binary: &[u8],
    asked: impl FnOnce(Vec<Input>, &mut &[u8]) -> Result<T, String>,
) -> Result<Infer<T>, String> {
    let request: Request = json::read(json).map_err(|wrong| format!("the body cannot be read: {wrong}"))?;
    let asked = asked(request.inputs.into_iter().map(|FromObject(input)| input).collect(), &mut binary)?;
    if !binary.is_empty() {
        return Err(format!("the body has {} bytes after its last tensor", binary.len()));
    }
    let is_binary = request.parameters.bool("binary_data_output")?.unwrap_or(false);
    let (prompt, timeout) = (request.parameters.text("prompt")?, request.parameters.timeout()?);
    let wanted = |FromObject(output): FromObject<Output>| wanted(output, is_binary);
    let outputs = request.outputs.map(|outputs| outputs.into_iter().map(wanted).collect());
    let outputs = Outputs { wanted: outputs.transpose()?, is_binary };
    Ok(Infer { id: request.id, asked, prompt, timeout, outputs })
}

/// Where the elements of a tensor stand: in JSON, or in the binary data, which then begin after them.
enum Elements<'i, 'b> {
    Json(&'i Nested),
    Binary(&'b [u8]),
}

fn where_they_are<'i, 'b>(input: &'i Input, binary: &mut &'b [u8]) -> Result<Elements<'i, 'b>, String> {
    match (&input.data, input.parameters.size("binary_data_size")?) {
        (Some(_), Some(_)) => Err("it has both `data` and `binary_data_size`".to_owned()),
        (None, None) => Err("it has neither `data` nor `binary_data_size`".to_owned()),
        (Some(data), None) => Ok(Elements::Json(data)),
        (None, Some(size)) => {
            let split = binary.split_at_checked(size);
            let (own, rest) = split
                .ok_or_else(|| format!("`binary_data_size` is {size}, and the body has {} more bytes", binary.len()))?;
            *binary = rest;
            Ok(Elements::Binary(own))
        }
    }
}

fn fits(data: &Nested, shape: &[u64]) -> Result<(), String> {
    let wrong = || format!("`data` is of shape {:?}, and `shape` is {shape:?}", data.shape);
    data.fits(shape).then_some(()).ok_or_else(wrong)
}

/// The elements of a tensor of texts.
fn elements(input: &Input, binary: &mut &[u8]) -> Result<Vec<String>, String> {
    is_bytes(&input.datatype)?;
    match where_they_are(input, binary)? {
        Elements::Binary(own) => bytes::decode_shaped(own, &input.shape),
        Elements::Json(data) => {
            let texts = data.texts();
            let texts =
                texts.map_err(|(at, kind)| format!("element {at} of `data` is {kind}, and must be a string"))?;
            fits(data, &input.shape)?;
            Ok(texts)
        }
    }
}

/// The elements of the tensor of a feature.
fn values(input: &Input, fact: &Fact, binary: &mut &[u8]) -> Result<Values, String> {
    let Input { datatype, shape, .. } = input;
    tensor::fits(fact, shape)?;
    numbers::is_of(&fact.kind, datatype)?;
    match (where_they_are(input, binary)?, &fact.kind) {
        (Elements::Binary(own), Kind::Text) => bytes::decode_shaped(own, shape).map(Values::Texts),
        (Elements::Binary(own), kind) => {
            numbers::decode(datatype, own, shape).map(|numbers| Values::of_numbers(kind, numbers))
        }
        (Elements::Json(data), kind) => {
            fits(data, shape)?;
            let wrong = |(at, error): (usize, String)| format!("element {at} of `data` is {error}");
            Values::of_elements(kind, data.elements()).map_err(wrong)
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

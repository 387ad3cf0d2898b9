//! From the bytes of an inference's body to what is asked.

use super::tensors::INPUT;
use super::wire::{Input, Output, Request};
use super::{HEADER_LENGTH, bytes};
use crate::inference::Text;
use crate::object::FromObject;

/// An inference that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Infer {
    pub(super) id: Option<String>,
    pub(super) texts: Vec<Text>,
    pub(super) prompt: Option<String>,
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
        let text = bytes::utf8(0, body).map_err(|error| format!("input `{INPUT}`: {error}"))?;
        return Ok(Infer { id: None, texts: vec![Text::One(text)], prompt: None, wanted: None, is_binary: true });
    }
    let (json, mut binary) = body.split_at(json);
    let FromObject(request): FromObject<Request> =
        serde_json::from_slice(json).map_err(|error| format!("the body cannot be read: {error}"))?;
    let mut inputs = vec![];
    for input in &request.inputs {
        let named = |error| format!("input `{}`: {error}", input.name);
        inputs.push((input, elements(input, &mut binary).map_err(named)?));
    }
    if !binary.is_empty() {
        return Err(format!("the body has {} bytes after its last tensor", binary.len()));
    }
    let texts = match <[_; 1]>::try_from(inputs) {
        Ok([(input, elements)]) if input.name == INPUT => texts(&input.shape, elements)?,
        Ok([(input, _)]) => return Err(format!("there is no input `{}`; the model takes `{INPUT}`", input.name)),
        Err(inputs) => {
            return Err(format!("`inputs` has {} tensors, and the model takes one, `{INPUT}`", inputs.len()));
        }
    };
    let is_binary = request.parameters.bool("binary_data_output")?.unwrap_or(false);
    let prompt = request.parameters.text("prompt")?;
    let wanted = request.outputs.map(|outputs| outputs.into_iter().map(|output| wanted(output, is_binary)).collect());
    Ok(Infer { id: request.id, texts, prompt, wanted: wanted.transpose()?, is_binary })
}

/// The elements of a tensor, from JSON or from the binary data, which then begin after them.
fn elements(input: &Input, binary: &mut &[u8]) -> Result<Vec<String>, String> {
    if input.datatype != "BYTES" {
        return Err(format!("`datatype` is `{}`, and must be BYTES: texts in UTF-8", input.datatype));
    }
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
            let texts = bytes::decode(own)?;
            let elements = input.shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
            if elements != Some(texts.len() as u64) {
                return Err(format!("its bytes are {} elements, and `shape` is {}", texts.len(), shape()));
            }
            Ok(texts)
        }
    }
}

/// Texts, or pairs of them, by the shape.
fn texts(shape: &[u64], elements: Vec<String>) -> Result<Vec<Text>, String> {
    let mut elements = elements.into_iter();
    match shape {
        [_] | [_, 1] => Ok(elements.map(Text::One).collect()),
        [_, 2] => {
            let mut pairs = vec![];
            while let (Some(text), Some(pair)) = (elements.next(), elements.next()) {
                pairs.push(Text::Pair(text, pair));
            }
            Ok(pairs)
        }
        _ => Err(format!("input `{INPUT}`: `shape` is {shape:?}, and must be [n] for texts or [n, 2] for pairs")),
    }
}

fn wanted(output: Output, is_binary: bool) -> Result<Wanted, String> {
    let named = |error| format!("output `{}`: {error}", output.name);
    if output.parameters.size("classification").map_err(named)?.is_some() {
        return Err(named("the extension `classification` is not supported".to_owned()));
    }
    let own = output.parameters.bool("binary_data").map_err(named)?;
    Ok(Wanted { is_binary: own.unwrap_or(is_binary), name: output.name })
}

#[cfg(test)]
mod tests;

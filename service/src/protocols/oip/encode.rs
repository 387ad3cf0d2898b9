//! From a model's answer to the bytes of a body.

use super::decode::{Infer, Wanted};
use super::tensors::{Output, inner, outputs};
use super::wire::{BinarySize, Data, Given, Response};
use super::{HEADER_LENGTH, bytes};
use crate::inference::Answer;
use crate::models::Served;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

/// The outputs that a request asks for, each with whether it comes as binary data.
///
/// # Errors
///
/// If the model does not have one of them.
pub(super) fn chosen(served: &Served, infer: &Infer) -> Result<Vec<(Output, bool)>, String> {
    let known = outputs(served.facts.task);
    let Some(wanted) = &infer.wanted else {
        return Ok(known.iter().map(|&output| (output, infer.is_binary)).collect());
    };
    let choose = |Wanted { name, is_binary }: &Wanted| {
        let output = known.iter().find(|output| output.name() == name);
        output.map(|&output| (output, *is_binary)).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|output| format!("`{}`", output.name())).collect();
            format!("there is no output `{name}`; the model gives {}", names.join(" and "))
        })
    };
    wanted.iter().map(choose).collect()
}

/// The body of an answer, and the length of its JSON where binary data follow.
pub(super) struct Body {
    bytes: Vec<u8>,
    json: Option<usize>,
}

/// Writes an answer.
pub(super) fn encode(served: &Served, id: Option<&str>, answer: &Answer, chosen: &[(Output, bool)]) -> Body {
    let mut binary = vec![];
    let labels = || answer.values.chunks_exact(answer.width).map(|row| served.label(row));
    let given = |&(output, is_binary): &(Output, bool)| {
        let shape = [answer.tokens.len()].into_iter().chain(inner(served, output)).collect();
        let before = binary.len();
        let data = match (output, is_binary) {
            (Output::Rows(_), false) => Some(Data::Floats(&answer.values)),
            (Output::Label, false) => Some(Data::Texts(labels().collect())),
            (Output::Rows(_), true) => {
                binary.extend(answer.values.iter().flat_map(|value| value.to_le_bytes()));
                None
            }
            (Output::Label, true) => {
                binary.extend(bytes::encode(labels()));
                None
            }
        };
        let parameters = is_binary.then(|| BinarySize { binary_data_size: binary.len() - before });
        Given { name: output.name(), datatype: output.datatype(), shape, parameters, data }
    };
    let outputs = chosen.iter().map(given).collect();
    let response = Response { model_name: served.card.name, model_version: served.card.version, id, outputs };
    let mut bytes = serde_json::to_vec(&response).expect("names, numbers and texts are JSON");
    let json = chosen.iter().any(|(_, is_binary)| *is_binary).then_some(bytes.len());
    bytes.append(&mut binary);
    Body { bytes, json }
}

impl IntoResponse for Body {
    fn into_response(self) -> axum::response::Response {
        let kind = if self.json.is_some() { "application/octet-stream" } else { "application/json" };
        let mut response = ([(header::CONTENT_TYPE, kind)], self.bytes).into_response();
        if let Some(length) = self.json {
            response.headers_mut().insert(HEADER_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

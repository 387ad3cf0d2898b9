//! From a model's answer to the bytes of a body.

use super::decode::{Outputs, Wanted};
use super::tensors::{Output, inner, outputs};
use super::wire::{BinarySize, Data, Given, Response};
use super::{HEADER_LENGTH, bytes};
use crate::inference::{Answer, Scores};
use crate::models::Served;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;

/// The outputs that a request asks for, each with whether it comes as binary data.
///
/// # Errors
///
/// If the model does not have one of them, or one is asked for twice.
pub(super) fn chosen(served: &Served, asked: &Outputs) -> Result<Vec<(Output, bool)>, String> {
    let known = outputs(served.facts.task);
    let Some(wanted) = &asked.wanted else {
        return Ok(known.iter().map(|&output| (output, asked.is_binary)).collect());
    };
    let choose = |(at, Wanted { name, is_binary }): (usize, &Wanted)| {
        // Each would be written again. That is found before there are more than outputs of a model.
        if wanted[..at].iter().any(|before| before.name == *name) {
            return Err(format!("the output `{name}` is asked for twice"));
        }
        let output = known.iter().find(|output| output.name() == name);
        output.map(|&output| (output, *is_binary)).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|output| format!("`{}`", output.name())).collect();
            format!("there is no output `{name}`; the model gives {}", names.join(" and "))
        })
    };
    wanted.iter().enumerate().map(choose).collect()
}

/// The body of an answer, and the length of its JSON where binary data follow.
pub(super) struct Body {
    bytes: Vec<u8>,
    json: Option<usize>,
}

/// Writes an answer.
pub(super) fn encode(served: &Served, id: Option<&str>, answer: &Answer, chosen: &[(Output, bool)]) -> Body {
    let labels = || answer.values.chunks_exact(answer.width).map(|row| served.label(row));
    whole(served, id, answer.tokens.len(), chosen, |output, binary| match (output, binary) {
        (Output::Label, None) => Some(Data::Texts(labels().collect())),
        (Output::Label, Some(binary)) => {
            binary.extend(bytes::encode(labels()));
            None
        }
        (_, None) => Some(Data::Floats(&answer.values)),
        (_, Some(binary)) => {
            binary.extend(answer.values.iter().flat_map(|value| value.to_le_bytes()));
            None
        }
    })
}

/// Writes a ranker's answer.
pub(super) fn encode_scores(served: &Served, id: Option<&str>, scores: &Scores, chosen: &[(Output, bool)]) -> Body {
    whole(served, id, scores.candidates(), chosen, |_, binary| match binary {
        None => Some(Data::Doubles(&scores.values)),
        Some(binary) => {
            binary.extend(scores.values.iter().flat_map(|value| value.to_le_bytes()));
            None
        }
    })
}

/// Writes outputs of so many rows; `data` gives one's elements, or appends them to the binary data.
fn whole<'a>(
    served: &Served,
    id: Option<&str>,
    rows: usize,
    chosen: &[(Output, bool)],
    data: impl Fn(Output, Option<&mut Vec<u8>>) -> Option<Data<'a>>,
) -> Body {
    let mut binary = vec![];
    let given = |&(output, is_binary): &(Output, bool)| {
        let shape = [rows].into_iter().chain(inner(served, output)).collect();
        let before = binary.len();
        let data = data(output, is_binary.then_some(&mut binary));
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

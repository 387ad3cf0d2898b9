//! From a model's answer to a message.

use crate::grpc::wire::inference::model_infer_response::InferOutputTensor;
use crate::grpc::wire::inference::{InferTensorContents, ModelInferResponse};
use crate::inference::{Answer, Scores};
use crate::models::Served;
use crate::protocols::oip::bytes;
use crate::protocols::oip::tensors::{Output, inner};
use prost::bytes::Bytes;

/// Writes an answer, all outputs raw or none.
pub(super) fn encode(
    served: &Served,
    id: Option<String>,
    answer: &Answer,
    chosen: &[(Output, bool)],
    is_raw: bool,
) -> ModelInferResponse {
    let labels = || answer.values.chunks_exact(answer.width).map(|row| served.label(row));
    whole(served, id, answer.tokens.len(), chosen, |output| match (output, is_raw) {
        (Output::Label, true) => Elements::Raw(bytes::encode(labels())),
        (Output::Label, false) => {
            let bytes_contents = labels().map(|label| Bytes::from_static(label.as_bytes())).collect();
            Elements::Contents(InferTensorContents { bytes_contents, ..Default::default() })
        }
        (_, true) => Elements::Raw(answer.values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        (_, false) => {
            Elements::Contents(InferTensorContents { fp32_contents: answer.values.clone(), ..Default::default() })
        }
    })
}

/// Writes a ranker's answer.
pub(super) fn encode_scores(
    served: &Served,
    id: Option<String>,
    scores: &Scores,
    chosen: &[(Output, bool)],
    is_raw: bool,
) -> ModelInferResponse {
    whole(served, id, scores.candidates(), chosen, |_| match is_raw {
        true => Elements::Raw(scores.values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        false => Elements::Contents(InferTensorContents { fp64_contents: scores.values.clone(), ..Default::default() }),
    })
}

/// The elements of an output.
enum Elements {
    Raw(Vec<u8>),
    Contents(InferTensorContents),
}

/// Writes outputs of so many rows.
fn whole(
    served: &Served,
    id: Option<String>,
    rows: usize,
    chosen: &[(Output, bool)],
    elements: impl Fn(Output) -> Elements,
) -> ModelInferResponse {
    let mut raw_output_contents = vec![];
    let mut given = |&(output, _): &(Output, bool)| {
        let contents = match elements(output) {
            Elements::Raw(bytes) => {
                raw_output_contents.push(Bytes::from(bytes));
                None
            }
            Elements::Contents(contents) => Some(contents),
        };
        let sizes = [rows].into_iter().chain(inner(served, output));
        InferOutputTensor {
            name: output.name().to_owned(),
            datatype: output.datatype().to_owned(),
            shape: sizes.map(|size| size as i64).collect(),
            contents,
            ..Default::default()
        }
    };
    let outputs = chosen.iter().map(&mut given).collect();
    ModelInferResponse {
        model_name: served.card.name.to_owned(),
        model_version: served.card.version.to_owned(),
        id: id.unwrap_or_default(),
        outputs,
        raw_output_contents,
        ..Default::default()
    }
}

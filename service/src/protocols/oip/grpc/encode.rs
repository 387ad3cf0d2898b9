//! From a model's answer to a message.

use crate::grpc::wire::inference::model_infer_response::InferOutputTensor;
use crate::grpc::wire::inference::{InferTensorContents, ModelInferResponse};
use crate::inference::Answer;
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
    let mut raw_output_contents = vec![];
    let mut given = |&(output, _): &(Output, bool)| {
        let contents = match (output, is_raw) {
            (Output::Rows(_), true) => {
                let bytes: Vec<u8> = answer.values.iter().flat_map(|value| value.to_le_bytes()).collect();
                raw_output_contents.push(Bytes::from(bytes));
                None
            }
            (Output::Label, true) => {
                raw_output_contents.push(Bytes::from(bytes::encode(labels())));
                None
            }
            (Output::Rows(_), false) => {
                Some(InferTensorContents { fp32_contents: answer.values.clone(), ..Default::default() })
            }
            (Output::Label, false) => {
                let bytes_contents = labels().map(|label| Bytes::from_static(label.as_bytes())).collect();
                Some(InferTensorContents { bytes_contents, ..Default::default() })
            }
        };
        let sizes = [answer.tokens.len()].into_iter().chain(inner(served, output));
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

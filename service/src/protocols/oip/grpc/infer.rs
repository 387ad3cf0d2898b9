//! Inferences: one by one, and in streams.

use super::{decode, encode};
use crate::grpc::wire::inference::{ModelInferRequest, ModelInferResponse, ModelStreamInferResponse};
use crate::grpc::{Answers, Call, Messages, OfModel, Weighed};
use crate::inference::{Ask, Overlong};
use crate::models::{Named, Wanted};
use crate::observe::part;
use crate::protocols::Shared;
use crate::protocols::oip::decode::Infer;
use crate::protocols::oip::encode::chosen;
use crate::protocols::oip::error::Error;
use axum::http::HeaderMap;
use futures_util::stream::{self, StreamExt};
use modeldeploy::session::Stage;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::Status;

/// So many requests of a stream are under way at once: enough that each worker's next batch is there when its last one ends.
const AT_ONCE: usize = 64;

/// The path of [`stream`].
pub(super) const STREAM: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

/// `ModelInfer`.
pub(super) async fn infer(call: Call<ModelInferRequest>) -> Result<OfModel<ModelInferResponse>, Error> {
    answer(&call.served, call.message, call.timeout, &call.headers).await
}

/// `ModelStreamInfer`: a request that is wrong is answered in its turn by what is wrong with it, and the stream goes on, as Triton's.
///
/// The client's time is that of the whole stream; a request has no more than what is left of it.
pub(super) fn stream(call: Call<Messages<ModelInferRequest>>) -> Answers<ModelStreamInferResponse> {
    let Call { served, message: requests, timeout, headers } = call;
    let headers = Arc::new(headers);
    let limits = served.inference.limits();
    let end = timeout.and_then(|time| Instant::now().checked_add(time));
    let stopped = served.readiness.stopped();
    let ends = served.clone();
    let answers = requests.take_until(stopped).map(move |request| {
        let (served, headers) = (served.clone(), headers.clone());
        async move {
            // The share is held until there is an answer.
            let Weighed { message: request, share: _held } =
                request.map_err(|status| of_stream(status, limits.body_bytes))?;
            let (id, name, version) = (request.id.clone(), request.model_name.clone(), request.model_version.clone());
            let left = end.map(|end| end.saturating_duration_since(Instant::now()).min(limits.deadline));
            let answered = part(&served.metrics, STREAM, answer(&served, request, left, &headers), Error::code).await;
            Ok::<_, Status>(match answered {
                Ok(OfModel { message, .. }) => {
                    ModelStreamInferResponse { infer_response: Some(message), ..Default::default() }
                }
                Err(error) => {
                    let response =
                        ModelInferResponse { id, model_name: name, model_version: version, ..Default::default() };
                    let error_message = Status::from(error).message().to_owned();
                    ModelStreamInferResponse { error_message, infer_response: Some(response) }
                }
            })
        }
    });
    // What was asked before the service was told to stop is answered.
    let last =
        stream::once(async move { (!ends.is_ready()).then(|| Err(Status::unavailable("the service is stopping"))) });
    Box::pin(answers.buffered(AT_ONCE).chain(last.filter_map(std::future::ready)))
}

/// What is wrong with a stream, after which there is no more of it.
fn of_stream(status: Status, most: usize) -> Status {
    match status.code() {
        tonic::Code::OutOfRange => Status::resource_exhausted(format!("a message is longer than {most} bytes")),
        _ => status,
    }
}

async fn answer(
    served: &Shared,
    request: ModelInferRequest,
    time: Option<Duration>,
    headers: &HeaderMap,
) -> Result<OfModel<ModelInferResponse>, Error> {
    let version = (!request.model_version.is_empty()).then_some(request.model_version.as_str());
    let wanted = Wanted::new(version.map(Named::Either), headers);
    let place = served.inference.models().choose(&request.model_name, &wanted)?;
    let model = *served.inference.served(place);
    if let Some(engine) = model.ranker() {
        let (features, most) = (&engine.signature().features, served.inference.limits().candidates);
        let infer = decode::decode_ranked(request, features, most);
        let infer = infer.and_then(Infer::without_prompt).map_err(Error::invalid)?;
        // There is one output: who asks for another is told so.
        let chosen = chosen(&model, &infer.outputs).map_err(Error::invalid)?;
        let timeout = infer.timeout.into_iter().chain(time).min();
        let scores = served.inference.rank(place, infer.asked, timeout).await?;
        let message = encode::encode_scores(&model, infer.id, &scores, &chosen, infer.outputs.is_binary);
        return Ok(OfModel { model, message });
    }
    let infer = decode::decode(request).map_err(Error::invalid)?;
    let chosen = chosen(&model, &infer.outputs).map_err(Error::invalid)?;
    let timeout = infer.timeout.into_iter().chain(time).min();
    let ask = Ask {
        model: place,
        prompt: infer.prompt,
        texts: infer.asked,
        overlong: Overlong::Cut,
        stage: Stage::Output,
        timeout,
    };
    let answer = served.inference.answer(ask).await?;
    let message = encode::encode(&model, infer.id, &answer, &chosen, infer.outputs.is_binary);
    Ok(OfModel { model, message })
}

//! `Predict`: the tensor `text` in, or one for each of a ranker's features; the model's outputs out.

use super::{spec, tensor};
use crate::grpc::wire::tensorflow::TensorProto;
use crate::grpc::wire::tensorflow::serving::{PredictRequest, PredictResponse};
use crate::grpc::{Call, OfModel};
use crate::inference::{Answer, Ask, Overlong, Text};
use crate::models::Served;
use crate::protocols::tensor::INPUT;
use crate::protocols::tensor::fits;
use crate::protocols::tfserving::error::Error;
use crate::ranking::{Asked, Gathered, OUTPUT};
use modeldeploy::format::Task;
use modeldeploy::format::features::{Fact, Side};
use modeldeploy::session::Stage;
use prost::Message;
use std::collections::BTreeMap;

pub(super) async fn predict(call: Call<PredictRequest>) -> Result<OfModel<PredictResponse>, Error> {
    let Call { served, message: PredictRequest { model_spec, inputs, output_filter }, headers, timeout } = call;
    let place = spec::choose(&served, model_spec.as_ref(), &headers)?;
    let model = *served.inference.served(place);
    let known = outputs(model.facts.task);
    if let Some(name) = output_filter.iter().find(|name| !known.contains(&name.as_str())) {
        let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(" and ");
        return Err(Error::invalid(format!("`output_filter`: there is no output `{name}`; the model gives {names}")));
    }
    if let Some(engine) = model.ranker() {
        let (features, most) = (&engine.signature().features, served.inference.limits().candidates);
        let asked = asked(&inputs, features, most).map_err(Error::invalid)?;
        let scores = served.inference.rank(place, asked, timeout).await?;
        let outputs = [(OUTPUT.to_owned(), tensor::doubles(&scores.values, scores.shape()))].into();
        return Ok(OfModel { model, message: PredictResponse { model_spec: spec::given(&model), outputs } });
    }
    let texts = texts(&inputs, served.inference.limits().texts).map_err(Error::invalid)?;
    let ask = Ask { model: place, prompt: None, texts, overlong: Overlong::Cut, stage: Stage::Output, timeout };
    let answer = served.inference.answer(ask).await?;
    let wanted = known.iter().filter(|name| output_filter.is_empty() || output_filter.iter().any(|it| it == *name));
    let outputs = wanted.map(|&name| (name.to_owned(), output(name, &model, &answer))).collect();
    Ok(OfModel { model, message: PredictResponse { model_spec: spec::given(&model), outputs } })
}

/// Whether bytes are a message that is a prediction; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(message: &[u8]) -> Result<(), String> {
    let request = PredictRequest::decode(message).map_err(|error| error.to_string())?;
    texts(&request.inputs, crate::Limits::default().texts).map(drop)
}

/// The texts of the one input, at most so many.
fn texts(inputs: &BTreeMap<String, TensorProto>, most: usize) -> Result<Vec<Text>, String> {
    let only = inputs.get(INPUT).filter(|_| inputs.len() == 1).ok_or_else(|| {
        let names: Vec<_> = inputs.keys().map(|name| format!("`{name}`")).collect();
        format!("`inputs` has the inputs {{{}}}, and the model takes `{INPUT}`", names.join(", "))
    })?;
    tensor::texts(only, most).map_err(|error| format!("input `{INPUT}`: {error}"))
}

/// The values of the features, of at most so many candidates.
fn asked(inputs: &BTreeMap<String, TensorProto>, features: &[Fact], most: usize) -> Result<Asked, String> {
    let mut gathered = Gathered::new(features);
    for (name, tensor) in inputs {
        let (at, fact) = gathered.feature(name)?;
        // A session is as long as it is: what is sent of it bounds it.
        let most = if fact.side == Side::Session { most.max(tensor::sent(tensor)) } else { most };
        let values = tensor::values(tensor, &fact.kind, most, |shape| fits(fact, shape));
        gathered.set(at, values.map_err(|error| format!("input `{name}`: {error}"))?);
    }
    gathered.finish(most)
}

/// Whether bytes are a message that is a prediction of a ranker of these features; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_ranked(message: &[u8], features: &[Fact]) -> Result<(), String> {
    let request = PredictRequest::decode(message).map_err(|error| error.to_string())?;
    asked(&request.inputs, features, crate::Limits::default().candidates).map(drop)
}

/// The outputs that a model of this task has.
fn outputs(task: Task) -> &'static [&'static str] {
    match task {
        Task::Embed => &["embedding"],
        Task::Score => &["score"],
        Task::Rank => &[OUTPUT],
        _ => &["label", "probabilities"],
    }
}

fn output(name: &str, model: &Served, answer: &Answer) -> TensorProto {
    let count = answer.tokens.len();
    match name {
        "label" => tensor::labels(answer.values.chunks_exact(answer.width).map(|row| model.label(row)), count),
        "score" => tensor::floats(&answer.values, [count]),
        _ => tensor::floats(&answer.values, [count, answer.width]),
    }
}

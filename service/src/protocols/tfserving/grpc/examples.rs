//! `Classify` and `Regress`: examples in, each with the feature `text`; labels or scores out.

use super::spec;
use crate::grpc::wire::tensorflow::feature::Kind as Values;
use crate::grpc::wire::tensorflow::serving::input::Kind;
use crate::grpc::wire::tensorflow::serving::{
    Class, ClassificationRequest, ClassificationResponse, ClassificationResult, Classifications,
    ExampleListWithContext, Input, Regression, RegressionRequest, RegressionResponse, RegressionResult,
};
use crate::grpc::wire::tensorflow::{Example, Feature};
use crate::grpc::{Call, OfModel};
use crate::inference::{Answer, Ask, Overlong, Text};
use crate::models::Served;
use crate::protocols::Shared;
use crate::protocols::tensor::{INPUT, utf8};
use crate::protocols::tfserving::error::Error;
use crate::protocols::tfserving::handlers::{Verb, does};
use modeldeploy::session::Stage;
use prost::Message;
use std::time::Duration;

pub(super) async fn classify(call: Call<ClassificationRequest>) -> Result<OfModel<ClassificationResponse>, Error> {
    let ClassificationRequest { model_spec, input } = call.message;
    let place = spec::choose(&call.served, model_spec.as_ref(), &call.headers)?;
    let (model, answer) = run(&call.served, place, Verb::Classify, input.as_ref(), call.timeout).await?;
    let message = ClassificationResponse { model_spec: spec::given(&model), result: Some(classes(&model, &answer)) };
    Ok(OfModel { model, message })
}

pub(super) async fn regress(call: Call<RegressionRequest>) -> Result<OfModel<RegressionResponse>, Error> {
    let RegressionRequest { model_spec, input } = call.message;
    let place = spec::choose(&call.served, model_spec.as_ref(), &call.headers)?;
    let (model, answer) = run(&call.served, place, Verb::Regress, input.as_ref(), call.timeout).await?;
    let message = RegressionResponse { model_spec: spec::given(&model), result: Some(scores(&answer)) };
    Ok(OfModel { model, message })
}

/// The model's answer to the examples, if it does what is asked.
pub(super) async fn run(
    served: &Shared,
    place: usize,
    verb: Verb,
    input: Option<&Input>,
    timeout: Option<Duration>,
) -> Result<(Served, Answer), Error> {
    let model = *served.inference.served(place);
    does(&model, verb)?;
    let texts = texts(input).map_err(Error::invalid)?;
    let ask = Ask { model: place, prompt: None, texts, overlong: Overlong::Cut, stage: Stage::Output, timeout };
    Ok((model, served.inference.answer(ask).await?))
}

pub(super) fn classes(model: &Served, answer: &Answer) -> ClassificationResult {
    let class = |(label, score): (&&str, &f32)| Class { label: (*label).to_owned(), score: *score };
    let row = |row: &[f32]| Classifications { classes: model.facts.labels.iter().zip(row).map(class).collect() };
    ClassificationResult { classifications: answer.values.chunks_exact(answer.width).map(row).collect() }
}

pub(super) fn scores(answer: &Answer) -> RegressionResult {
    RegressionResult { regressions: answer.values.iter().map(|&value| Regression { value }).collect() }
}

/// Whether bytes are examples; for the fuzz targets.
///
/// # Errors
///
/// What is wrong with them.
pub fn check(message: &[u8]) -> Result<(), String> {
    let input = Input::decode(message).map_err(|error| error.to_string())?;
    texts(Some(&input)).map(drop)
}

fn texts(input: Option<&Input>) -> Result<Vec<Text>, String> {
    let (examples, context) = match input.and_then(|input| input.kind.as_ref()) {
        Some(Kind::ExampleList(list)) => (&list.examples, None),
        Some(Kind::ExampleListWithContext(ExampleListWithContext { examples, context })) => {
            (examples, context.as_ref())
        }
        None => return Err("`input` has no examples".to_owned()),
    };
    let context = context.map(feature).transpose().map_err(|error| format!("`context` {error}"))?.flatten();
    let example = |(at, example): (usize, &Example)| {
        let wrong = |error: String| format!("`examples[{at}]` {error}");
        match (feature(example).map_err(wrong)?, context) {
            (Some(_), Some(_)) => Err(wrong(format!("has `{INPUT}`, which `context` has, too"))),
            (None, None) => Err(wrong(format!("lacks `{INPUT}`"))),
            (Some(value), None) | (None, Some(value)) => values(value).map_err(wrong),
        }
    };
    examples.iter().enumerate().map(example).collect()
}

/// The feature of the input, and none beside it.
fn feature(example: &Example) -> Result<Option<&Feature>, String> {
    let Some(features) = &example.features else { return Ok(None) };
    match features.feature.keys().find(|name| *name != INPUT) {
        None => Ok(features.feature.get(INPUT)),
        Some(_) => {
            let names: Vec<_> = features.feature.keys().map(|name| format!("`{name}`")).collect();
            Err(format!("has the inputs {{{}}}, and the model takes `{INPUT}`", names.join(", ")))
        }
    }
}

fn values(feature: &Feature) -> Result<Text, String> {
    let values = match &feature.kind {
        Some(Values::BytesList(list)) => &list.value[..],
        Some(Values::FloatList(_)) => return Err(format!("has floats as `{INPUT}`, where `bytes_list` must stand")),
        Some(Values::Int64List(_)) => return Err(format!("has integers as `{INPUT}`, where `bytes_list` must stand")),
        None => &[],
    };
    match values {
        [text] => Ok(Text::One(utf8(0, text)?)),
        [text, pair] => Ok(Text::Pair(utf8(0, text)?, utf8(1, pair)?)),
        values => Err(format!("has a list of {}, and the model takes a text or a pair", values.len())),
    }
}

#[cfg(test)]
mod tests;

//! `MultiInference`: tasks over the same examples, of one model, as TensorFlow Serving has them.

use super::{examples, spec};
use crate::grpc::wire::tensorflow::serving::inference_result::Result as Outcome;
use crate::grpc::wire::tensorflow::serving::{
    InferenceResult, InferenceTask, MultiInferenceRequest, MultiInferenceResponse,
};
use crate::grpc::{Call, OfModel};
use crate::protocols::tfserving::error::Error;
use crate::protocols::tfserving::handlers::Verb;

pub(super) async fn infer(call: Call<MultiInferenceRequest>) -> Result<OfModel<MultiInferenceResponse>, Error> {
    let MultiInferenceRequest { tasks, input } = call.message;
    let mut asked: Vec<(usize, Verb)> = vec![];
    for (at, InferenceTask { model_spec, method_name }) in tasks.iter().enumerate() {
        let wrong = |message: String| Error::invalid(format!("`tasks[{at}]` {message}"));
        let own = spec::find(&call.served, model_spec.as_ref())?;
        // All tasks that name the version in the same way have one, whichever it is.
        let version = |task: &InferenceTask| {
            task.model_spec.as_ref().map(|spec| (spec.name.clone(), spec.version_choice.clone()))
        };
        let place = match asked.first() {
            Some(&(first, _)) if version(&tasks[0]) == version(&tasks[at]) => first,
            Some(_) => own,
            None => spec::choose(&call.served, model_spec.as_ref(), &call.headers)?,
        };
        let verb = match method_name.as_str() {
            "tensorflow/serving/classify" => Verb::Classify,
            "tensorflow/serving/regress" => Verb::Regress,
            other => {
                let methods = "`tensorflow/serving/classify` or `tensorflow/serving/regress`";
                return Err(wrong(format!("has the method `{other}`, and it must be {methods}")));
            }
        };
        if asked.iter().any(|&(other, _)| other != place) {
            return Err(wrong("names another model than the tasks before it, and all must name one".to_owned()));
        }
        if asked.contains(&(place, verb)) {
            return Err(wrong("is asked for twice".to_owned()));
        }
        asked.push((place, verb));
    }
    let Some(&(place, _)) = asked.first() else { return Err(Error::invalid("`tasks` is empty")) };
    let model = *call.served.inference.served(place);
    let mut results = vec![];
    for (place, verb) in asked {
        let (_, answer) = examples::run(&call.served, place, verb, input.as_ref(), call.timeout).await?;
        let outcome = match verb {
            Verb::Regress => Outcome::RegressionResult(examples::scores(&answer)),
            _ => Outcome::ClassificationResult(examples::classes(&model, &answer)),
        };
        results.push(InferenceResult { model_spec: spec::given(&model), result: Some(outcome) });
    }
    Ok(OfModel { model, message: MultiInferenceResponse { results } })
}

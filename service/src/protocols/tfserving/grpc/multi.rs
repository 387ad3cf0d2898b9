//! `MultiInference`: tasks over the same examples, of one model, as TensorFlow Serving has them.

use super::{examples, spec};
use crate::grpc::Call;
use crate::grpc::wire::tensorflow::serving::inference_result::Result as Outcome;
use crate::grpc::wire::tensorflow::serving::{
    InferenceResult, InferenceTask, MultiInferenceRequest, MultiInferenceResponse,
};
use crate::protocols::tfserving::error::Error;
use crate::protocols::tfserving::handlers::Verb;

pub(super) async fn infer(call: Call<MultiInferenceRequest>) -> Result<MultiInferenceResponse, Error> {
    let MultiInferenceRequest { tasks, input } = call.message;
    let mut asked: Vec<(usize, Verb)> = vec![];
    for (at, InferenceTask { model_spec, method_name }) in tasks.iter().enumerate() {
        let wrong = |message: String| Error::invalid(format!("`tasks[{at}]` {message}"));
        let place = spec::find(&call.served, model_spec.as_ref())?;
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
    if asked.is_empty() {
        return Err(Error::invalid("`tasks` is empty"));
    }
    let mut results = vec![];
    for (place, verb) in asked {
        let (model, answer) = examples::run(&call.served, place, verb, input.as_ref(), call.timeout).await?;
        let outcome = match verb {
            Verb::Regress => Outcome::RegressionResult(examples::scores(&answer)),
            _ => Outcome::ClassificationResult(examples::classes(&model, &answer)),
        };
        results.push(InferenceResult { model_spec: spec::given(&model), result: Some(outcome) });
    }
    Ok(MultiInferenceResponse { results })
}

//! The signature of a model as TensorFlow has it: an int64 is a string in JSON.

use super::SIGNATURE;
use crate::models::Served;
use crate::protocols::tensor::INPUT;
use modeldeploy::format::Task;
use serde_json::{Map, Value, json};

/// A version's state.
pub(super) fn status(served: &Served) -> Value {
    json!({
        "version": version(served),
        "state": "AVAILABLE",
        "status": { "error_code": "OK", "error_message": "" },
    })
}

/// A tensor of the signature, its sizes -1 where they vary.
pub(super) struct Tensor {
    pub(super) name: &'static str,
    pub(super) dtype: &'static str,
    pub(super) sizes: Vec<i64>,
}

/// What the signature is for.
pub(super) const METHOD: &str = "tensorflow/serving/predict";

/// The sizes of the input.
pub(super) fn input_sizes(served: &Served) -> &'static [i64] {
    if served.facts.task == Task::Score { &[-1, 2] } else { &[-1] }
}

/// The outputs.
pub(super) fn outputs(served: &Served) -> Vec<Tensor> {
    let rows = served.facts.outputs as i64;
    let floats = |name, sizes| Tensor { name, dtype: "DT_FLOAT", sizes };
    match served.facts.task {
        Task::Embed => vec![floats("embedding", vec![-1, rows])],
        Task::Score => vec![floats("score", vec![-1])],
        _ => {
            let label = Tensor { name: "label", dtype: "DT_STRING", sizes: vec![-1] };
            vec![floats("probabilities", vec![-1, rows]), label]
        }
    }
}

pub(super) fn metadata(served: &Served) -> Value {
    let outputs = outputs(served).into_iter();
    let outputs: Map<String, Value> =
        outputs.map(|Tensor { name, dtype, sizes }| (name.to_owned(), tensor(name, dtype, &sizes))).collect();
    json!({
        "model_spec": { "name": served.card.name, "signature_name": "", "version": version(served) },
        "metadata": { "signature_def": { "signature_def": { SIGNATURE: {
            "inputs": { INPUT: tensor(INPUT, "DT_STRING", input_sizes(served)) },
            "outputs": outputs,
            "method_name": METHOD,
        } } } },
    })
}

fn version(served: &Served) -> String {
    served.number().map_or_else(|| served.card.version.to_owned(), |number| number.to_string())
}

fn tensor(name: &str, dtype: &str, sizes: &[i64]) -> Value {
    let sizes: Vec<Value> = sizes.iter().map(|size| json!({ "size": size.to_string(), "name": "" })).collect();
    json!({ "dtype": dtype, "tensor_shape": { "dim": sizes, "unknown_rank": false }, "name": name })
}

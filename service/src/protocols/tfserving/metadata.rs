//! The signature of a model as TensorFlow has it: an int64 is a string in JSON.

use super::SIGNATURE;
use crate::models::Served;
use crate::protocols::tensor::INPUT;
use crate::ranking::{Input, OUTPUT, Type, inputs as features};
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

/// The inputs.
pub(super) fn inputs(served: &Served) -> Vec<Tensor> {
    let feature = |input: Input| {
        let dtype = match input.kind {
            Type::Float => "DT_DOUBLE",
            Type::Int => "DT_INT64",
            Type::Text => "DT_STRING",
            Type::Embedding(_) => "DT_FLOAT",
        };
        Tensor { name: input.name, dtype, sizes: input.sizes() }
    };
    match served.ranker() {
        Some(engine) => features(engine).map(feature).collect(),
        None => {
            let sizes = if served.facts.task == Task::Score { vec![-1, 2] } else { vec![-1] };
            vec![Tensor { name: INPUT, dtype: "DT_STRING", sizes }]
        }
    }
}

/// The outputs.
pub(super) fn outputs(served: &Served) -> Vec<Tensor> {
    let rows = served.facts.outputs as i64;
    let floats = |name, sizes| Tensor { name, dtype: "DT_FLOAT", sizes };
    match served.facts.task {
        Task::Embed => vec![floats("embedding", vec![-1, rows])],
        Task::Score => vec![floats("score", vec![-1])],
        Task::Rank => {
            let sizes = [-1].into_iter().chain((rows > 1).then_some(rows)).collect();
            vec![Tensor { name: OUTPUT, dtype: "DT_DOUBLE", sizes }]
        }
        _ => {
            let label = Tensor { name: "label", dtype: "DT_STRING", sizes: vec![-1] };
            vec![floats("probabilities", vec![-1, rows]), label]
        }
    }
}

pub(super) fn metadata(served: &Served) -> Value {
    let named = |tensors: Vec<Tensor>| -> Map<String, Value> {
        let tensors = tensors.into_iter();
        tensors.map(|Tensor { name, dtype, sizes }| (name.to_owned(), tensor(name, dtype, &sizes))).collect()
    };
    json!({
        "model_spec": { "name": served.card.name, "signature_name": "", "version": version(served) },
        "metadata": { "signature_def": { "signature_def": { SIGNATURE: {
            "inputs": named(inputs(served)),
            "outputs": named(outputs(served)),
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

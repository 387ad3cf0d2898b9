//! The signature of a model as TensorFlow has it: an int64 is a string in JSON.

use super::{INPUT, SIGNATURE};
use crate::models::Served;
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

pub(super) fn metadata(served: &Served) -> Value {
    let rows = served.facts.outputs as i64;
    let pairs: &[i64] = if served.facts.task == Task::Score { &[-1, 2] } else { &[-1] };
    let outputs: &[(&str, &str, &[i64])] = match served.facts.task {
        Task::Embed => &[("embedding", "DT_FLOAT", &[-1, rows])],
        Task::Score => &[("score", "DT_FLOAT", &[-1])],
        _ => &[("probabilities", "DT_FLOAT", &[-1, rows]), ("label", "DT_STRING", &[-1])],
    };
    let outputs: Map<String, Value> =
        outputs.iter().map(|(name, dtype, sizes)| ((*name).to_owned(), tensor(name, dtype, sizes))).collect();
    json!({
        "model_spec": { "name": served.card.name, "signature_name": "", "version": version(served) },
        "metadata": { "signature_def": { "signature_def": { SIGNATURE: {
            "inputs": { INPUT: tensor(INPUT, "DT_STRING", pairs) },
            "outputs": outputs,
            "method_name": "tensorflow/serving/predict",
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

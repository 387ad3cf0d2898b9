//! A model's configuration, in Triton's form: its extension `model_configuration`.
//!
//! `max_batch_size` is 0, which says there that shapes are whole: their first size is the number of texts, up to the service's limit.

use super::PLATFORM;
use super::tensors;
use super::wire::TensorMetadata;
use crate::grpc::wire::inference::model_instance_group::Kind;
use crate::grpc::wire::inference::model_version_policy::{All, PolicyChoice};
use crate::grpc::wire::inference::{
    DataType, ModelConfig, ModelInput, ModelInstanceGroup, ModelOutput, ModelParameter, ModelVersionPolicy,
};
use crate::models::Served;
use serde_json::{Map, Value, json};

/// The configuration of a model.
pub(super) fn config(served: &Served) -> ModelConfig {
    let (inputs, outputs) = tensors::metadata(served);
    let input = |tensor: TensorMetadata| ModelInput {
        name: tensor.name.to_owned(),
        data_type: data_type(&tensor).into(),
        dims: tensor.shape,
        ..Default::default()
    };
    let output = |tensor: TensorMetadata| ModelOutput {
        name: tensor.name.to_owned(),
        data_type: data_type(&tensor).into(),
        dims: tensor.shape,
    };
    let workers = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let instances = ModelInstanceGroup {
        name: served.card.name.to_owned(),
        kind: Kind::Cpu.into(),
        count: i32::try_from(workers).unwrap_or(i32::MAX),
    };
    let parameters = [
        ("digest", served.card.digest.to_owned()),
        ("max_tokens", served.facts.max_tokens.to_string()),
        ("task", served.facts.task.to_string()),
    ];
    let parameter = |(name, string_value): (&str, String)| (name.to_owned(), ModelParameter { string_value });
    ModelConfig {
        name: served.card.name.to_owned(),
        platform: PLATFORM.to_owned(),
        backend: "modeldeploy".to_owned(),
        version_policy: Some(ModelVersionPolicy { policy_choice: Some(PolicyChoice::All(All {})) }),
        max_batch_size: 0,
        input: inputs.into_iter().map(input).collect(),
        output: outputs.into_iter().map(output).collect(),
        instance_group: vec![instances],
        parameters: parameters.into_iter().map(parameter).collect(),
    }
}

fn data_type(tensor: &TensorMetadata) -> DataType {
    match tensor.datatype {
        "FP32" => DataType::TypeFp32,
        "FP64" => DataType::TypeFp64,
        "INT64" => DataType::TypeInt64,
        _ => DataType::TypeString,
    }
}

/// As Triton's REST has it: protobuf's JSON with the names of the fields, but numbers as numbers.
pub(super) fn as_json(config: &ModelConfig) -> Value {
    let input = |input: &ModelInput| {
        json!({
            "name": input.name, "data_type": input.data_type().as_str_name(), "format": input.format().as_str_name(),
            "dims": input.dims,
        })
    };
    let output = |output: &ModelOutput| json!({ "name": output.name, "data_type": output.data_type().as_str_name(), "dims": output.dims });
    let instances = |group: &ModelInstanceGroup| json!({ "name": group.name, "kind": group.kind().as_str_name(), "count": group.count });
    let parameters = config.parameters.iter();
    let parameters: Map<String, Value> =
        parameters.map(|(name, parameter)| (name.clone(), json!({ "string_value": parameter.string_value }))).collect();
    json!({
        "name": config.name,
        "platform": config.platform,
        "backend": config.backend,
        "version_policy": { "all": {} },
        "max_batch_size": config.max_batch_size,
        "input": config.input.iter().map(input).collect::<Vec<_>>(),
        "output": config.output.iter().map(output).collect::<Vec<_>>(),
        "instance_group": config.instance_group.iter().map(instances).collect::<Vec<_>>(),
        "parameters": parameters,
    })
}

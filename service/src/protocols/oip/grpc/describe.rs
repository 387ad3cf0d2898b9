//! What the service and its models are, and how they do.

use crate::grpc::Call;
use crate::grpc::wire::inference::model_metadata_response::TensorMetadata as Tensor;
use crate::grpc::wire::inference::{
    ModelConfigRequest, ModelConfigResponse, ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest,
    ModelReadyResponse, ModelStatisticsRequest, ModelStatisticsResponse, ServerLiveRequest, ServerLiveResponse,
    ServerMetadataRequest, ServerMetadataResponse, ServerReadyRequest, ServerReadyResponse,
};
use crate::models::Unknown;
use crate::protocols::Shared;
use crate::protocols::oip::error::Error;
use crate::protocols::oip::wire::TensorMetadata;
use crate::protocols::oip::{EXTENSIONS, PLATFORM, config, statistics, tensors};

/// `ServerLive`.
pub(super) async fn live(_: Call<ServerLiveRequest>) -> Result<ServerLiveResponse, Error> {
    Ok(ServerLiveResponse { live: true })
}

/// `ServerReady`.
pub(super) async fn ready(call: Call<ServerReadyRequest>) -> Result<ServerReadyResponse, Error> {
    Ok(ServerReadyResponse { ready: call.served.is_ready() })
}

/// `ModelReady`. A model that is not there is not ready, as Triton has it; its client's `is_model_ready` is made for that.
pub(super) async fn model_ready(call: Call<ModelReadyRequest>) -> Result<ModelReadyResponse, Error> {
    let found = find(&call.served, &call.message.name, &call.message.version);
    Ok(ModelReadyResponse { ready: found.is_ok() && call.served.is_ready() })
}

/// `ServerMetadata`.
pub(super) async fn server(call: Call<ServerMetadataRequest>) -> Result<ServerMetadataResponse, Error> {
    let (name, version) = call.served.service;
    let extensions = EXTENSIONS.map(str::to_owned).to_vec();
    Ok(ServerMetadataResponse { name: name.to_owned(), version: version.to_owned(), extensions })
}

/// `ModelMetadata`.
pub(super) async fn model(call: Call<ModelMetadataRequest>) -> Result<ModelMetadataResponse, Error> {
    let place = find(&call.served, &call.message.name, &call.message.version)?;
    let models = call.served.inference.models();
    let (model, name) = (&models.all()[place], models.all()[place].card.name);
    let versions = models.all().iter().filter(|other| other.card.name == name);
    let tensor = |TensorMetadata { name, datatype, shape }| Tensor {
        name: String::from(name),
        datatype: String::from(datatype),
        shape,
    };
    let (inputs, outputs) = tensors::metadata(model);
    Ok(ModelMetadataResponse {
        name: name.to_owned(),
        versions: versions.map(|model| model.card.version.to_owned()).collect(),
        platform: PLATFORM.to_owned(),
        inputs: inputs.into_iter().map(tensor).collect(),
        outputs: outputs.into_iter().map(tensor).collect(),
    })
}

/// `ModelConfig`.
pub(super) async fn config(call: Call<ModelConfigRequest>) -> Result<ModelConfigResponse, Error> {
    let place = find(&call.served, &call.message.name, &call.message.version)?;
    Ok(ModelConfigResponse { config: Some(config::config(call.served.inference.served(place))) })
}

/// `ModelStatistics`.
pub(super) async fn statistics(call: Call<ModelStatisticsRequest>) -> Result<ModelStatisticsResponse, Error> {
    let ModelStatisticsRequest { name, version } = &call.message;
    Ok(statistics::statistics(&call.served, given(name), given(version))?)
}

fn find(served: &Shared, name: &str, version: &str) -> Result<usize, Unknown> {
    served.inference.models().find(name, given(version))
}

/// A string without a character says nothing.
fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

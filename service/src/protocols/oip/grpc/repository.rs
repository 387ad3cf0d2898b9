//! The repository: the models that are compiled in, none of which is loaded or unloaded.

use crate::grpc::Call;
use crate::grpc::wire::inference::repository_index_response::ModelIndex;
use crate::grpc::wire::inference::{
    RepositoryIndexRequest, RepositoryIndexResponse, RepositoryModelLoadRequest, RepositoryModelLoadResponse,
    RepositoryModelUnloadRequest, RepositoryModelUnloadResponse,
};
use crate::protocols::Shared;
use crate::protocols::oip::error::Error;
use crate::protocols::oip::handlers::compiled_in;

/// `RepositoryIndex`. All models are ready, so asking for those alone changes nothing.
pub(super) async fn index(call: Call<RepositoryIndexRequest>) -> Result<RepositoryIndexResponse, Error> {
    let cards = call.served.inference.models().all().iter().map(|model| model.card);
    let models = cards.map(|card| ModelIndex {
        name: card.name.to_owned(),
        version: card.version.to_owned(),
        state: "READY".to_owned(),
        reason: String::new(),
    });
    Ok(RepositoryIndexResponse { models: models.collect() })
}

/// `RepositoryModelLoad`.
pub(super) async fn load(call: Call<RepositoryModelLoadRequest>) -> Result<RepositoryModelLoadResponse, Error> {
    let RepositoryModelLoadRequest { repository_name, model_name } = &call.message;
    Err(refused(&call.served, repository_name, model_name))
}

/// `RepositoryModelUnload`.
pub(super) async fn unload(call: Call<RepositoryModelUnloadRequest>) -> Result<RepositoryModelUnloadResponse, Error> {
    let RepositoryModelUnloadRequest { repository_name, model_name } = &call.message;
    Err(refused(&call.served, repository_name, model_name))
}

/// Triton's clients name the model in field 2, and KServe's in field 1, where Triton's have the repository.
fn refused(served: &Shared, first: &str, second: &str) -> Error {
    let name = if second.is_empty() { first } else { second };
    match served.inference.models().find(name, None) {
        Ok(place) => compiled_in(served, place),
        Err(unknown) => unknown.into(),
    }
}

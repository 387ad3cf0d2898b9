//! Which model a message names, and how answers name it.

use crate::grpc::wire::tensorflow::serving::ModelSpec;
use crate::grpc::wire::tensorflow::serving::model_spec::VersionChoice;
use crate::models::Served;
use crate::protocols::Shared;
use crate::protocols::tfserving::decode::signature;
use crate::protocols::tfserving::error::Error;
use crate::protocols::tfserving::{NO_LABELS, SIGNATURE};

/// The place of the model.
///
/// # Errors
///
/// If there is none of that name and version, or no such signature of it.
pub(super) fn find(served: &Shared, spec: Option<&ModelSpec>) -> Result<usize, Error> {
    let spec =
        spec.filter(|spec| !spec.name.is_empty()).ok_or_else(|| Error::invalid("`model_spec` names no model"))?;
    let models = served.inference.models();
    let place = match &spec.version_choice {
        None => models.find_number(&spec.name, None)?,
        Some(VersionChoice::Version(version)) => models.find_number(&spec.name, Some(&version.to_string()))?,
        Some(VersionChoice::VersionLabel(_)) => {
            models.find_number(&spec.name, None)?;
            return Err(Error::absent(NO_LABELS));
        }
    };
    signature(Some(&spec.signature_name)).map_err(Error::invalid)?;
    Ok(place)
}

/// How an answer names its model.
pub(super) fn given(served: &Served) -> Option<ModelSpec> {
    Some(ModelSpec {
        name: served.card.name.to_owned(),
        signature_name: SIGNATURE.to_owned(),
        version_choice: served.number().map(VersionChoice::Version),
    })
}

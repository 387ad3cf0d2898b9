//! Which model a message names, and how answers name it.

use crate::grpc::wire::tensorflow::serving::ModelSpec;
use crate::grpc::wire::tensorflow::serving::model_spec::VersionChoice;
use crate::models::{Named, Served, Wanted};
use crate::protocols::Shared;
use crate::protocols::tfserving::SIGNATURE;
use crate::protocols::tfserving::decode::signature;
use crate::protocols::tfserving::error::Error;
use axum::http::HeaderMap;

/// The place of the model that tells of itself.
///
/// # Errors
///
/// As [`choose`].
pub(super) fn find(served: &Shared, spec: Option<&ModelSpec>) -> Result<usize, Error> {
    place(served, spec, None)
}

/// The place of the model that answers, as the message and the metadata say.
///
/// # Errors
///
/// If there is none of that name and version, or no such signature of it.
pub(super) fn choose(served: &Shared, spec: Option<&ModelSpec>, headers: &HeaderMap) -> Result<usize, Error> {
    place(served, spec, Some(headers))
}

fn place(served: &Shared, spec: Option<&ModelSpec>, headers: Option<&HeaderMap>) -> Result<usize, Error> {
    let spec =
        spec.filter(|spec| !spec.name.is_empty()).ok_or_else(|| Error::invalid("`model_spec` names no model"))?;
    signature(Some(&spec.signature_name)).map_err(Error::invalid)?;
    let number = match spec.version_choice {
        Some(VersionChoice::Version(version)) => version.to_string(),
        _ => String::new(),
    };
    let named = match &spec.version_choice {
        None => None,
        Some(VersionChoice::Version(_)) => Some(Named::Number(&number)),
        Some(VersionChoice::VersionLabel(label)) => Some(Named::Label(label)),
    };
    let models = served.inference.models();
    Ok(match headers {
        Some(headers) => models.choose(&spec.name, &Wanted::new(named, headers))?,
        None => models.find(&spec.name, named)?,
    })
}

/// How an answer names its model.
pub(super) fn given(served: &Served) -> Option<ModelSpec> {
    Some(ModelSpec {
        name: served.card.name.to_owned(),
        signature_name: SIGNATURE.to_owned(),
        version_choice: served.number().map(VersionChoice::Version),
    })
}

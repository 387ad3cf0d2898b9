//! What every handle does with its pack, whatever the task: hold its bytes in memory, and prove that they are the locked ones.

use super::Error;
use crate::link::Warm;
use modeldeploy_format::{Artifact, Digest};
use std::sync::Arc;

/// Holds the bytes of the model of that name, which are there as long as the process, in memory as `how` says.
///
/// # Errors
///
/// If the system refuses: what it says, and what to do.
pub(crate) fn hold(name: &'static str, artifact: &Artifact<'static>, how: Warm) -> Result<(), Error> {
    for bytes in artifact.parts() {
        let refused = |cause| Error::Warm { name, warm: how, bytes: bytes.len(), cause: Arc::new(cause) };
        how.hold(bytes).map_err(refused)?;
    }
    Ok(())
}

/// Proves that the pack has the digest that is locked for the model of that name.
///
/// # Errors
///
/// If it has another.
pub(crate) fn prove(name: &str, locked: &str, artifact: &Artifact<'_>) -> Result<(), Error> {
    let digest = Digest::of_parts(artifact.parts()).to_string();
    if digest == locked {
        return Ok(());
    }
    Err(Error::Damaged { cause: format!("the pack of model `{name}` is {digest}, and {locked} is locked") })
}

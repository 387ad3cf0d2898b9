//! Packs of rankers' networks.

use super::{BAD_PACK, tensors};
use crate::diagnostic::Diagnostic;
use crate::graph::Graph;
use crate::lower::lower;
use crate::memory::plan;
use modeldeploy_format::features::Features;
use modeldeploy_format::golden::requests::GoldenRequest;
use modeldeploy_format::pack::{Aligned, NetworkContents, PackError, Writer};
use modeldeploy_format::program::TensorId;
use modeldeploy_format::{Artifact, Signature};

/// Lowers a network's graph, plans its memory and writes its pack.
///
/// # Errors
///
/// What [`lower`] finds wrong, and `MD0810` if graph, signature and features contradict one another.
///
/// # Panics
///
/// If a golden request has other columns than the features.
pub fn network(
    graph: &Graph,
    signature: &Signature,
    features: &Features,
    goldens: &[GoldenRequest],
) -> Result<Aligned, Vec<Diagnostic>> {
    let mut lowered = lower(graph)?;
    plan(&mut lowered.program);
    let contents = NetworkContents { signature, program: &lowered.program, features, goldens };
    tensors(&lowered).finish_network(&contents).map_err(|error| {
        let help = "the model's inputs contradict its features, or its tables the ids that it is given";
        vec![Diagnostic::new(BAD_PACK, format!("the network cannot be packed: {error}")).help(help)]
    })
}

/// The pack of a network with other golden requests.
///
/// # Errors
///
/// If they are not those of this network.
pub fn with_requests(
    artifact: &Artifact<'_>,
    features: &Features,
    goldens: &[GoldenRequest],
) -> Result<Aligned, PackError> {
    let mut writer = Writer::new();
    for (at, tensor) in artifact.tensors().iter().enumerate() {
        let id = TensorId(u32::try_from(at).expect("a pack has fewer than 2^32 tensors"));
        writer.tensor(&tensor.name, tensor.dtype, tensor.layout, &tensor.dims, artifact.bytes(id));
    }
    let (signature, program) = (artifact.signature(), artifact.program());
    writer.finish_network(&NetworkContents { signature, program, features, goldens })
}

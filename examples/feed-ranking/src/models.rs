//! The models inside: their names for answers, and the proof before the first request that they are the locked ones.

use crate::{Ranker, ReRanker, Sasrec, TwoTower};
use modeldeploy::Error;
use modeldeploy::rank::{Handle, RankModel};
use serde::Serialize;

/// Which model answered.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ModelName {
    name: &'static str,
    version: &'static str,
    digest: &'static str,
}

/// The models in the order in which a request meets them.
pub(crate) const NAMES: [ModelName; 4] = [name::<TwoTower>(), name::<Sasrec>(), name::<Ranker>(), name::<ReRanker>()];

const fn name<M: RankModel>() -> ModelName {
    ModelName { name: M::NAME, version: M::VERSION, digest: M::DIGEST }
}

/// Makes every model ready, and has it score its golden requests: they must come back to the bit. Says so, a line a model.
///
/// # Errors
///
/// If a model cannot be used, is not the locked one, or scores otherwise than when it was built.
pub(crate) fn prove() -> Result<[String; 4], Error> {
    Ok([prove_one::<TwoTower>()?, prove_one::<Sasrec>()?, prove_one::<Ranker>()?, prove_one::<ReRanker>()?])
}

fn prove_one<M: RankModel>() -> Result<String, Error> {
    let handle = Handle::<M>::new();
    handle.warm()?;
    let golden = handle.self_test()?;
    Ok(format!("{} {}: {golden} golden requests came back to the bit", M::NAME, M::VERSION))
}

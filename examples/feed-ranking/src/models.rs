//! The models inside: their names for answers.

use crate::{Ranker, ReRanker, Sasrec, TwoTower};
use modeldeploy::rank::RankModel;
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

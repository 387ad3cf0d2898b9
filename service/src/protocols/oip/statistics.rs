//! How a model does, in Triton's form: its extension `statistics`.
//!
//! | there | here |
//! | --- | --- |
//! | `success`, `fail` | requests, from when their message was read until their rows were there, or until they were refused |
//! | `queue` | until a request's first batch |
//! | `compute_input` | its texts were tokenized; of a batch, its tokens were put together |
//! | `compute_infer` | from its first batch to its last row; of a batch, the model ran |
//! | `compute_output` | until its rows were with the connection's task; of a batch, its rows were handed out |

use crate::batch::OfSize;
use crate::grpc::wire::inference::{
    InferBatchStatistics, InferStatistics, ModelStatistics, ModelStatisticsResponse, StatisticDuration,
};
use crate::models::Unknown;
use crate::protocols::Shared;
use std::time::Duration;

/// The statistics of all models, of all versions of one, or of one version.
///
/// # Errors
///
/// If there is none of them.
pub(super) fn statistics(
    served: &Shared,
    name: Option<&str>,
    version: Option<&str>,
) -> Result<ModelStatisticsResponse, Unknown> {
    let models = served.inference.models();
    if let Some(name) = name {
        models.find(name, version)?;
    }
    let asked = |place: &usize| {
        let card = models.all()[*place].card;
        name.is_none_or(|name| name == card.name) && version.is_none_or(|version| version == card.version)
    };
    let model_stats = (0..models.all().len()).filter(asked).map(|place| of_model(served, place)).collect();
    Ok(ModelStatisticsResponse { model_stats })
}

fn of_model(served: &Shared, place: usize) -> ModelStatistics {
    let card = served.inference.served(place).card;
    let (requests, executions) = served.inference.statistics(place);
    let sizes: Vec<OfSize> = executions.by_size().collect();
    let answered = requests.success.0;
    ModelStatistics {
        name: card.name.to_owned(),
        version: card.version.to_owned(),
        last_inference: requests.last_millis,
        inference_count: sizes.iter().map(|size| size.texts * size.batches).sum(),
        execution_count: sizes.iter().map(|size| size.batches).sum(),
        inference_stats: Some(InferStatistics {
            success: lapse(answered, requests.success.1),
            fail: lapse(requests.fail.0, requests.fail.1),
            queue: lapse(answered, requests.queue),
            compute_input: lapse(answered, requests.input),
            compute_infer: lapse(answered, requests.infer),
            compute_output: lapse(answered, requests.output),
            // There is no cache: what is the same is computed again.
            cache_hit: lapse(0, Duration::ZERO),
            cache_miss: lapse(0, Duration::ZERO),
        }),
        batch_stats: sizes.iter().map(of_size).collect(),
    }
}

fn of_size(size: &OfSize) -> InferBatchStatistics {
    InferBatchStatistics {
        batch_size: size.texts,
        compute_input: lapse(size.batches, size.spent.input),
        compute_infer: lapse(size.batches, size.spent.infer),
        compute_output: lapse(size.batches, size.spent.output),
    }
}

fn lapse(count: u64, time: Duration) -> Option<StatisticDuration> {
    Some(StatisticDuration { count, ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) })
}

//! How a model does, in Triton's form: its extension `statistics`.
//!
//! | there | here |
//! | --- | --- |
//! | `success`, `fail` | requests as the metrics count them: those that were answered, by the parts below; from their head until they were refused |
//! | `queue` | until a request's first batch |
//! | `compute_input` | its texts were tokenized; of a batch, its tokens were put together |
//! | `compute_infer` | from its first batch to its last row; of a batch, the model ran |
//! | `compute_output` | its answer was written; of a batch, its rows were handed out |

use crate::batch::OfSize;
use crate::grpc::wire::inference::{
    InferBatchStatistics, InferStatistics, ModelStatistics, ModelStatisticsResponse, StatisticDuration,
};
use crate::metrics::Asked;
use crate::models::{Named, Unknown};
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
    let found = name.map(|name| models.find(name, version.map(Named::Either))).transpose()?;
    let asked = |place: &usize| {
        let name_of = |place: usize| models.all()[place].card.name;
        let own = |found: usize| if version.is_some() { found == *place } else { name_of(found) == name_of(*place) };
        found.is_none_or(own)
    };
    let model_stats = (0..models.all().len()).filter(asked).map(|place| of_model(served, place)).collect();
    Ok(ModelStatisticsResponse { model_stats })
}

fn of_model(served: &Shared, place: usize) -> ModelStatistics {
    let card = served.inference.served(place).card;
    let sizes: Vec<OfSize> = served.inference.executions(place).by_size().collect();
    let Asked { last_millis, answered, failed, failing, parts } = served.metrics.asked(place);
    let [input, queue, infer, output] = parts.map(|part| lapse(answered, part));
    ModelStatistics {
        name: card.name.to_owned(),
        version: card.version.to_owned(),
        last_inference: last_millis,
        inference_count: sizes.iter().map(|size| size.texts * size.batches).sum(),
        execution_count: sizes.iter().map(|size| size.batches).sum(),
        inference_stats: Some(InferStatistics {
            success: lapse(answered, parts.iter().sum()),
            fail: lapse(failed, failing),
            queue,
            compute_input: input,
            compute_infer: infer,
            compute_output: output,
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

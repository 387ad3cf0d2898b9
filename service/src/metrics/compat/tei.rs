//! Text Embeddings Inference's names, in seconds. That server has one model: here each has its `model` and `version` beside its labels.
//!
//! Source: `metrics::…!("te_…")` in its `router/src/http/server.rs`, `core/src/infer.rs` and `core/src/queue.rs`.

use super::super::exposition::{Exposition, Kind};
use super::super::histogram::Totals;
use super::{Inner, OfModel};
use crate::observe::Code;

/// Its words for failures, each with the codes that it stands for; what is left is `validation`.
const ERRORS: [(&str, &[Code]); 3] = [
    ("overloaded", &[Code::RESOURCE_EXHAUSTED, Code::DEADLINE_EXCEEDED, Code::UNAVAILABLE]),
    ("inference", &[Code::UNKNOWN, Code::INTERNAL, Code::DATA_LOSS]),
    ("dropped", &[Code::CANCELLED]),
];

/// The times that a histogram has of a model.
type Times = fn(&OfModel) -> &Totals;

const TIMES: [(&str, &str, Times); 4] = [
    ("te_request_duration", "Time of a request in seconds", |all| &all.whole),
    ("te_request_tokenization_duration", "Tokenization time of a request in seconds", |all| &all.stages[0]),
    ("te_request_queue_duration", "Queue time of a request in seconds", |all| &all.stages[1]),
    ("te_request_inference_duration", "Inference time of a request in seconds", |all| &all.stages[2]),
];

pub(super) fn write(inner: &Inner, out: &mut Exposition) {
    let models: Vec<_> = inner
        .models
        .iter()
        .enumerate()
        .map(|(at, model)| {
            let labels = [("model", model.card.name), ("version", model.card.version)];
            (labels, OfModel::of(inner, at, |_| true), model)
        })
        .collect();
    let mut family = out.family("te_request_count", Kind::Counter, "Requests");
    for (labels, all, _) in &models {
        family.value_with(labels, ("method", "single"), all.single[0]);
        family.value_with(labels, ("method", "batch"), all.requests() - all.single[0]);
    }
    let mut family = out.family("te_request_success", Kind::Counter, "Requests that were answered");
    for (labels, all, _) in &models {
        family.value_with(labels, ("method", "single"), all.single[1]);
        family.value_with(labels, ("method", "batch"), all.answered() - all.single[1]);
    }
    let mut family = out.family("te_request_failure", Kind::Counter, "Requests that failed");
    for (labels, all, _) in &models {
        let known = ERRORS.map(|(error, codes)| (error, all.ended(codes)));
        let other = all.failed() - known.iter().map(|(_, count)| count).sum::<u64>();
        for (error, count) in known.into_iter().chain([("validation", other)]) {
            family.value_with(labels, ("err", error), count);
        }
    }
    let mut family = out.family("te_embed_count", Kind::Counter, "Texts");
    models.iter().for_each(|(labels, _, model)| family.value(labels, model.batch_texts.totals().sum));
    for (name, help, times) in TIMES {
        let mut family = out.family(name, Kind::Histogram, help);
        models.iter().for_each(|(labels, all, _)| family.seconds(labels, times(all)));
    }
    let mut family = out.family("te_queue_size", Kind::Gauge, "Texts that wait");
    models.iter().for_each(|(labels, _, model)| family.value(labels, model.waiting()[1]));
    let mut family = out.family("te_batch_next_size", Kind::Histogram, "Texts of a batch");
    models.iter().for_each(|(labels, _, model)| family.sizes(labels, &model.batch_texts.totals()));
    let mut family = out.family("te_batch_next_tokens", Kind::Histogram, "Tokens of a batch");
    models.iter().for_each(|(labels, _, model)| family.sizes(labels, &model.batch_tokens.totals()));
}

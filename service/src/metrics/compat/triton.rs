//! Triton's names, by model and version: counters, and times as counters of microseconds.
//!
//! Source: Triton's `docs/user_guide/metrics.md`. Tokenizing is its compute input, writing the answer its compute output.

use super::super::exposition::{Exposition, Kind};
use super::{Inner, OfModel};
use crate::observe::Code;

/// Triton's reasons, each with the codes that it stands for; what is left is `OTHER`.
const REASONS: [(&str, &[Code]); 3] = [
    ("REJECTED", &[Code::RESOURCE_EXHAUSTED, Code::DEADLINE_EXCEEDED, Code::UNAVAILABLE]),
    ("CANCELED", &[Code::CANCELLED]),
    ("BACKEND", &[Code::UNKNOWN, Code::INTERNAL, Code::DATA_LOSS]),
];

/// What a counter has of a model.
type Count = fn(&OfModel) -> u64;

const TIMES: [(&str, &str, Count); 5] = [
    ("nv_inference_request_duration_us", "Cumulative inference request duration in microseconds", |all| all.whole.sum),
    ("nv_inference_queue_duration_us", "Cumulative inference queuing duration in microseconds", |all| {
        all.stages[1].sum
    }),
    ("nv_inference_compute_input_duration_us", "Cumulative compute input duration in microseconds", |all| {
        all.stages[0].sum
    }),
    ("nv_inference_compute_infer_duration_us", "Cumulative compute inference duration in microseconds", |all| {
        all.stages[2].sum
    }),
    (
        "nv_inference_compute_output_duration_us",
        "Cumulative inference compute output duration in microseconds",
        |all| all.stages[3].sum,
    ),
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
    let help = "Number of successful inference requests, all batch sizes";
    let mut family = out.family("nv_inference_request_success", Kind::Counter, help);
    models.iter().for_each(|(labels, all, _)| family.value(labels, all.answered()));
    let help = "Number of failed inference requests, all batch sizes";
    let mut family = out.family("nv_inference_request_failure", Kind::Counter, help);
    for (labels, all, _) in &models {
        let known = REASONS.map(|(reason, codes)| (reason, all.ended(codes)));
        let other = all.failed() - known.iter().map(|(_, count)| count).sum::<u64>();
        for (reason, count) in known.into_iter().chain([("OTHER", other)]) {
            family.value_with(labels, ("reason", reason), count);
        }
    }
    let mut family = out.family("nv_inference_count", Kind::Counter, "Number of inferences performed");
    models.iter().for_each(|(labels, _, model)| family.value(labels, model.batch_texts.totals().sum));
    let mut family = out.family("nv_inference_exec_count", Kind::Counter, "Number of model executions performed");
    models.iter().for_each(|(labels, _, model)| family.value(labels, model.batch_texts.totals().count()));
    for (name, help, nanos) in TIMES {
        let mut family = out.family(name, Kind::Counter, help);
        models.iter().for_each(|(labels, all, _)| family.value(labels, nanos(all) / 1000));
    }
    let help = "Instantaneous number of pending requests awaiting execution per-model.";
    let mut family = out.family("nv_inference_pending_request_count", Kind::Gauge, help);
    models.iter().for_each(|(labels, _, model)| family.value(labels, model.waiting()[0]));
}

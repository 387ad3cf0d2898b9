//! TensorFlow Serving's names, in microseconds. It counts by a model's name, whatever the version.
//!
//! Source: `tensorflow_serving/servables/tensorflow/util.cc`, its `monitoring` counters and samplers.

use super::super::exposition::{Exposition, Kind};
use super::{Inner, OfModel, is_grpc};
use crate::observe::Code;

pub(super) fn write(inner: &Inner, out: &mut Exposition) {
    // Versions of a name stand together.
    let places: Vec<usize> = (0..inner.models.len()).collect();
    let names: Vec<&[usize]> =
        places.chunk_by(|&a, &b| inner.models[a].card.name == inner.models[b].card.name).collect();
    let sum = |versions: &[usize], is_it: &dyn Fn(&str) -> bool| {
        versions.iter().fold(OfModel::new(), |mut sum, &model| {
            sum.merge(&OfModel::of(inner, model, is_it));
            sum
        })
    };
    let name = |versions: &[usize]| inner.models[versions[0]].card.name;

    let mut family = out.family(":tensorflow:serving:request_count", Kind::Counter, "The total number of requests.");
    for versions in &names {
        let all = sum(versions, &|_| true);
        for code in Code::all().filter(|code| *code == Code::OK || all.ended(&[*code]) > 0) {
            family.value(&[("model_name", name(versions)), ("status", code.upper())], all.ended(&[code]));
        }
    }
    let help = "Distribution of wall time (in microseconds) for Tensorflow Serving request.";
    let mut family = out.family(":tensorflow:serving:request_latency", Kind::Histogram, help);
    for versions in &names {
        for (entrypoint, by_grpc) in [("REST", false), ("GRPC", true)] {
            let own = sum(versions, &|route| is_grpc(route) == by_grpc);
            if own.requests() > 0 {
                let labels = [("model_name", name(versions)), ("API", "predict"), ("entrypoint", entrypoint)];
                family.micros(&labels, &own.whole);
            }
        }
    }
    let help = "Distribution of wall time (in microseconds) for Tensorflow runtime.";
    let mut family = out.family(":tensorflow:serving:runtime_latency", Kind::Histogram, help);
    for versions in &names {
        let labels = [("model_name", name(versions)), ("API", "Predict"), ("runtime", "TF1")];
        family.micros(&labels, &sum(versions, &|_| true).stages[2]);
    }
    let mut family = out.family(
        ":tensorflow:serving:request_example_count_total",
        Kind::Counter,
        "The total number of tensorflow.Examples.",
    );
    for versions in &names {
        let texts: u64 = versions.iter().map(|&model| inner.models[model].batch_texts.totals().sum).sum();
        family.value(&[("model", name(versions))], texts);
    }
    let runs: u64 = inner.models.iter().map(|model| model.batch_texts.totals().count()).sum();
    out.family(":tensorflow:core:graph_runs", Kind::Counter, "The number of graph executions.").value(&[], runs);
}

//! The service's own names, clean by Prometheus' conventions; what concerns a model has its `model` and `version`.

use super::Inner;
use super::exposition::{Exposition, Kind};
use super::model::SHEDS;
use super::process;
use super::series::STAGES;
use crate::ModelCard;
use crate::observe::Code;
use std::sync::atomic::Ordering::Relaxed;

/// Writes all of it.
pub(super) fn write(inner: &Inner, out: &mut Exposition) {
    builds(inner, out);
    requests(inner, out);
    models(inner, out);
    if let Some(shadows) = inner.shadows.get() {
        shadows.write(out);
    }
    process(inner.start_seconds, out);
}

fn builds(inner: &Inner, out: &mut Exposition) {
    out.family("modeldeploy_build_info", Kind::Gauge, "The service inside this process")
        .value(&[("service", inner.service), ("version", inner.version)], 1);
    let mut family = out.family("modeldeploy_model_build_info", Kind::Gauge, "A model compiled into this process");
    for ModelCard { name, version, digest, space } in inner.models.iter().map(|model| model.card) {
        family.value(&[("model", name), ("version", version), ("digest", digest), ("space", space)], 1);
    }
}

/// The labels of a route, and of a model where there is one.
fn labels<'a>(inner: &Inner, route: &'a str, model: Option<usize>) -> Vec<(&'a str, &'a str)> {
    let card = model.map(|model| inner.models[model].card);
    let of_model = card.map(|card| [("model", card.name), ("version", card.version)]);
    [("route", route)].into_iter().chain(of_model.into_iter().flatten()).collect()
}

fn requests(inner: &Inner, out: &mut Exposition) {
    let routes = inner.routes.all();
    let all = || {
        let each = routes.iter().flat_map(|route| route.counted().map(|(model, series)| (&*route.name, model, series)));
        each.map(|(route, model, series)| (labels(inner, route, model), series))
    };
    let mut family = out.family("modeldeploy_requests_total", Kind::Counter, "Requests answered, by route and status");
    for (labels, series) in all() {
        for (status, count) in series.statuses.all() {
            family.value_with(&labels, ("status", &status), count);
        }
    }
    let help = "Requests without a result, by canonical reason";
    let mut family = out.family("modeldeploy_request_failures_total", Kind::Counter, help);
    for (labels, series) in all() {
        for code in Code::all().filter(|code| *code != Code::OK && series.code(*code) > 0) {
            family.value_with(&labels, ("reason", code.name()), series.code(code));
        }
    }
    let help = "Time from a request's head to its answer";
    let mut family = out.family("modeldeploy_request_duration_seconds", Kind::Histogram, help);
    for (labels, series) in all() {
        family.seconds(&labels, &series.whole.totals());
    }
    let help = "Where the time of answered requests to models went";
    let mut family = out.family("modeldeploy_request_stage_duration_seconds", Kind::Histogram, help);
    for (mut labels, series) in all() {
        for (stage, times) in STAGES.into_iter().zip(series.stages().into_iter().flatten()) {
            labels.push(("stage", stage));
            family.seconds(&labels, &times.totals());
            labels.pop();
        }
    }
    for (name, help, value) in [
        ("modeldeploy_requests_in_flight", "Requests that are being answered", &inner.in_flight),
        ("modeldeploy_connections", "Open connections", &inner.connections),
    ] {
        out.family(name, Kind::Gauge, help).value(&[], value.load(Relaxed));
    }
}

fn models(inner: &Inner, out: &mut Exposition) {
    let models =
        || inner.models.iter().map(|model| ([("model", model.card.name), ("version", model.card.version)], model));
    let mut family = out.family(
        "modeldeploy_batch_texts",
        Kind::Histogram,
        "Texts of a batch, or candidates of a request to a ranker",
    );
    models().for_each(|(labels, model)| family.sizes(&labels, &model.batch_texts.totals()));
    let mut family = out.family("modeldeploy_batch_tokens", Kind::Histogram, "Tokens of a batch");
    models().for_each(|(labels, model)| family.sizes(&labels, &model.batch_tokens.totals()));
    for (at, (name, help)) in [
        ("modeldeploy_queue_requests", "Requests that wait for a worker"),
        ("modeldeploy_queue_texts", "Texts, or a ranker's candidates, that wait for a worker"),
        ("modeldeploy_queue_tokens", "Tokens that wait for a worker"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut family = out.family(name, Kind::Gauge, help);
        models().for_each(|(labels, model)| family.value(&labels, model.waiting()[at]));
    }
    let help =
        "Requests to models that were not run: overload (would be late), late (waited too long), gone (nobody waits)";
    let mut family = out.family("modeldeploy_sheds_total", Kind::Counter, help);
    for (labels, counts) in models().map(|(labels, model)| (labels, model.sheds())) {
        for (reason, count) in SHEDS.into_iter().zip(counts) {
            family.value_with(&labels, ("reason", reason), count);
        }
    }
    let mut family = out.family("modeldeploy_panics_total", Kind::Counter, "Panics of a model that were caught");
    models().for_each(|(labels, model)| family.value(&labels, model.panics()));
}

/// The names that Prometheus' own clients give these.
fn process(start_seconds: f64, out: &mut Exposition) {
    let process = process::read(start_seconds);
    if let Some(seconds) = process.cpu_seconds {
        let help = "Total user and system CPU time spent in seconds";
        out.family("process_cpu_seconds_total", Kind::Counter, help).value(&[], seconds);
    }
    for (name, help, value) in [
        ("process_resident_memory_bytes", "Resident memory size in bytes", process.resident_bytes),
        ("process_virtual_memory_bytes", "Virtual memory size in bytes", process.virtual_bytes),
        ("process_threads", "Number of threads in the process", process.threads),
        ("process_open_fds", "Number of open file descriptors", process.open_fds),
        ("process_max_fds", "Maximum number of open file descriptors", process.max_fds),
    ] {
        if let Some(value) = value {
            out.family(name, Kind::Gauge, help).value(&[], value);
        }
    }
    let help = "Start time of the process since unix epoch in seconds";
    out.family("process_start_time_seconds", Kind::Gauge, help).value(&[], process.start_seconds);
}

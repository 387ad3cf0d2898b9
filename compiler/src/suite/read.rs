//! The suite's own file.

use super::{EMPTY, FORM, Kind, METRIC, Suite, UNREADABLE, classify, requests, search};
use crate::diagnostic::Diagnostic;
use crate::metrics::Metric;
use crate::records::{Problems, TextFile};
use crate::section::{Section, Source, list, nearest};
use modeldeploy_format::Digest;
use std::path::Path;

pub(super) fn read(path: &Path) -> Result<Suite, Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let file = TextFile::read(path, &shown).map_err(|mut error| {
        error.code = UNREADABLE;
        error.help = Some("name a suite: `cargo modeldeploy eval --help` shows what it looks like".into());
        vec![error]
    })?;
    let source = Source::new(&shown, &file.text, FORM);
    let Some(document) = source.parse() else { return Err(source.errors()) };
    let top = Section::new(&source, "", &document, 0);
    let mut problems = Problems::default();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut digests = vec![file.digest];

    let kind = top.string("kind").unwrap_or_else(|| "search".into());
    let metrics = metrics(&source, &top, &kind, &mut problems);
    let kind = match kind.as_str() {
        "search" => search::read(&source, &top, folder, &mut digests, &mut problems).map(Kind::Search),
        "classify" => classify::read(&source, &top, folder, &mut digests, &mut problems).map(Kind::Classify),
        "requests" => requests::read(&source, &top, folder, &mut digests, &mut problems).map(Kind::Requests),
        other => {
            let help = match nearest(other, ["search", "classify", "requests"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "there are `search`, `classify` and `requests`".into(),
            };
            source.fail(top.at("kind"), format!("there is no kind `{other}` of suite"), help);
            None
        }
    };
    if kind.is_some() {
        top.finish();
    }
    let mut errors = source.errors();
    errors.extend(problems.or(()).err().unwrap_or_default());
    match kind {
        Some(kind) if errors.is_empty() => {
            let all: Vec<u8> = digests.iter().flat_map(|digest| *digest.as_bytes()).collect();
            Ok(Suite { shown, digest: Digest::of(&all), metrics, kind })
        }
        _ => Err(errors),
    }
}

/// Whether a suite of that kind measures a metric.
fn is_measured(metric: Metric, kind: &str) -> bool {
    match metric {
        Metric::Cosine => kind != "requests",
        Metric::Accuracy => kind == "classify",
        Metric::Ndcg(_) | Metric::Recall(_) | Metric::Mrr(_) => kind != "classify",
        Metric::HitRate(_) | Metric::Auc | Metric::LogLoss => kind == "requests",
    }
}

fn metrics(source: &Source<'_>, top: &Section<'_, '_>, kind: &str, problems: &mut Problems) -> Vec<Metric> {
    let defaults = || vec![(if kind == "classify" { "accuracy" } else { "ndcg@10" }.to_owned(), 0)];
    let names = top.strings("metrics").unwrap_or_else(defaults);
    if names.is_empty() {
        let place = source.place(top.at("metrics"));
        problems.add(EMPTY, "the suite measures nothing", place, "write metrics = [\"ndcg@10\"]");
    }
    let mut metrics = vec![];
    for (name, at) in names {
        let place = source.place(at);
        match Metric::parse(&name) {
            Some(metric) if metrics.contains(&metric) => {
                problems.add(METRIC, format!("`{name}` stands twice"), place, "remove one of them");
            }
            Some(metric) if !is_measured(metric, kind) => {
                let help = "`accuracy` is for `kind = \"classify\"`, `ndcg`, `recall` and `mrr` for `search` and `requests`, `hr`, `auc` and `logloss` for `requests`";
                problems.add(METRIC, format!("`{name}` cannot be measured by a suite of kind `{kind}`"), place, help);
            }
            Some(metric) => metrics.push(metric),
            None => {
                let help = match nearest(&name, Metric::NAMES) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}, with any number after `@`", list(&Metric::NAMES)),
                };
                problems.add(METRIC, format!("there is no metric `{name}`"), place, help);
            }
        }
    }
    metrics
}

//! The gate: whether what compression cost is within what the manifest allows.

use crate::diagnostic::{Code, Diagnostic};
use crate::eval::{Evaluation, Figure};
use crate::manifest::GateEntry;
use crate::metrics::Metric;
use crate::suite::{EMPTY, Kind, Suite};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::LockedGate;
use std::collections::BTreeMap;

/// A model under its gate.
pub const UNDER: Code = Code("MD0610");

/// The gate's metric among what the suite measures; `metric = "cosine"` is always measured.
///
/// # Errors
///
/// If there is no such metric, or the suite does not measure it.
pub fn metric(gate: &GateEntry, place: &str, measured: &[Metric]) -> Result<Metric, Diagnostic> {
    let names: Vec<String> = measured.iter().map(ToString::to_string).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).chain(["cosine"]).collect();
    let wrong = |message: String| {
        let help = match crate::section::nearest(&gate.metric, known.iter().copied()) {
            Some(near) if near != gate.metric => format!("did you mean `{near}`?"),
            _ => format!("`{}` measures {}", gate.suite, crate::section::list(&known)),
        };
        Diagnostic::new(crate::suite::METRIC, message).at(place).help(help)
    };
    match Metric::parse(&gate.metric) {
        Some(metric) if metric == Metric::Cosine || measured.contains(&metric) => Ok(metric),
        Some(_) => Err(wrong(format!("the suite does not measure the gate's metric `{}`", gate.metric))),
        None => Err(wrong(format!("there is no metric `{}`", gate.metric))),
    }
}

/// Refuses a suite on which the f32 reference itself scores 0, as where no judgment is as high as `relevant`: what compression cost
/// cannot be seen there.
///
/// # Errors
///
/// One that names the file of the judgments.
pub fn measures(metric: Metric, evaluation: &Evaluation, suite: &Suite) -> Result<(), Diagnostic> {
    if figure(metric, evaluation).base != 0.0 {
        return Ok(());
    }
    let (place, help) = match &suite.kind {
        Kind::Search(search) => {
            (&search.judgments, "judge documents that the model finds, or look at `relevant` and `k` of the suite")
        }
        Kind::Requests(_) => (&suite.shown, "look at `relevant` of the suite and at the labels of its requests"),
        Kind::Classify(_) => (&suite.shown, "look at the labels of the examples: are they those of this model?"),
    };
    let message = format!("the f32 reference scores 0 on `{metric}`, so that the suite measures nothing");
    Err(Diagnostic::new(EMPTY, message).at(place).help(help))
}

/// What the gate says of an evaluation: the thresholds that are not reached, each by how much. Empty: the model passes.
pub fn shortfalls(gate: &GateEntry, metric: Metric, evaluation: &Evaluation) -> Vec<String> {
    let figure = figure(metric, evaluation);
    let mut short = vec![];
    let mut at_least = |what: String, got: f64, least: Option<f64>| {
        if let Some(least) = least
            && got < least
        {
            short.push(format!("{what} is {got:.6}, {:.6} under {least}", least - got));
        }
    };
    let ratio = format!("the ratio of `{metric}` (pack {:.6} / f32 {:.6})", figure.got, figure.base);
    at_least(ratio, figure.ratio(), gate.min_ratio);
    at_least(format!("`{metric}` of the pack"), figure.got, gate.min);
    match &evaluation.agreement {
        Some(agreement) => at_least("the least cosine to f32".into(), agreement.min, gate.min_cosine),
        None if gate.min_cosine.is_some() => {
            short.push("`min-cosine` cannot be measured: the model gives one value".into());
        }
        None => {}
    }
    short
}

/// The error for a model under its gate. `layers` are those that cost most, the worst first, with their share of the error.
pub fn refusal(
    name: &str,
    place: &str,
    short: &[String],
    evaluation: &Evaluation,
    layers: &[(String, f64)],
) -> Diagnostic {
    let mut message = format!("model `{name}` is under its gate: {}", short.join("; "));
    if let Some(agreement) = &evaluation.agreement
        && let Some((text, cosine)) = agreement.worst.first()
    {
        let text: String = text.chars().take(60).collect();
        message.push_str(&format!("\n  the worst text is {text:?} (cosine {cosine:.6})"));
    }
    if !layers.is_empty() {
        message.push_str("\n  the layers that cost most (relative error of their output against f32):");
        for (layer, error) in layers {
            message.push_str(&format!("\n    {error:.5}  {layer}"));
        }
    }
    Diagnostic::new(UNDER, message)
        .at(place)
        .help("keep the costly parts at a higher precision (quantize = { default = \"int8\", PART = \"f32\" }), or lower the gate")
}

/// What the lock keeps of it. Metrics have six digits after the point.
pub fn locked(gate: &GateEntry, metric: Metric, suite: Digest, evaluation: &Evaluation) -> LockedGate {
    let text = |value: f64| format!("{value:.6}");
    let chosen = figure(metric, evaluation);
    let mut thresholds = BTreeMap::new();
    for (name, value) in [("min-ratio", gate.min_ratio), ("min-cosine", gate.min_cosine), ("min", gate.min)] {
        thresholds.extend(value.map(|value| (name.to_owned(), value.to_string())));
    }
    let mut figures = BTreeMap::new();
    for figure in evaluation.figures.iter().filter(|figure| figure.metric != metric) {
        figures.insert(figure.metric.to_string(), text(figure.got));
    }
    if let Some(agreement) = &evaluation.agreement {
        figures.insert("cosine-mean".into(), text(agreement.mean));
        figures.insert("cosine-min".into(), text(agreement.min));
    }
    LockedGate {
        suite,
        metric: metric.to_string(),
        base: text(chosen.base),
        got: text(chosen.got),
        thresholds,
        figures,
    }
}

fn figure(metric: Metric, evaluation: &Evaluation) -> Figure {
    let measured = evaluation.figures.iter().find(|figure| figure.metric == metric);
    let mean = evaluation.agreement.as_ref().map_or(1.0, |agreement| agreement.mean);
    measured.copied().unwrap_or(Figure { metric, base: 1.0, got: mean })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Agreement;

    fn evaluation(base: f64, got: f64, min: f64) -> Evaluation {
        Evaluation {
            figures: vec![Figure { metric: Metric::Ndcg(10), base, got }],
            agreement: Some(Agreement { mean: 0.999, min, worst: vec![("手机".into(), min)] }),
            largest_difference: 0.1,
            texts: 10,
            measured: 5,
            of_requests: false,
            without_relevant: 0,
        }
    }

    fn gate() -> GateEntry {
        let suite = "eval/search.toml".into();
        GateEntry { suite, metric: "ndcg@10".into(), min_ratio: Some(0.99), min_cosine: Some(0.995), min: Some(0.5) }
    }

    #[test]
    fn a_model_over_its_thresholds_passes() {
        assert!(shortfalls(&gate(), Metric::Ndcg(10), &evaluation(0.8, 0.792, 0.995)).is_empty());
    }

    #[test]
    fn each_shortfall_is_said_by_how_much() {
        for (evaluation, said) in [
            (evaluation(0.8, 0.76, 0.999), vec!["pack 0.760000 / f32 0.800000) is 0.950000, 0.040000 under 0.99"]),
            (evaluation(0.4, 0.4, 0.999), vec!["`ndcg@10` of the pack is 0.400000, 0.100000 under 0.5"]),
            (evaluation(0.8, 0.8, 0.99), vec!["the least cosine to f32 is 0.990000, 0.005000 under 0.995"]),
            (evaluation(0.8, 0.4, -1.0), vec!["0.490000 under 0.99", "0.100000 under 0.5", "1.995000 under 0.995"]),
        ] {
            let short = shortfalls(&gate(), Metric::Ndcg(10), &evaluation);
            assert_eq!(short.len(), said.len(), "{short:?}");
            short.iter().zip(said).for_each(|(short, said)| assert!(short.contains(said), "{short}"));
        }
    }

    #[test]
    fn a_refusal_names_the_worst_text_and_the_costly_layers() {
        let evaluation = evaluation(0.8, 0.4, 0.9);
        let short = shortfalls(&gate(), Metric::Ndcg(10), &evaluation);
        let layers = [("encoder.layer.0.output.dense".to_owned(), 0.25)];
        let error = refusal("query-encoder", "Cargo.toml:3:1", &short, &evaluation, &layers).to_string();
        for said in ["error[MD0610]", "手机", "0.25000  encoder.layer.0.output.dense", "--> Cargo.toml:3:1", "help: "]
        {
            assert!(error.contains(said), "{said} is not in {error}");
        }
    }

    #[test]
    fn the_metric_must_be_one_that_the_suite_measures() {
        let measured = [Metric::Ndcg(10), Metric::Mrr(None)];
        for (name, said) in [("ndcg@5", "did you mean `ndcg@10`"), ("nonsense", "there is no metric `nonsense`")] {
            let error = metric(&GateEntry { metric: name.into(), ..gate() }, "Cargo.toml:1:1", &measured);
            let error = error.expect_err(name).to_string();
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(metric(&gate(), "", &measured), Ok(Metric::Ndcg(10)));
        assert_eq!(metric(&GateEntry { metric: "cosine".into(), ..gate() }, "", &measured), Ok(Metric::Cosine));
    }

    #[test]
    fn the_lock_keeps_figures_as_text() {
        let locked = locked(&gate(), Metric::Ndcg(10), Digest::of(b""), &evaluation(0.8, 0.792, 0.995));
        assert_eq!((locked.base.as_str(), locked.got.as_str()), ("0.800000", "0.792000"));
        assert_eq!(locked.thresholds["min-ratio"], "0.99");
        assert_eq!(locked.figures["cosine-min"], "0.995000");
    }
}

//! Requests with the labels of their candidates, scored by the reference and by the pack.

use super::{Evaluation, FAILED, Figure, MISFIT};
use crate::diagnostic::Diagnostic;
use crate::features::{Served, requests};
use crate::metrics::{Metric, auc, hit_rate, logloss, mrr, ndcg, rank, recall};
use crate::suite::{FORM, Kind, Suite};
use modeldeploy_format::features::Features;

/// What scores the candidates of a request: the first score of each, in their order.
pub type Scores<'s> = dyn Fn(&Served) -> Result<Vec<f64>, Diagnostic> + 's;

/// Runs a suite of requests on both. `progress` hears how many requests of how many are done.
///
/// # Errors
///
/// If the suite is of another kind or does not fit the features, or a score is no number, or no probability where a loss is asked for.
pub fn run_requests(
    suite: &Suite,
    features: &Features,
    base: &Scores<'_>,
    got: &Scores<'_>,
    progress: &dyn Fn(usize, usize),
) -> Result<Evaluation, Vec<Diagnostic>> {
    let one = |error: Diagnostic| vec![error];
    let Kind::Requests(of) = &suite.kind else {
        let message = format!("a suite of kind `{}` cannot measure a model that does `rank`", suite.kind.name());
        let help = "`requests` is for `rank`: the file has a request on each line, with the labels of its candidates";
        return Err(one(Diagnostic::new(MISFIT, message).at(&suite.shown).help(help)));
    };
    let served = requests(&of.file, features, ("labels", 1), FORM)?;
    let (mut of_base, mut of_got) = (vec![], vec![]);
    for (at, request) in served.iter().enumerate() {
        of_base.push(checked(request, base(request).map_err(one)?).map_err(one)?);
        of_got.push(checked(request, got(request).map_err(one)?).map_err(one)?);
        progress(at + 1, served.len());
    }
    let labelled = Labelled { served: &served, relevant: of.relevant };
    let mut figures = vec![];
    for &metric in &suite.metrics {
        let measure = |scores: &[Vec<f64>]| labelled.figure(metric, scores);
        let (Some(base), Some(got)) = (measure(&of_base), measure(&of_got)) else {
            let message = format!("`{metric}` cannot be measured: {}", why(metric));
            let help = "look at `relevant` and the labels of the requests, or take the metric away";
            return Err(one(Diagnostic::new(MISFIT, message).at(&suite.shown).help(help)));
        };
        figures.push(Figure { metric, base, got });
    }
    let differences = of_base.iter().flatten().zip(of_got.iter().flatten()).map(|(a, b)| (a - b).abs());
    let is_relevant = |request: &&Served| request.said.iter().any(|&label| label >= of.relevant);
    let measured = served.iter().filter(is_relevant).count();
    Ok(Evaluation {
        figures,
        agreement: None,
        largest_difference: differences.fold(0.0, f64::max),
        texts: served.iter().map(Served::candidates).sum(),
        measured,
        of_requests: true,
        without_relevant: served.len() - measured,
    })
}

fn checked(request: &Served, scores: Vec<f64>) -> Result<Vec<f64>, Diagnostic> {
    match scores.iter().position(|score| score.is_nan()) {
        None => Ok(scores),
        Some(at) => Err(Diagnostic::new(FAILED, format!("the model gives no number for candidate {at}"))
            .at(&request.place)
            .help("look for values that are infinite, or that training never saw")),
    }
}

/// Why a metric has no figure.
fn why(metric: Metric) -> &'static str {
    match metric {
        Metric::LogLoss => "a score is no probability from 0 to 1",
        Metric::Auc => "all candidates are relevant, or none is",
        _ => "no request has a relevant candidate",
    }
}

/// The figure of one request: of the labels as they were ranked, and of all.
type Figured<'f> = dyn Fn(&[f64], &[f64]) -> Option<f64> + 'f;

/// Requests whose labels say what is relevant.
struct Labelled<'l> {
    served: &'l [Served],
    relevant: f64,
}

impl Labelled<'_> {
    fn figure(&self, metric: Metric, scores: &[Vec<f64>]) -> Option<f64> {
        let relevant = self.relevant;
        let all = || {
            let labels = self.served.iter().flat_map(|request| &request.said).map(|&label| label >= relevant);
            (scores.concat(), labels.collect::<Vec<bool>>())
        };
        let mean = |figure: &Figured<'_>| {
            let of_request = |(request, scores): (&Served, &Vec<f64>)| {
                let ranked: Vec<f64> = rank(scores).into_iter().map(|at| request.said[at]).collect();
                figure(&ranked, &request.said)
            };
            let figures: Vec<f64> = self.served.iter().zip(scores).filter_map(of_request).collect();
            (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
        };
        match metric {
            Metric::Ndcg(k) => mean(&|ranked, judged| ndcg(ranked, judged, k)),
            Metric::Recall(k) => mean(&|ranked, judged| recall(ranked, judged, k, relevant)),
            Metric::Mrr(k) => mean(&|ranked, judged| mrr(ranked, judged, k, relevant)),
            Metric::HitRate(k) => mean(&|ranked, judged| hit_rate(ranked, judged, k, relevant)),
            Metric::Auc => {
                let (scores, labels) = all();
                auc(&scores, &labels)
            }
            Metric::LogLoss => {
                let (scores, labels) = all();
                logloss(&scores, &labels)
            }
            Metric::Accuracy | Metric::Cosine => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::TextFile;
    use crate::suite::Requests;
    use modeldeploy_format::Digest;
    use modeldeploy_format::features::{Feature, Rule, Side, Takes};

    fn features() -> Features {
        let rule = Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 };
        Features::new(vec![Feature {
            name: "x".into(),
            side: Side::Candidate,
            repeated: false,
            takes: Takes::Number,
            rule,
        }])
        .expect("features")
    }

    fn suite(metrics: &[&str]) -> Suite {
        let text = "{\"candidates\": [{\"x\": 0.9}, {\"x\": 0.2}, {\"x\": 0.6}], \"labels\": [0, 0, 1]}\n\
                    {\"candidates\": [{\"x\": 0.3}, {\"x\": 0.1}], \"labels\": [1, 0]}\n";
        let file = TextFile { shown: "requests.jsonl".into(), text: text.into(), digest: Digest::of(b"") };
        let metrics = metrics.iter().map(|name| Metric::parse(name).expect("a metric")).collect();
        let kind = Kind::Requests(Requests { file, relevant: 1.0 });
        Suite { shown: "suite.toml".into(), digest: Digest::of(b""), metrics, kind }
    }

    fn first(request: &Served, factor: f64) -> Result<Vec<f64>, Diagnostic> {
        let rows = request.rows(&features()).expect("rows");
        Ok(rows.into_iter().map(|row| row[0] * factor).collect())
    }

    #[test]
    fn both_are_measured_over_requests_and_over_all_candidates() {
        let suite = suite(&["mrr", "hr@1", "auc", "logloss"]);
        let (base, got) = (|request: &Served| first(request, 1.0), |request: &Served| first(request, -1.0));
        let error = run_requests(&suite, &features(), &base, &got, &|_, _| {}).expect_err("no probabilities");
        assert!(
            error[0].to_string().contains("`logloss` cannot be measured: a score is no probability"),
            "{}",
            error[0]
        );
        let upside_down = |request: &Served| Ok(first(request, 1.0)?.into_iter().map(|score| 1.0 - score).collect());
        let found = run_requests(&suite, &features(), &base, &upside_down, &|_, _| {}).expect("figures");
        // By hand: places 2 and 1; 2 and 2. Of six pairs the relevant has the greater score in four, and upside down in two.
        let expected = [((0.5 + 1.0) / 2.0, 0.5), (0.5, 0.0), (4.0 / 6.0, 2.0 / 6.0)];
        for (figure, (base, got)) in found.figures.iter().zip(expected) {
            assert!((figure.base - base).abs() < 1e-12 && (figure.got - got).abs() < 1e-12, "{figure:?}");
        }
        let loss = found.figures[3];
        assert!(loss.base < loss.got && loss.ratio() < 1.0, "{loss:?}");
        assert_eq!((found.texts, found.measured, found.without_relevant), (5, 2, 0));
    }

    #[test]
    fn a_score_that_is_no_number_names_its_request() {
        let got = |_: &Served| Ok(vec![f64::NAN; 3]);
        let base = |request: &Served| first(request, 1.0);
        let errors = run_requests(&suite(&["auc"]), &features(), &base, &got, &|_, _| {}).expect_err("NaN");
        assert!(errors[0].to_string().contains("requests.jsonl:1"), "{}", errors[0]);
    }
}

//! A suite, run on the f32 reference and on the pack side by side.

mod engine;
mod outputs;
mod requests;
mod search;

pub use engine::{Engine, Text};
pub use requests::{Scores, run_requests};
pub(crate) use search::{default_prompt, document_prompt};

use crate::diagnostic::{Code, Diagnostic};
use crate::metrics::{Metric, cosine};
use crate::suite::{Example, Kind, Suite};
use modeldeploy_format::{Signature, Task};
use outputs::Outputs;

/// A model that fails on a text, or gives no number.
pub const FAILED: Code = Code("MD0611");
/// A suite that does not fit the model.
pub const MISFIT: Code = Code("MD0612");

/// How many of the worst texts are named.
const WORST: usize = 5;

/// What a suite measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Each metric of the suite, in its order.
    pub figures: Vec<Figure>,
    /// How far the pack's outputs are from the reference's; `None` for a model with a single output.
    pub agreement: Option<Agreement>,
    /// The largest difference of an output value.
    pub largest_difference: f64,
    /// How many different texts (or pairs), or candidates, were run.
    pub texts: usize,
    /// How many queries, examples or requests have a figure.
    pub measured: usize,
    /// Whether they are candidates and requests.
    pub of_requests: bool,
    /// How many queries have no relevant document, and so no figure.
    pub without_relevant: usize,
}

/// One metric, of both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Which.
    pub metric: Metric,
    /// The reference's.
    pub base: f64,
    /// The pack's.
    pub got: f64,
}

impl Figure {
    /// The pack's figure divided by the reference's, or the other way where less is better; 1 where both are 0.
    pub fn ratio(&self) -> f64 {
        match self.base == self.got {
            true => 1.0,
            false if self.metric.is_loss() => self.base / self.got,
            false => self.got / self.base,
        }
    }
}

/// Cosines of the pack's outputs to the reference's.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Their mean.
    pub mean: f64,
    /// The least.
    pub min: f64,
    /// The texts with the least, the worst first.
    pub worst: Vec<(String, f64)>,
}

/// Runs a suite on both engines. `progress` hears how many texts of how many are done.
///
/// # Errors
///
/// If the suite does not fit the model, or one of the engines fails on a text or gives something that is no number.
pub fn run(
    suite: &Suite,
    signature: &Signature,
    base: &dyn Engine,
    got: &dyn Engine,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Evaluation, Vec<Diagnostic>> {
    match (&suite.kind, signature.task) {
        (Kind::Search(search), Task::Embed) => search::embed(suite, search, signature, base, got, progress),
        (Kind::Search(search), Task::Score) => search::score(suite, search, base, got, progress),
        (Kind::Classify(examples), Task::Classify) => classify(suite, examples, signature, base, got, progress),
        (kind, task) => {
            let kind = kind.name();
            Err(vec![
                Diagnostic::new(MISFIT, format!("a suite of kind `{kind}` cannot measure a model that does `{task}`"))
                    .at(&suite.shown)
                    .help("`search` is for `embed` and `score`, `classify` for `classify`, `requests` for `rank`"),
            ])
        }
    }
}

fn classify(
    suite: &Suite,
    examples: &[Example],
    signature: &Signature,
    base: &dyn Engine,
    got: &dyn Engine,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Evaluation, Vec<Diagnostic>> {
    let mut right = vec![];
    let mut errors = vec![];
    for example in examples {
        match signature.labels.iter().position(|label| *label == example.label) {
            Some(label) => right.push(label),
            None => errors.push(
                Diagnostic::new(MISFIT, format!("the model has no label `{}`", example.label))
                    .at(&suite.shown)
                    .help(format!("its labels are {}", signature.labels.join(", "))),
            ),
        }
    }
    if !errors.is_empty() {
        errors.dedup();
        return Err(errors);
    }
    let texts: Vec<Text> = examples.iter().map(|it| Text { text: it.text.clone(), pair: it.pair.clone() }).collect();
    let outputs = Outputs::run(texts.clone(), base, got, progress)?;
    let accuracy = |values: &[Vec<f32>]| {
        let hits = texts.iter().zip(&right).filter(|(text, label)| {
            let scores: Vec<f64> = values[outputs.at(text)].iter().map(|score| f64::from(*score)).collect();
            crate::metrics::rank(&scores)[0] == **label
        });
        hits.count() as f64 / texts.len() as f64
    };
    let figure = |metric| match metric {
        Metric::Cosine => Figure { metric, base: 1.0, got: outputs.agreement().map_or(1.0, |it| it.mean) },
        _ => Figure { metric, base: accuracy(&outputs.base), got: accuracy(&outputs.got) },
    };
    let figures = suite.metrics.iter().copied().map(figure).collect();
    Ok(outputs.evaluation(figures, texts.len(), 0))
}

impl Outputs {
    fn agreement(&self) -> Option<Agreement> {
        if self.base.first().is_none_or(|values| values.len() < 2) {
            return None;
        }
        let mut cosines: Vec<(usize, f64)> =
            self.base.iter().zip(&self.got).map(|(base, got)| cosine(base, got)).enumerate().collect();
        let mean = cosines.iter().map(|(_, cosine)| cosine).sum::<f64>() / cosines.len() as f64;
        cosines.sort_by(|a, b| a.1.total_cmp(&b.1));
        let worst = cosines.iter().take(WORST).map(|(at, cosine)| (self.texts[*at].to_string(), *cosine)).collect();
        Some(Agreement { mean, min: cosines[0].1, worst })
    }

    fn evaluation(&self, figures: Vec<Figure>, measured: usize, without_relevant: usize) -> Evaluation {
        let values = |outputs: &[Vec<f32>]| outputs.iter().flatten().copied().map(f64::from).collect::<Vec<_>>();
        let differences = values(&self.base).into_iter().zip(values(&self.got)).map(|(a, b)| (a - b).abs());
        Evaluation {
            figures,
            agreement: self.agreement(),
            largest_difference: differences.fold(0.0, f64::max),
            texts: self.texts.len(),
            measured,
            of_requests: false,
            without_relevant,
        }
    }
}

#[cfg(test)]
mod tests;

//! Rankings: by the cosine of query and document, or by a cross-encoder's relevance.

use super::outputs::Outputs;
use super::{Engine, Evaluation, Figure, MISFIT, Text};
use crate::diagnostic::Diagnostic;
use crate::metrics::{Metric, mrr, ndcg, rank, recall};
use crate::suite::{Kind, Query, Rank, Search, Suite};
use modeldeploy_format::Signature;

/// A query's judged or all documents in the order of the ranking, as ratings.
type Ranked = Vec<f64>;

pub(super) fn embed(
    suite: &Suite,
    search: &Search,
    signature: &Signature,
    base: &dyn Engine,
    got: &dyn Engine,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Evaluation, Vec<Diagnostic>> {
    let before_query = prompt(suite, signature, search.query_prompt.as_deref())?;
    let before_document = document_prompt(suite, signature)?;
    let text = |prompt: &str, text: &str| Text { text: format!("{prompt}{text}"), pair: None };
    let of_document = |at: usize| text(before_document, &search.documents[at].text);
    let queries = search.queries.iter().map(|query| text(before_query, &query.text));
    let documents: Vec<usize> = match search.rank {
        Rank::Corpus => (0..search.documents.len()).collect(),
        Rank::Judged => {
            let mut judged: Vec<usize> = search.queries.iter().flat_map(|query| &query.judged).map(|it| it.0).collect();
            judged.sort_unstable();
            judged.dedup();
            judged
        }
    };
    let texts = queries.clone().chain(documents.iter().map(|&at| of_document(at))).collect();
    let outputs = Outputs::run(texts, base, got, progress)?;
    let queries: Vec<usize> = queries.map(|text| outputs.at(&text)).collect();
    let mut place_of = vec![usize::MAX; search.documents.len()];
    documents.iter().for_each(|&at| place_of[at] = outputs.at(&of_document(at)));
    let ranked = |values: &[Vec<f32>]| -> Vec<Ranked> {
        let units: Vec<Vec<f64>> = values.iter().map(|vector| unit(vector)).collect();
        let rank =
            |(query, &place): (&Query, &usize)| order(search, query, |at| dot(&units[place], &units[place_of[at]]));
        search.queries.iter().zip(&queries).map(rank).collect()
    };
    Ok(evaluation(suite, search, &outputs, &ranked(&outputs.base), &ranked(&outputs.got)))
}

pub(super) fn score(
    suite: &Suite,
    search: &Search,
    base: &dyn Engine,
    got: &dyn Engine,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Evaluation, Vec<Diagnostic>> {
    if search.rank == Rank::Corpus {
        let message = "a model that does `score` cannot rank a whole corpus: it reads each pair of query and document";
        return Err(vec![Diagnostic::new(MISFIT, message).at(&suite.shown).help("write rank = \"judged\"")]);
    }
    let pair =
        |query: &Query, at: usize| Text { text: query.text.clone(), pair: Some(search.documents[at].text.clone()) };
    let pairs = search.queries.iter().flat_map(|query| query.judged.iter().map(move |it| pair(query, it.0)));
    let outputs = Outputs::run(pairs.collect(), base, got, progress)?;
    let ranked = |values: &[Vec<f32>]| -> Vec<Ranked> {
        let relevance = |query: &Query, at: usize| f64::from(values[outputs.at(&pair(query, at))][0]);
        search.queries.iter().map(|query| order(search, query, |at| relevance(query, at))).collect()
    };
    Ok(evaluation(suite, search, &outputs, &ranked(&outputs.base), &ranked(&outputs.got)))
}

/// What is put before a suite's documents: the prompt that it names for them, or the model's default one.
///
/// # Errors
///
/// If the model has no prompt of that name.
pub(crate) fn document_prompt<'s>(suite: &Suite, signature: &'s Signature) -> Result<&'s str, Vec<Diagnostic>> {
    let name = match &suite.kind {
        Kind::Search(search) => search.document_prompt.as_deref(),
        Kind::Classify(_) | Kind::Requests(_) => None,
    };
    prompt(suite, signature, name)
}

/// What a service puts before a text where nobody names a prompt.
pub(crate) fn default_prompt(signature: &Signature) -> &str {
    let Some(name) = &signature.default_prompt else { return "" };
    signature.prompts.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text)
}

/// The text of a prompt; the model's default one if the suite names none.
fn prompt<'s>(suite: &Suite, signature: &'s Signature, name: Option<&str>) -> Result<&'s str, Vec<Diagnostic>> {
    let Some(name) = name else { return Ok(default_prompt(signature)) };
    match signature.prompts.iter().find(|(known, _)| known == name) {
        Some((_, text)) => Ok(text),
        None => {
            let known: Vec<&str> = signature.prompts.iter().map(|(name, _)| name.as_str()).collect();
            let help = match known.as_slice() {
                [] => "the model has no prompts: remove `prompt`".into(),
                known => format!("it has {}", crate::section::list(known)),
            };
            Err(vec![Diagnostic::new(MISFIT, format!("the model has no prompt `{name}`")).at(&suite.shown).help(help)])
        }
    }
}

fn order(search: &Search, query: &Query, score: impl Fn(usize) -> f64) -> Ranked {
    let candidates: Vec<(usize, f64)> = match search.rank {
        Rank::Judged => query.judged.clone(),
        Rank::Corpus => {
            let mut all: Vec<(usize, f64)> = (0..search.documents.len()).map(|at| (at, 0.0)).collect();
            query.judged.iter().for_each(|&(at, rating)| all[at].1 = rating);
            all
        }
    };
    let scores: Vec<f64> = candidates.iter().map(|&(at, _)| score(at)).collect();
    rank(&scores).into_iter().map(|place| candidates[place].1).collect()
}

fn evaluation(suite: &Suite, search: &Search, outputs: &Outputs, base: &[Ranked], got: &[Ranked]) -> Evaluation {
    let relevant = search.relevant;
    let mean = |metric: Metric, ranked: &[Ranked]| {
        let figures = search.queries.iter().zip(ranked).filter_map(|(query, ranked)| {
            let judged: Vec<f64> = query.judged.iter().map(|it| it.1).collect();
            match metric {
                Metric::Ndcg(k) => ndcg(ranked, &judged, k),
                Metric::Recall(k) => recall(ranked, &judged, k, relevant),
                Metric::Mrr(k) => mrr(ranked, &judged, k, relevant),
                _ => None,
            }
        });
        let figures: Vec<f64> = figures.collect();
        if figures.is_empty() { 0.0 } else { figures.iter().sum::<f64>() / figures.len() as f64 }
    };
    let figure = |metric| match metric {
        Metric::Cosine => Figure { metric, base: 1.0, got: outputs.agreement().map_or(1.0, |it| it.mean) },
        _ => Figure { metric, base: mean(metric, base), got: mean(metric, got) },
    };
    let with_relevant = |query: &&Query| query.judged.iter().any(|it| it.1 > 0.0);
    let measured = search.queries.iter().filter(with_relevant).count();
    let figures = suite.metrics.iter().copied().map(figure).collect();
    outputs.evaluation(figures, measured, search.queries.len() - measured)
}

fn unit(vector: &[f32]) -> Vec<f64> {
    let vector: Vec<f64> = vector.iter().copied().map(f64::from).collect();
    let length = dot(&vector, &vector).sqrt();
    if length == 0.0 { vector } else { vector.into_iter().map(|value| value / length).collect() }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

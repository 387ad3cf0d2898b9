//! A ranker's scores as JSON has them: a number for each candidate, or a list where a candidate has several.

use crate::inference::Scores;
use serde::Serialize;

/// The scores of some candidates.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Scored<'a> {
    /// One of each.
    One(&'a [f64]),
    /// Several of each.
    Several(Vec<&'a [f64]>),
}

/// Scores for an answer.
pub(super) fn scored(scores: &Scores) -> Scored<'_> {
    match scores.width {
        1 => Scored::One(&scores.values),
        width => Scored::Several(scores.values.chunks_exact(width).collect()),
    }
}

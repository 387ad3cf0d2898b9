//! What was found of a shadow, as `GET /models/{name}/shadow` tells it.

use super::compare::{Comparison, measure};
use super::{LIMITS, RANKS, Shadow};
use modeldeploy::format::Task;
use serde::Serialize;
use std::collections::BTreeMap;

/// The comparisons of a shadow with one version.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    requests: u64,
    pub(super) distance: Spread,
    /// By the limit under which they are: of the texts or candidates that are under no lower one.
    pub(super) under: [u64; LIMITS.len()],
    pub(super) agreed: Option<u64>,
    pub(super) rank: Option<Spread>,
    /// Likewise, of the requests.
    pub(super) ranks: [u64; RANKS.len()],
}

/// The mean and the farthest of some values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        let is_first = self.count == 0;
        self.min = if is_first { value } else { self.min.min(value) };
        self.max = if is_first { value } else { self.max.max(value) };
        self.count += 1;
        self.sum += value;
    }

    /// How many, and their sum.
    pub(super) fn total(&self) -> (u64, f64) {
        (self.count, self.sum)
    }

    fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }
}

impl Tally {
    pub(super) fn add(&mut self, comparison: &Comparison) {
        self.requests += 1;
        for &distance in &comparison.distances {
            self.distance.add(distance);
            if let Some(at) = LIMITS.iter().position(|&limit| distance <= limit) {
                self.under[at] += 1;
            }
        }
        if let Some(agreed) = comparison.agreed {
            *self.agreed.get_or_insert(0) += agreed as u64;
        }
        if let Some(rank) = comparison.rank {
            self.rank.get_or_insert_default().add(rank);
            if let Some(at) = RANKS.iter().position(|&limit| rank <= limit) {
                self.ranks[at] += 1;
            }
        }
    }
}

/// What is told of a shadow.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    label: Option<&'static str>,
    /// What a distance is.
    measure: &'static str,
    /// Requests.
    compared: u64,
    dropped: u64,
    failed: u64,
    against: Vec<Against>,
}

#[derive(Debug, Serialize)]
struct Against {
    version: &'static str,
    requests: u64,
    /// Of a model of texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<u64>,
    /// Of a ranker.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<u64>,
    distance: Distance,
    /// Texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels_agreed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank_correlation: Option<Rank>,
}

#[derive(Debug, Serialize)]
struct Distance {
    mean: f64,
    max: f64,
    /// How many texts or candidates are no farther, by the limit.
    at_most: Vec<(f64, u64)>,
}

#[derive(Debug, Serialize)]
struct Rank {
    requests: u64,
    mean: f64,
    min: f64,
}

impl Report {
    pub(super) fn of(
        shadow: &Shadow,
        [compared, dropped, failed]: [u64; 3],
        tallies: &BTreeMap<&'static str, Tally>,
    ) -> Report {
        let is_ranker = shadow.facts.task == Task::Rank;
        let against = tallies.iter().map(|(version, tally)| {
            let sums = LIMITS.iter().zip(&tally.under).scan(0, |sum, (&limit, under)| {
                *sum += under;
                Some((limit, *sum))
            });
            let distance = Distance { mean: tally.distance.mean(), max: tally.distance.max, at_most: sums.collect() };
            let rank = tally.rank.map(|rank| Rank { requests: rank.count, mean: rank.mean(), min: rank.min });
            Against {
                version,
                requests: tally.requests,
                texts: (!is_ranker).then_some(tally.distance.count),
                candidates: is_ranker.then_some(tally.distance.count),
                distance,
                labels_agreed: tally.agreed,
                rank_correlation: rank,
            }
        });
        let (version, label) = (shadow.card.version, shadow.label);
        let measure = measure(&shadow.facts);
        Report { version, label, measure, compared, dropped, failed, against: against.collect() }
    }
}

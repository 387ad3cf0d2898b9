//! What was found of shadows, as Prometheus reads it.

use super::compare::Comparison;
use super::{LIMITS, Shadow};
use crate::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// What became of a request's comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Compared,
    /// There was no room for it, or no time.
    Dropped,
    /// The shadow could not run it.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    model: &'static str,
    version: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Pair {
    model: &'static str,
    version: &'static str,
    against: &'static str,
}

type Histograms = Family<Pair, Histogram, fn() -> Histogram>;

/// The meters of all shadows. Cloning shares them.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    requests: Family<ByOutcome, Counter>,
    distance: Histograms,
    agreed: Family<Pair, Counter>,
    rank: Histograms,
}

impl Outcome {
    pub(super) const ALL: [Outcome; 3] = [Outcome::Compared, Outcome::Dropped, Outcome::Failed];

    const fn name(self) -> &'static str {
        match self {
            Outcome::Compared => "compared",
            Outcome::Dropped => "dropped",
            Outcome::Failed => "failed",
        }
    }
}

impl Meters {
    pub(super) fn new() -> Meters {
        let ranks = || Histogram::new([-1.0, -0.5, 0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0]);
        Meters {
            requests: Family::default(),
            distance: Family::new_with_constructor(|| Histogram::new(LIMITS)),
            agreed: Family::default(),
            rank: Family::new_with_constructor(ranks),
        }
    }

    /// The counters of one shadow's requests, in the order of [`Outcome::ALL`].
    pub(super) fn outcomes(&self, shadow: &Shadow) -> [Counter; 3] {
        Outcome::ALL.map(|outcome| {
            let (model, version) = (shadow.card.name, shadow.card.version);
            self.requests.get_or_create_owned(&ByOutcome { model, version, outcome: outcome.name() })
        })
    }

    pub(super) fn observe(&self, shadow: &Shadow, against: &'static str, comparison: &Comparison) {
        let pair = Pair { model: shadow.card.name, version: shadow.card.version, against };
        let distances = self.distance.get_or_create_owned(&pair);
        comparison.distances.iter().for_each(|&distance| distances.observe(distance));
        if let Some(agreed) = comparison.agreed {
            self.agreed.get_or_create(&pair).inc_by(agreed as u64);
        }
        if let Some(rank) = comparison.rank {
            self.rank.get_or_create(&pair).observe(rank);
        }
    }

    /// Makes them part of the service's metrics.
    pub(super) fn register(&self, metrics: &Metrics) {
        metrics.register(
            "shadow_requests",
            "Requests that a shadow was to score after their answer, by what became of it",
            self.requests.clone(),
        );
        metrics.register(
            "shadow_distance",
            "Of each text, how far a shadow is from what was answered: 1 - cosine of the vectors, the difference of the scores, or the \
             largest difference of a label's probability",
            self.distance.clone(),
        );
        metrics.register(
            "shadow_labels_agreed",
            "Texts of which a shadow's likeliest label is the one that was answered",
            self.agreed.clone(),
        );
        metrics.register(
            "shadow_rank_correlation",
            "Of each request, Spearman's correlation of a shadow's scores and those that were answered",
            self.rank.clone(),
        );
    }
}

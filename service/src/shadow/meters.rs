//! What was found of shadows, as Prometheus reads it.

use super::{LIMITS, RANKS, Shared};
use crate::metrics::exposition::{Exposition, Kind};
use std::sync::atomic::Ordering::Relaxed;

/// What became of a request's comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Compared,
    /// There was no room for it, or no time.
    Dropped,
    /// The shadow could not run it.
    Failed,
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

/// Writes all of it.
pub(super) fn write(shared: &Shared, out: &mut Exposition) {
    let help = "Requests that a shadow was to score after their answer, by what became of it";
    let mut family = out.family("modeldeploy_shadow_requests_total", Kind::Counter, help);
    for (shadow, outcomes) in shared.shadows.iter().zip(&shared.outcomes) {
        let labels = [("model", shadow.card.name), ("version", shadow.card.version)];
        for outcome in Outcome::ALL {
            family.value_with(&labels, ("outcome", outcome.name()), outcomes[outcome as usize].load(Relaxed));
        }
    }
    let tallies = shared.tallies();
    let pairs = || {
        let each = shared.shadows.iter().zip(&*tallies);
        each.flat_map(|(shadow, tallies)| {
            let labels =
                |against| [("model", shadow.card.name), ("version", shadow.card.version), ("against", against)];
            tallies.iter().map(move |(against, tally)| (labels(*against), tally))
        })
    };
    let help = "Of each text or candidate, how far a shadow is from what was answered: 1 - cosine of the vectors, the difference of the scores, or \
                the largest difference of a score or of a label's probability";
    let mut family = out.family("modeldeploy_shadow_distance", Kind::Histogram, help);
    for (labels, tally) in pairs() {
        family.numbers(&labels, &LIMITS, &tally.under, tally.distance.total());
    }
    let help = "Texts of which a shadow's likeliest label is the one that was answered";
    let mut family = out.family("modeldeploy_shadow_labels_agreed_total", Kind::Counter, help);
    for (labels, agreed) in pairs().filter_map(|(labels, tally)| Some((labels, tally.agreed?))) {
        family.value(&labels, agreed);
    }
    let help = "Of each request, Spearman's correlation of a shadow's scores and those that were answered";
    let mut family = out.family("modeldeploy_shadow_rank_correlation", Kind::Histogram, help);
    for (labels, tally, rank) in pairs().filter_map(|(labels, tally)| Some((labels, tally, tally.rank?))) {
        family.numbers(&labels, &RANKS, &tally.ranks, rank.total());
    }
}

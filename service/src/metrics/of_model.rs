//! What is counted of one model, whatever the route: the sum of its series, for other servers' names and for Triton's statistics.

use super::Inner;
use super::histogram::{TIMES, Totals};
use super::series::Series;
use crate::observe::Code;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The requests to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// When the last one ended, in milliseconds since 1970; 0 where there was none.
    pub(crate) last_millis: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// How long those took that were not answered.
    pub(crate) failing: Duration,
    /// Where the time of the others went: in the tokenizer, in the queue, in batches, and until their answers were written.
    pub(crate) parts: [Duration; 4],
}

/// All that is counted of one model, whatever the route.
#[derive(Debug)]
pub(super) struct OfModel {
    pub(super) whole: Totals,
    /// In the order of [`super::series::STAGES`].
    pub(super) stages: [Totals; 4],
    /// By the canonical code's number.
    pub(super) codes: [u64; Code::COUNT],
    /// Requests of one text at most: all, and those that were answered.
    pub(super) single: [u64; 2],
    /// How long those took together that were not answered, in nanoseconds.
    failed_nanos: u64,
    /// When the last one ended, in milliseconds since 1970; 0 where there was none.
    last_millis: u64,
}

impl OfModel {
    pub(super) fn new() -> OfModel {
        let stages = std::array::from_fn(|_| Totals::none(&TIMES));
        OfModel {
            whole: Totals::none(&TIMES),
            stages,
            codes: [0; Code::COUNT],
            single: [0; 2],
            failed_nanos: 0,
            last_millis: 0,
        }
    }

    /// What is counted of a model by the routes that `is_it` lets through.
    pub(super) fn of(inner: &Inner, model: usize, is_it: impl Fn(&str) -> bool) -> OfModel {
        let mut sum = OfModel::new();
        let routes = inner.routes.all();
        for route in routes.iter().filter(|route| is_it(&route.name)) {
            let own = route.counted().filter(|(of, _)| *of == Some(model));
            own.for_each(|(_, series)| sum.add(series));
        }
        sum
    }

    fn add(&mut self, series: &Series) {
        self.whole.add(&series.whole.totals());
        for (sum, stage) in self.stages.iter_mut().zip(series.stages().into_iter().flatten()) {
            sum.add(&stage.totals());
        }
        for code in Code::all() {
            self.codes[code.index()] += series.code(code);
        }
        for (sum, count) in self.single.iter_mut().zip(&series.single) {
            *sum += count.load(Relaxed);
        }
        self.failed_nanos += series.failed_nanos.load(Relaxed);
        self.last_millis = self.last_millis.max(series.last_millis.load(Relaxed));
    }

    /// Adds what is counted of another model.
    pub(super) fn merge(&mut self, other: &OfModel) {
        self.whole.add(&other.whole);
        self.stages.iter_mut().zip(&other.stages).for_each(|(sum, stage)| sum.add(stage));
        self.codes.iter_mut().zip(other.codes).for_each(|(sum, count)| *sum += count);
        self.single.iter_mut().zip(other.single).for_each(|(sum, count)| *sum += count);
        self.failed_nanos += other.failed_nanos;
        self.last_millis = self.last_millis.max(other.last_millis);
    }

    pub(super) fn requests(&self) -> u64 {
        self.codes.iter().sum()
    }

    pub(super) fn answered(&self) -> u64 {
        self.codes[Code::OK.index()]
    }

    /// Requests that ended with one of these codes.
    pub(super) fn ended(&self, codes: &[Code]) -> u64 {
        codes.iter().map(|code| self.codes[code.index()]).sum()
    }

    pub(super) fn failed(&self) -> u64 {
        self.requests() - self.answered()
    }
}

impl From<OfModel> for Asked {
    fn from(all: OfModel) -> Asked {
        Asked {
            last_millis: all.last_millis,
            answered: all.answered(),
            failed: all.failed(),
            failing: Duration::from_nanos(all.failed_nanos),
            parts: all.stages.map(|stage| Duration::from_nanos(stage.sum)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelCard;
    use crate::inference::Times;
    use crate::metrics::Metrics;
    use crate::observe::{Ended, Record, Status};
    use std::time::Instant;

    #[test]
    fn what_was_asked_of_a_model_is_the_sum_of_its_routes() {
        let card = ModelCard { name: "encoder", version: "1.0.0", digest: "sha256:00", space: "" };
        let metrics = Metrics::new("shop", "1.2.3", &[card, card]);
        let (micros, begun) = (Duration::from_micros, Instant::now());
        let times = Times { tokenize: micros(1), queue: micros(2), infer: micros(4) };
        let ask = |route, status, model, answered: Option<u64>| {
            let answered = answered.map(|at| begun + micros(at));
            let record = Record { model: Some(model), texts: 1, times, answered, ..Record::default() };
            let (status, ended) = (Status::Http(status), begun + micros(20));
            metrics.tally(&Ended {
                route: Some(route),
                method: "POST",
                status,
                code: status.code(),
                record,
                begun,
                ended,
            });
        };
        ask("/embed", 200, 0, Some(12));
        ask("/invocations", 200, 0, Some(15));
        ask("/embed", 429, 0, None);
        let got = metrics.asked(0);
        assert!(got.last_millis > 1_700_000_000_000, "{got:?}");
        let parts = [2, 4, 8, 8 + 5].map(micros);
        let expected = Asked { last_millis: got.last_millis, answered: 2, failed: 1, failing: micros(20), parts };
        assert_eq!(got, expected);
        assert_eq!(metrics.asked(1).last_millis, 0);
    }
}

//! The names of other servers' metrics, so that their dashboards and alerts go on: `GET /metrics?compat=…`.
//!
//! A name stands here where this service has what it counts. Those names break Prometheus' conventions, and OpenMetrics cannot write
//! them, so that they come in Prometheus' own text alone.

mod tei;
mod tfs;
mod triton;

use super::Inner;
use super::exposition::Exposition;
use super::histogram::{TIMES, Totals};
use super::series::Series;
use crate::observe::Code;

/// Writes the metrics by another server's names.
pub(super) type Write = fn(&Inner, &mut Exposition);

/// Each server by what `compat` calls it.
pub(super) const ALL: [(&str, Write); 3] = [("tfs", tfs::write), ("triton", triton::write), ("tei", tei::write)];

/// All that is counted of one model, whatever the route.
#[derive(Debug)]
struct OfModel {
    whole: Totals,
    /// In the order of [`super::series::STAGES`].
    stages: [Totals; 4],
    /// By the canonical code's number.
    codes: [u64; Code::COUNT],
    /// Requests of one text at most: all, and those that were answered.
    single: [u64; 2],
}

impl OfModel {
    fn new() -> OfModel {
        let stages = std::array::from_fn(|_| Totals::none(&TIMES));
        OfModel { whole: Totals::none(&TIMES), stages, codes: [0; Code::COUNT], single: [0; 2] }
    }

    /// What is counted of a model by the routes that `is_it` lets through.
    fn of(inner: &Inner, model: usize, is_it: impl Fn(&str) -> bool) -> OfModel {
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
            *sum += count.load(std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Adds what is counted of another model.
    fn merge(&mut self, other: &OfModel) {
        self.whole.add(&other.whole);
        self.stages.iter_mut().zip(&other.stages).for_each(|(sum, stage)| sum.add(stage));
        self.codes.iter_mut().zip(other.codes).for_each(|(sum, count)| *sum += count);
        self.single.iter_mut().zip(other.single).for_each(|(sum, count)| *sum += count);
    }

    fn requests(&self) -> u64 {
        self.codes.iter().sum()
    }

    fn answered(&self) -> u64 {
        self.codes[Code::OK.index()]
    }

    /// Requests that ended with one of these codes.
    fn ended(&self, codes: &[Code]) -> u64 {
        codes.iter().map(|code| self.codes[code.index()]).sum()
    }

    fn failed(&self) -> u64 {
        self.requests() - self.answered()
    }
}

/// Whether a route is a gRPC method: `/package.Service/Method`.
fn is_grpc(route: &str) -> bool {
    route.split('/').nth(1).is_some_and(|service| service.contains('.'))
}

//! Snapshots, and what earlier ones saw: rates and quantiles are of the time between.
//!
//! Nothing is kept while nobody looks. Pages that are open at the same time share what is kept.

use super::Inner;
use super::histogram::{SIZES, TIMES, Totals};
use super::model::SHEDS;
use super::process;
use super::series::Series;
use super::snapshot::{Counted, ModelSnapshot, Rate, RouteSnapshot, Snapshot, Stages, Waiting};
use crate::observe::Code;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How long ago what rates begin with should be.
const SPAN: Duration = Duration::from_secs(10);

/// Looks are kept no more often than this.
const STEP: Duration = Duration::from_millis(500);

/// What earlier snapshots saw, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Seen>);

/// The counts at a moment.
#[derive(Debug)]
struct Seen {
    at: Instant,
    codes: [u64; Code::COUNT],
    models: Vec<ModelSeen>,
    routes: BTreeMap<Box<str>, Totals>,
}

#[derive(Debug)]
struct ModelSeen {
    codes: [u64; Code::COUNT],
    /// The whole first, then each stage.
    times: [Totals; 5],
    texts: Totals,
    tokens: Totals,
    sheds: [u64; SHEDS.len()],
}

impl Window {
    /// Looks at the counts now.
    pub(super) fn look(&mut self, inner: &Inner, now: Instant) -> Snapshot {
        // One that is of the wanted age stays; those before it are of no more use, and one that is far older is no measure of now.
        while self.0.get(1).is_some_and(|second| now.duration_since(second.at) >= SPAN) {
            self.0.pop_front();
        }
        while self.0.front().is_some_and(|first| now.duration_since(first.at) >= 3 * SPAN) {
            self.0.pop_front();
        }
        let seen = Seen::now(inner, now);
        let start = Seen::nothing(inner);
        // Of two looks at once, the second has the measure of the first.
        let then = self.0.iter().find(|then| now.duration_since(then.at) >= STEP).unwrap_or(&start);
        let snapshot = snapshot(inner, then, &seen);
        if self.0.back().is_none_or(|last| now.duration_since(last.at) >= STEP) {
            self.0.push_back(seen);
        }
        snapshot
    }
}

impl Seen {
    fn nothing(inner: &Inner) -> Seen {
        let models = inner.models.iter().map(|_| ModelSeen::nothing()).collect();
        Seen { at: inner.start, codes: [0; Code::COUNT], models, routes: BTreeMap::new() }
    }

    fn now(inner: &Inner, at: Instant) -> Seen {
        let mut seen = Seen { at, ..Seen::nothing(inner) };
        for route in inner.routes.all() {
            for (model, series) in route.counted() {
                let whole = series.whole.totals();
                add_codes(&mut seen.codes, series);
                if let Some(model) = model {
                    seen.models[model].add(series, &whole);
                }
                seen.routes.entry(route.name.clone()).or_insert_with(|| Totals::none(&TIMES)).add(&whole);
            }
        }
        for (seen, model) in seen.models.iter_mut().zip(inner.models.iter()) {
            (seen.texts, seen.tokens) = (model.batch_texts.totals(), model.batch_tokens.totals());
            seen.sheds = model.sheds();
        }
        seen
    }
}

impl ModelSeen {
    fn nothing() -> ModelSeen {
        ModelSeen {
            codes: [0; Code::COUNT],
            times: std::array::from_fn(|_| Totals::none(&TIMES)),
            texts: Totals::none(&SIZES),
            tokens: Totals::none(&SIZES),
            sheds: [0; SHEDS.len()],
        }
    }

    fn add(&mut self, series: &Series, whole: &Totals) {
        add_codes(&mut self.codes, series);
        self.times[0].add(whole);
        for (sum, stage) in self.times[1..].iter_mut().zip(series.stages().into_iter().flatten()) {
            sum.add(&stage.totals());
        }
    }
}

fn add_codes(sum: &mut [u64; Code::COUNT], series: &Series) {
    Code::all().for_each(|code| sum[code.index()] += series.code(code));
}

fn snapshot(inner: &Inner, then: &Seen, now: &Seen) -> Snapshot {
    let window = now.at.duration_since(then.at).as_secs_f64();
    let rate = |total: u64, then: u64| {
        let per_second = if window > 0.0 { total.saturating_sub(then) as f64 / window } else { 0.0 };
        Rate { total, per_second }
    };
    let failures = |now: &[u64; Code::COUNT], then: &[u64; Code::COUNT]| {
        let failed = Code::all().filter(|code| *code != Code::OK && now[code.index()] > 0);
        failed.map(|code| Counted { reason: code.name(), rate: rate(now[code.index()], then[code.index()]) }).collect()
    };
    let models = inner.models.iter().zip(&now.models).zip(&then.models).map(|((model, now), then)| {
        // Milliseconds of nanoseconds.
        let [whole, tokenize, queue, infer, serialize] =
            std::array::from_fn(|at| now.times[at].since(&then.times[at]).quantiles(1e6));
        let [requests, texts, tokens] = model.waiting();
        let sheds = SHEDS.into_iter().zip(now.sheds.iter().zip(then.sheds));
        ModelSnapshot {
            name: model.card.name,
            version: model.card.version,
            digest: model.card.digest,
            space: model.card.space,
            requests: rate(now.codes.iter().sum(), then.codes.iter().sum()),
            texts: rate(now.texts.sum, then.texts.sum),
            tokens: rate(now.tokens.sum, then.tokens.sum),
            stages: Stages { whole, tokenize, queue, infer, serialize },
            batches: rate(now.texts.count(), then.texts.count()),
            batch_texts: now.texts.since(&then.texts).quantiles(1.0),
            batch_tokens: now.tokens.since(&then.tokens).quantiles(1.0),
            waiting: Waiting { requests, texts, tokens },
            sheds: sheds.map(|(reason, (&now, then))| Counted { reason, rate: rate(now, then) }).collect(),
            failures: failures(&now.codes, &then.codes),
            panics: model.panics(),
        }
    });
    let none = Totals::none(&TIMES);
    let routes = now.routes.iter().map(|(route, now)| {
        let then = then.routes.get(route).unwrap_or(&none);
        let whole = now.since(then).quantiles(1e6);
        RouteSnapshot { route: route.to_string(), requests: rate(now.count(), then.count()), whole }
    });
    Snapshot {
        service: inner.service,
        version: inner.version,
        uptime_seconds: now.at.duration_since(inner.start).as_secs_f64(),
        window_seconds: window,
        requests: rate(now.codes.iter().sum(), then.codes.iter().sum()),
        in_flight: inner.in_flight.load(Relaxed),
        connections: inner.connections.load(Relaxed),
        failures: failures(&now.codes, &then.codes),
        process: process::read(inner.start_seconds),
        models: models.collect(),
        routes: routes.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelCard;
    use crate::inference::Times;
    use crate::metrics::Metrics;
    use crate::observe::{Ended, Record, Status};

    const CARD: ModelCard = ModelCard { name: "encoder", version: "1.0.0", digest: "sha256:00", space: "" };

    /// A request to the model that takes this long, half of it in the model.
    fn ask(metrics: &Metrics, status: u16, millis: u64) {
        let begun = Instant::now();
        let (whole, status) = (Duration::from_millis(millis), Status::Http(status));
        let times = Times { infer: whole / 2, ..Times::default() };
        let record = Record { model: Some(0), texts: 1, times, answered: Some(begun + whole / 2), ..Record::default() };
        metrics.begun();
        metrics.count(&Ended {
            route: Some("/embed"),
            method: "POST",
            status,
            code: status.code(),
            record,
            begun,
            ended: begun + whole,
        });
    }

    #[test]
    fn rates_and_quantiles_are_of_the_window_and_totals_of_all() {
        let metrics = Metrics::new("shop", "1.2.3", &[CARD]);
        let (inner, start) = (&metrics.0, metrics.0.start);
        let mut window = Window::default();
        let look = |window: &mut Window, seconds: f64| window.look(inner, start + Duration::from_secs_f64(seconds));

        (0..100).for_each(|_| ask(&metrics, 200, 4));
        let first = look(&mut window, 20.0);
        assert_eq!((first.window_seconds, first.requests.total, first.requests.per_second), (20.0, 100, 5.0));
        assert_eq!(first.failures, []);

        (0..30).for_each(|_| ask(&metrics, 429, 1000));
        let second = look(&mut window, 25.0);
        assert_eq!((second.window_seconds, second.requests.total, second.requests.per_second), (5.0, 130, 6.0));
        let refused = Counted { reason: "resource_exhausted", rate: Rate { total: 30, per_second: 6.0 } };
        assert_eq!((&second.failures, &second.models[0].failures), (&vec![refused.clone()], &vec![refused]));
        let Stages { whole, infer, serialize, queue, .. } = second.models[0].stages;
        assert_eq!(whole.count, 30);
        assert!(whole.p50 > 800.0 && whole.p50 <= 1000.0 && whole.mean == 1000.0, "{whole:?}");
        assert!(infer.mean == 500.0 && serialize.mean == 500.0 && queue.mean == 0.0, "{infer:?} {serialize:?}");
        assert_eq!((second.routes[0].route.as_str(), second.routes[0].requests.total), ("/embed", 130));

        // A second page that looks at the same moment sees the same.
        assert_eq!(look(&mut window, 25.1).window_seconds, 5.1);
        // Ten seconds on, the window begins at the second look; much later, it begins anew.
        assert_eq!(look(&mut window, 35.5).window_seconds, 10.5);
        assert_eq!(look(&mut window, 100.0).window_seconds, 100.0);
        let last = look(&mut window, 101.0);
        assert_eq!((last.window_seconds, last.requests.per_second), (1.0, 0.0));
        assert_eq!(last.models[0].stages.whole.count, 0);
    }
}

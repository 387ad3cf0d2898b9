//! Criterion whose throughput is told as a part of what the machine reaches.

use crate::machine::{Ceiling, Machine, Work};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput};
use modeldeploy::isa::Isa;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Benchmarks, each beside its ceiling.
pub struct Parts {
    criterion: Criterion<Part>,
    ceiling: Rc<Cell<Option<Ceiling>>>,
    machine: Machine,
}

impl Parts {
    /// By the arguments of the command line. Samples are short: the machine's noise is larger than what more of them would resolve.
    pub fn from_args() -> Parts {
        let ceiling = Rc::default();
        let criterion = Criterion::default()
            .with_measurement(Part { ceiling: Rc::clone(&ceiling), time: WallTime })
            .sample_size(20)
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_millis(800))
            .configure_from_args();
        Parts { criterion, ceiling, machine: Machine::default() }
    }

    /// Measures `run`, which does `work` on `isa`, as `group/isa/name`.
    pub fn bench<T>(&mut self, group: &str, isa: Isa, name: &str, work: Work, mut run: impl FnMut() -> T) {
        let Parts { criterion, ceiling, machine } = self;
        let mut group = criterion.benchmark_group(group);
        group.throughput(Throughput::Elements(work.amount()));
        group.bench_function(format!("{isa}/{name}"), |bencher| {
            // Here, where a benchmark that the filter leaves out never comes.
            if ceiling.get().is_none() {
                ceiling.set(Some(machine.ceiling(isa, work)));
            }
            bencher.iter(&mut run);
        });
        group.finish();
        ceiling.set(None);
    }

    /// Criterion's last words.
    pub fn finish(self) {
        self.criterion.final_summary();
    }
}

/// Wall time beside a ceiling.
struct Part {
    ceiling: Rc<Cell<Option<Ceiling>>>,
    time: WallTime,
}

impl Measurement for Part {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        self.time.start()
    }

    fn end(&self, start: Instant) -> Duration {
        self.time.end(start)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        self.time.add(a, b)
    }

    fn zero(&self) -> Duration {
        self.time.zero()
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        self.time.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl Part {
    fn unit(&self) -> &'static str {
        match self.ceiling.get() {
            Some(Ceiling { unit: "B", .. }) => "GB/s",
            _ => "GMAC/s",
        }
    }
}

/// Of a throughput's amount in so many nanoseconds: how much a nanosecond, which is as many billions a second.
fn rate(throughput: &Throughput, nanoseconds: f64) -> f64 {
    match *throughput {
        Throughput::Elements(amount) => amount as f64 / nanoseconds,
        ref other => unreachable!("all work is counted in elements, not as {other:?}"),
    }
}

impl ValueFormatter for Part {
    fn format_throughput(&self, throughput: &Throughput, nanoseconds: f64) -> String {
        let rate = rate(throughput, nanoseconds);
        let part = self.ceiling.get().map(|ceiling| format!(" ({:.0} %)", 100.0 * rate * 1e9 / ceiling.rate));
        format!("{rate:.1} {}{}", self.unit(), part.unwrap_or_default())
    }

    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        self.time.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(&self, _: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|value| *value = rate(throughput, *value));
        self.unit()
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        self.time.formatter().scale_for_machines(values)
    }
}

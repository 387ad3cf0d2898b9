//! Metrics as text: Prometheus' own format, and OpenMetrics.
//!
//! Specifications: <https://prometheus.io/docs/instrumenting/exposition_formats/> (0.0.4) and <https://prometheus.io/docs/specs/om/>.

use super::histogram::Totals;
use std::fmt::{Display, Write as _};

/// Bounds of a histogram of times as they are written: nanoseconds, and the number of seconds as both formats want it. Three in a decade.
const EDGES: [(u64, &str); 19] = [
    (10_000, "1e-05"),
    (25_000, "2.5e-05"),
    (50_000, "5e-05"),
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1.0"),
    (2_500_000_000, "2.5"),
    (5_000_000_000, "5.0"),
    (10_000_000_000, "10.0"),
];

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Prometheus' text, 0.0.4.
    Prometheus,
    OpenMetrics,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A sample's labels.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

/// Text that grows by families of samples.
#[derive(Debug)]
pub(crate) struct Exposition {
    text: String,
    format: Format,
}

/// The samples of one name. Its head is written with the first of them.
#[derive(Debug)]
pub(crate) struct Family<'e> {
    exposition: &'e mut Exposition,
    /// As it is in Prometheus' text.
    name: &'static str,
    kind: Kind,
    help: &'static str,
    has_head: bool,
}

impl Exposition {
    pub(super) fn new(format: Format) -> Exposition {
        Exposition { text: String::new(), format }
    }

    /// A family; a counter's name ends in `_total`.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        Family { exposition: self, name, kind, help, has_head: false }
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn sample(&mut self, name: (&str, &str), labels: Labels<'_>, last: Option<(&str, &str)>, value: impl Display) {
        self.text.extend([name.0, name.1]);
        let mut open = '{';
        for (key, value) in labels.iter().copied().chain(last) {
            self.text.push(open);
            self.text.extend([key, "=\""]);
            escape(value, &mut self.text);
            self.text.push('"');
            open = ',';
        }
        if open == ',' {
            self.text.push('}');
        }
        writeln!(self.text, " {value}").expect("a string takes all");
    }
}

/// A label's value between its quotes.
fn escape(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

impl Family<'_> {
    fn head(&mut self) {
        if std::mem::replace(&mut self.has_head, true) {
            return;
        }
        let is_open = self.exposition.format == Format::OpenMetrics;
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // There a counter's samples have the suffix, and its family has not.
        let name = if is_open && self.kind == Kind::Counter { self.name.trim_end_matches("_total") } else { self.name };
        let text = &mut self.exposition.text;
        writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", self.help).expect("a string takes all");
        let unit = ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(&format!("_{unit}")));
        if let Some(unit) = unit.filter(|_| is_open) {
            writeln!(text, "# UNIT {name} {unit}").expect("a string takes all");
        }
    }

    /// A sample.
    pub(crate) fn value(&mut self, labels: Labels<'_>, value: impl Display) {
        self.head();
        self.exposition.sample((self.name, ""), labels, None, value);
    }

    /// A sample with one label more.
    pub(crate) fn value_with(&mut self, labels: Labels<'_>, last: (&str, &str), value: impl Display) {
        self.head();
        self.exposition.sample((self.name, ""), labels, Some(last), value);
    }

    /// The samples of a histogram of nanoseconds, in seconds.
    pub(super) fn seconds(&mut self, labels: Labels<'_>, times: &Totals) {
        let buckets = EDGES.map(|(nanos, label)| (label.to_owned(), times.up_to(nanos)));
        self.histogram(labels, buckets, times.count(), times.sum as f64 / 1e9);
    }

    /// The samples of a histogram of nanoseconds, in microseconds.
    pub(super) fn micros(&mut self, labels: Labels<'_>, times: &Totals) {
        let buckets = EDGES.map(|(nanos, _)| ((nanos / 1000).to_string(), times.up_to(nanos)));
        self.histogram(labels, buckets, times.count(), times.sum as f64 / 1e3);
    }

    /// The samples of a histogram of sizes.
    pub(super) fn sizes(&mut self, labels: Labels<'_>, sizes: &Totals) {
        let buckets = sizes.bounds.iter().map(|&bound| (format!("{bound}.0"), sizes.up_to(bound)));
        self.histogram(labels, buckets, sizes.count(), sizes.sum as f64);
    }

    /// The samples of a histogram of any numbers: how many lie under each limit and under none lower, how many in all, and their sum.
    pub(crate) fn numbers(&mut self, labels: Labels<'_>, limits: &[f64], under: &[u64], (count, sum): (u64, f64)) {
        let buckets = limits.iter().zip(under).scan(0, |up_to, (limit, under)| {
            *up_to += under;
            Some((format!("{limit:?}"), *up_to))
        });
        self.histogram(labels, buckets, count, sum);
    }

    fn histogram(
        &mut self,
        labels: Labels<'_>,
        buckets: impl IntoIterator<Item = (String, u64)>,
        count: u64,
        sum: f64,
    ) {
        self.head();
        let name = self.name;
        for (edge, up_to) in buckets {
            self.exposition.sample((name, "_bucket"), labels, Some(("le", &edge)), up_to);
        }
        self.exposition.sample((name, "_bucket"), labels, Some(("le", "+Inf")), count);
        self.exposition.sample((name, "_sum"), labels, None, sum);
        self.exposition.sample((name, "_count"), labels, None, count);
    }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::{Histogram, SIZES, TIMES};
    use super::*;

    fn written(format: Format) -> String {
        let mut exposition = Exposition::new(format);
        exposition.family("shop_nothing", Kind::Gauge, "Nothing of this is there");
        exposition
            .family("shop_cpu_seconds_total", Kind::Counter, "Time")
            .value(&[("route", "/a\"b\\c\nd"), ("status", "200")], 1.5);
        let histogram = Histogram::new(&TIMES);
        for nanos in [9_000, 10_000, 11_000, 2_600_000, 11_000_000_000] {
            histogram.observe(nanos);
        }
        exposition.family("shop_time_seconds", Kind::Histogram, "Times").seconds(&[], &histogram.totals());
        exposition.finish()
    }

    #[test]
    fn both_formats_are_written_as_their_specifications_say() {
        let text = written(Format::Prometheus);
        let head = "# HELP shop_cpu_seconds_total Time\n# TYPE shop_cpu_seconds_total counter\n";
        let sample = "shop_cpu_seconds_total{route=\"/a\\\"b\\\\c\\nd\",status=\"200\"} 1.5\n";
        assert!(text.starts_with(&format!("{head}{sample}# HELP shop_time_seconds Times\n")), "{text}");
        for line in [
            "shop_time_seconds_bucket{le=\"1e-05\"} 2",
            "shop_time_seconds_bucket{le=\"2.5e-05\"} 3",
            "shop_time_seconds_bucket{le=\"0.0025\"} 3",
            "shop_time_seconds_bucket{le=\"0.005\"} 4",
            "shop_time_seconds_bucket{le=\"10.0\"} 4",
            "shop_time_seconds_bucket{le=\"+Inf\"} 5",
            "shop_time_seconds_sum 11.00263",
            "shop_time_seconds_count 5",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("UNIT") && !text.contains("EOF") && !text.contains("nothing"), "{text}");

        let open = written(Format::OpenMetrics);
        let head = "# HELP shop_cpu_seconds Time\n# TYPE shop_cpu_seconds counter\n# UNIT shop_cpu_seconds seconds\n";
        assert!(open.starts_with(&format!("{head}{sample}")) && open.ends_with("\n# EOF\n"), "{open}");
    }

    #[test]
    fn every_edge_is_a_bound_so_that_no_count_is_a_guess() {
        for (nanos, label) in EDGES {
            assert!(TIMES.contains(&nanos), "{nanos}");
            assert_eq!(label.parse::<f64>().expect("a number"), nanos as f64 / 1e9, "{label}");
        }
        assert!(SIZES.contains(&128));
    }
}

//! What came of the requests.

use crate::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts and times.
#[derive(Default)]
pub struct Report {
    /// Of those answered as expected, in microseconds, since they were due.
    good: Vec<u32>,
    /// Of those refused for overload (429, 503), since they were sent.
    refused: Vec<u32>,
    /// Of those answered otherwise, by status; 0 for connections that broke.
    other: BTreeMap<u16, u64>,
    seconds: f64,
}

impl Report {
    pub fn add(&mut self, outcome: &Outcome) {
        let micros = |time: Duration| time.as_micros().min(u32::MAX.into()) as u32;
        match outcome.status {
            Some(status) if [status, status / 100].contains(&outcome.expected) => self.good.push(micros(outcome.took)),
            Some(429 | 503) => self.refused.push(micros(outcome.answered_in)),
            other => *self.other.entry(other.unwrap_or(0)).or_default() += 1,
        }
    }

    pub fn end(&mut self, took: Duration) {
        self.seconds = took.as_secs_f64();
        self.good.sort_unstable();
        self.refused.sort_unstable();
    }

    pub fn to_json(&self) -> Value {
        json!({
            "seconds": self.seconds,
            "good": self.good.len(),
            "good_a_second": self.good.len() as f64 / self.seconds,
            "good_ms": quantiles(&self.good),
            "refused": self.refused.len(),
            "refused_ms": quantiles(&self.refused),
            "other": self.other,
        })
    }
}

/// Milliseconds.
fn quantiles(sorted: &[u32]) -> Value {
    if sorted.is_empty() {
        return Value::Null;
    }
    let at = |part: f64| f64::from(sorted[((sorted.len() - 1) as f64 * part).round() as usize]) / 1000.0;
    json!({ "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": at(1.0) })
}

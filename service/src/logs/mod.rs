//! What the service says while it runs: lines on stderr, in JSON for programs or as text for people.
//!
//! | level | what |
//! | --- | --- |
//! | error | what is the service's own fault, each time: a panic, an output that is not finite |
//! | warn | overloads, one line a second with their number |
//! | info | start and stop |
//! | debug | every request: its route, model, status and where its time went |
//!
//! No line holds a text of a request, unless `--log-texts` asks for them; then they are [redacted](redact::redact). Where a service has set
//! a subscriber of `tracing` itself, that one hears all of this instead.

mod overloads;
mod redact;
mod start;

pub(crate) use overloads::Overloads;
pub use redact::redact;
pub(crate) use start::{Format, Level, Settings, start};

use crate::inference::{Fault, Text};
use crate::metrics::Metrics;
use crate::observe::Ended;
use std::time::Duration;
use tracing::{debug, error, info};

/// Where all lines of the service come from.
pub(crate) const TARGET: &str = "modeldeploy";

/// Says how a request ended: if it is the service's own fault as an error, else where every request is wanted.
pub(crate) fn request(metrics: &Metrics, ended: &Ended<'_>) {
    let is_fault = ended.code.is_fault();
    if !is_fault && !tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
        return;
    }
    let card = ended.record.model.map(|model| metrics.card(model));
    let (model, version) = (card.map(|card| card.name), card.map(|card| card.version));
    let route = ended.route.unwrap_or("other");
    let (status, code) = (ended.status.to_string(), ended.code.name());
    let (record, times) = (ended.record, ended.record.times);
    let duration_us = micros(ended.whole());
    if is_fault {
        error!(target: TARGET, method = ended.method, route, model, version, status, code, duration_us, "request failed");
        return;
    }
    debug!(
        target: TARGET, method = ended.method, route, model, version, status, code, duration_us,
        texts = record.texts, tokens = record.tokens, batch = record.batch,
        tokenize_us = micros(times.tokenize), queue_us = micros(times.queue), infer_us = micros(times.infer),
        serialize_us = ended.serialize().map(micros),
        "request"
    );
}

/// Says what a model broke over.
pub(crate) fn fault(model: &str, version: &str, fault: &Fault) {
    if fault.code().is_fault() {
        error!(target: TARGET, model, version, error = %fault, "no answer");
    }
}

/// Says what is asked of a model, redacted: for those alone who have asked for texts.
pub(crate) fn texts(model: &str, texts: &[Text]) {
    for text in texts {
        match text {
            Text::One(text) => info!(target: TARGET, model, text = %redact(text), "text"),
            Text::Pair(text, pair) => info!(target: TARGET, model, text = %redact(text), pair = %redact(pair), "text"),
            Text::Tokens(ids) => info!(target: TARGET, model, tokens = ids.len(), "text"),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

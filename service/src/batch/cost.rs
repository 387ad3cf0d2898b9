//! What a batch costs: time as a function of its texts and tokens, measured on this CPU and adjusted while running.
//!
//! `time = factor · (base + text · texts + token · tokens)`. The three parts are measured once; the factor follows what batches
//! take, so that a CPU that others use too, or that gets slower with heat, is believed and not the first milliseconds.

use std::time::Duration;

/// How much of the factor each batch decides.
const NEWEST: f64 = 1.0 / 16.0;

/// A batch that took longer than this many times what was expected was held up by something else, and counts as this many.
const MOST: f64 = 4.0;

/// The cost of a model's batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// In seconds.
    base: f64,
    text: f64,
    token: f64,
    factor: f64,
}

impl Cost {
    /// Measures, by what `time` says that so many texts of so many tokens each take. A text has at most `max_tokens`.
    pub(crate) fn measured(max_tokens: usize, mut time: impl FnMut(usize, usize) -> Duration) -> Cost {
        // No more than tells them apart: a service that starts is waited for.
        let (short, long) = (max_tokens.min(4), max_tokens.min(16));
        let (texts, tokens) = (4, 4 * short);
        // The first run reads the weights; of the others the better of two, for what disturbs a run only makes it longer.
        time(1, short);
        let mut best = |texts, tokens| time(texts, tokens).min(time(texts, tokens)).as_secs_f64();
        let (one, longer, many) = (best(1, short), best(1, long), best(texts, short));
        // Where no text is longer than short ones, what tokens take is counted with the texts.
        let token = if long > short { ((longer - one) / (long - short) as f64).max(0.0) } else { 0.0 };
        let more = (texts - 1) as f64;
        let text = ((many - one - token * (tokens - short) as f64) / more).max(0.0);
        let base = (one - text - token * short as f64).max(0.0);
        Cost { base, text, token, factor: 1.0 }
    }

    /// What a batch is expected to take.
    pub(crate) fn of(&self, texts: usize, tokens: usize) -> Duration {
        Duration::from_secs_f64(self.factor * self.plain(texts, tokens))
    }

    /// Learns from a batch that took `took`.
    pub(crate) fn observe(&mut self, texts: usize, tokens: usize, took: Duration) {
        let plain = self.plain(texts, tokens);
        if plain > 0.0 {
            let seen = (took.as_secs_f64() / plain).min(MOST * self.factor);
            self.factor += NEWEST * (seen - self.factor);
        }
    }

    fn plain(&self, texts: usize, tokens: usize) -> f64 {
        self.base + self.text * texts as f64 + self.token * tokens as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: f64) -> Duration {
        Duration::from_secs_f64(micros * 1e-6)
    }

    /// A model that takes 100 µs, and 10 a text, and 50 a token.
    fn time(texts: usize, tokens: usize) -> Duration {
        micros(100.0 + 10.0 * texts as f64 + 50.0 * (texts * tokens) as f64)
    }

    #[track_caller]
    fn near(got: Duration, expected: Duration) {
        let (got, expected) = (got.as_secs_f64(), expected.as_secs_f64());
        assert!((got - expected).abs() <= 0.001 * expected, "{got} is not {expected}");
    }

    #[test]
    fn the_parts_are_found_again_from_three_measurements() {
        let cost = Cost::measured(512, time);
        for (texts, tokens) in [(1, 1), (1, 512), (32, 16), (128, 1)] {
            near(cost.of(texts, texts * tokens), time(texts, tokens));
        }
    }

    #[test]
    fn models_of_few_tokens_and_noisy_clocks_cost_something_sound() {
        for max_tokens in [1, 3, 9] {
            let cost = Cost::measured(max_tokens, time);
            near(cost.of(8, 8 * max_tokens), time(8, max_tokens));
        }
        let mut backwards = 1000.0;
        let cost = Cost::measured(512, |_, _| {
            backwards -= 100.0;
            micros(backwards)
        });
        assert!(cost.of(1, 1) <= cost.of(100, 1000) && cost.of(100, 1000) < Duration::from_secs(1), "{cost:?}");
        assert_eq!(Cost::measured(512, |_, _| Duration::ZERO).of(9, 99), Duration::ZERO);
    }

    #[test]
    fn the_factor_follows_what_batches_take_and_no_outlier() {
        let mut cost = Cost::measured(512, time);
        cost.observe(1, 100, Duration::from_secs(100));
        near(cost.of(1, 1), time(1, 1) * 19 / 16);
        for _ in 0..200 {
            cost.observe(4, 100, time(4, 25) * 2);
        }
        near(cost.of(9, 90), time(9, 10) * 2);
    }
}

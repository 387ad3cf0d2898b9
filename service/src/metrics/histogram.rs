//! How values lie: counted in fixed ranges, without a lock, an allocation or a float.

use super::snapshot::Quantiles;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Upper bounds of times, in nanoseconds: ten in each decade from 1 µs to 10 s, none more than a third above the one before.
pub(super) static TIMES: [u64; 71] = {
    let steps = [100, 120, 150, 200, 250, 300, 400, 500, 600, 800];
    let (mut bounds, mut at, mut decade) = ([0; 71], 0, 10);
    while at < 71 {
        bounds[at] = steps[at % 10] * decade;
        at += 1;
        if at % 10 == 0 {
            decade *= 10;
        }
    }
    bounds
};

/// Upper bounds of sizes: of batches in texts and tokens.
pub(super) static SIZES: [u64; 24] =
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 16384];

/// How many values lie in each range.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A histogram at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) bounds: &'static [u64],
    pub(super) counts: Vec<u64>,
    pub(super) sum: u64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [u64]) -> Histogram {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value. A bound belongs to the range below it, as Prometheus has it.
    pub(super) fn observe(&self, value: u64) {
        let at = self.bounds.partition_point(|&bound| bound < value);
        self.counts[at].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    pub(super) fn totals(&self) -> Totals {
        let counts = self.counts.iter().map(|count| count.load(Relaxed)).collect();
        Totals { bounds: self.bounds, counts, sum: self.sum.load(Relaxed) }
    }
}

impl Totals {
    /// Of no values.
    pub(super) fn none(bounds: &'static [u64]) -> Totals {
        Totals { bounds, counts: vec![0; bounds.len() + 1], sum: 0 }
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds the values of another of the same bounds.
    pub(super) fn add(&mut self, other: &Totals) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.sum += other.sum;
    }

    /// The values that came after an earlier moment.
    pub(super) fn since(&self, earlier: &Totals) -> Totals {
        let counts = self.counts.iter().zip(&earlier.counts).map(|(now, then)| now.saturating_sub(*then));
        Totals { bounds: self.bounds, counts: counts.collect(), sum: self.sum.saturating_sub(earlier.sum) }
    }

    /// The values up to a bound.
    pub(super) fn up_to(&self, bound: u64) -> u64 {
        self.bounds.iter().zip(&self.counts).take_while(|(own, _)| **own <= bound).map(|(_, count)| count).sum()
    }

    /// The value that a part of all values does not exceed, as if those in a range lay evenly in it; 0 if there are none.
    fn quantile(&self, part: f64) -> f64 {
        let rank = part * self.count() as f64;
        let mut before = 0.0;
        for (at, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = count as f64;
            if before + count >= rank {
                let low = if at == 0 { 0 } else { self.bounds[at - 1] } as f64;
                // Of values above all bounds no more is known.
                let high = self.bounds.get(at).map_or(low, |&high| high as f64);
                return low + (high - low) * ((rank - before) / count);
            }
            before += count;
        }
        0.0
    }

    /// All quantiles, each value divided by `unit`.
    pub(super) fn quantiles(&self, unit: f64) -> Quantiles {
        let count = self.count();
        if count == 0 {
            return Quantiles::default();
        }
        let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|part| self.quantile(part) / unit);
        Quantiles { count, mean: self.sum as f64 / count as f64 / unit, p50, p90, p99, max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_by_a_third_at_most_from_a_microsecond_to_ten_seconds() {
        assert_eq!((TIMES[0], TIMES[70]), (1_000, 10_000_000_000));
        for pair in TIMES.windows(2) {
            assert!(pair[0] < pair[1] && pair[1] * 3 <= pair[0] * 4, "{pair:?}");
        }
        assert!(SIZES.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_value_lies_below_the_bound_that_it_equals_and_nothing_is_lost() {
        let histogram = Histogram::new(&SIZES);
        for value in [0, 1, 2, 2, 16384, 16385, 1 << 40] {
            histogram.observe(value);
        }
        let totals = histogram.totals();
        for (bound, expected) in [(1, 2), (2, 4), (3, 4), (8192, 4), (16384, 5)] {
            assert_eq!(totals.up_to(bound), expected, "{bound}");
        }
        assert_eq!((totals.count(), totals.sum), (7, 32774 + (1 << 40)));
    }

    #[test]
    fn quantiles_are_within_a_range_of_the_sorted_values_own() {
        let mut values: Vec<u64> = (0..2000u64).map(|i| 1_000 + (i * i * 7919) % 30_000_000).collect();
        let histogram = Histogram::new(&TIMES);
        values.iter().for_each(|&value| histogram.observe(value));
        values.sort_unstable();
        let got = histogram.totals().quantiles(1.0);
        for (got, part) in [(got.p50, 0.5), (got.p90, 0.9), (got.p99, 0.99)] {
            let exact = values[(part * values.len() as f64) as usize - 1] as f64;
            assert!(got >= 0.74 * exact && got <= 1.34 * exact, "{part}: {got} {exact}");
        }
        assert_eq!(got.mean, values.iter().sum::<u64>() as f64 / 2000.0);
    }

    #[test]
    fn what_came_since_is_the_difference() {
        let histogram = Histogram::new(&SIZES);
        histogram.observe(5);
        let then = histogram.totals();
        histogram.observe(100);
        histogram.observe(100);
        let lately = histogram.totals().since(&then);
        assert_eq!((lately.count(), lately.sum), (2, 200));
        let quantiles = lately.quantiles(1.0);
        assert!(quantiles.p50 > 96.0 && quantiles.max == 128.0, "{quantiles:?}");
        assert_eq!(Totals::none(&SIZES).quantiles(1.0), Quantiles::default());
    }
}

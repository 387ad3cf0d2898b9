//! The bucketed relative position bias of T5 and MPNet.
//!
//! Source: `_relative_position_bucket` and `relative_position_bucket` in Hugging Face transformers' modeling_t5.py and
//! modeling_mpnet.py. Half of the buckets (a quarter of them for each direction) hold one distance each; the others
//! grow with its logarithm up to `max_distance`.

use crate::kernels::Rows;

/// Which bucket each distance falls into; made once, when a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// By distance from 0 on; every distance past the end falls into the last.
    by_distance: Vec<u16>,
    /// Added where the key stands after the query; 0 where that direction is not told apart.
    after: u16,
    bidirectional: bool,
    count: usize,
}

impl Buckets {
    /// The buckets of a model with `count` of them (MPNet and T5: 32), growing up to `max_distance` (128). A
    /// bidirectional model (an encoder) tells keys after the query from keys before it; another one takes all keys
    /// after it as distance 0.
    ///
    /// `None` where the numbers make no rule: no two buckets a direction, a `max_distance` within those that hold
    /// one distance each, or one of them over 65,535.
    #[must_use]
    pub fn new(count: u32, max_distance: u32, bidirectional: bool) -> Option<Self> {
        let (count, max_distance) = (u16::try_from(count).ok()?, u16::try_from(max_distance).ok()?);
        let one_way = if bidirectional { count / 2 } else { count };
        let exact = one_way / 2;
        if exact == 0 || max_distance <= exact {
            return None;
        }
        let growth = f64::from(one_way - exact) / (f64::from(max_distance) / f64::from(exact)).ln();
        let bucket = |distance: u16| {
            if distance < exact {
                return distance;
            }
            // Where the logarithm is a whole number it may come out a hair under it.
            let more = (f64::from(distance) / f64::from(exact)).ln() * growth + 1e-6;
            (exact + more as u16).min(one_way - 1)
        };
        let by_distance = (0..=max_distance).map(bucket).collect();
        Some(Self { by_distance, after: if bidirectional { one_way } else { 0 }, bidirectional, count: count.into() })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bucket of a key `key - query` positions after the query.
    #[must_use]
    pub fn of(&self, key_minus_query: i32) -> usize {
        if key_minus_query > 0 && !self.bidirectional {
            return 0;
        }
        let distance = key_minus_query.unsigned_abs() as usize;
        let bucket = self.by_distance[distance.min(self.by_distance.len() - 1)];
        usize::from(if key_minus_query > 0 { bucket + self.after } else { bucket })
    }
}

/// A learned bias for each bucket and head.
#[derive(Clone, Copy, Debug)]
pub struct RelativeBias<'a> {
    /// The rule.
    pub buckets: &'a Buckets,
    /// A row a bucket, a column a head.
    pub table: Rows<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_hugging_face_library() {
        // Computed by transformers' T5Attention._relative_position_bucket and MPNetEncoder.relative_position_bucket.
        let cases = include!("relative_bias_golden.in");
        for (count, max_distance, bidirectional, expected) in cases {
            let buckets = Buckets::new(count, max_distance, bidirectional).expect("a rule that models use");
            for &(distance, bucket) in expected {
                assert_eq!(buckets.of(distance), bucket, "{count}/{max_distance}/{bidirectional} at {distance}");
            }
        }
    }

    #[test]
    fn numbers_that_make_no_rule_are_refused() {
        for (count, max_distance, bidirectional) in
            [(0, 128, true), (3, 128, true), (1, 128, false), (32, 8, true), (32, 16, false), (32, 65_536, true)]
        {
            assert_eq!(
                Buckets::new(count, max_distance, bidirectional),
                None,
                "{count} {max_distance} {bidirectional}"
            );
        }
    }
}

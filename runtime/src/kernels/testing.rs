//! What the kernels' tests share: seeded data and comparisons that say where they failed.

/// A seeded generator (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A value in ±`size`.
    pub(crate) fn float(&mut self, size: f32) -> f32 {
        ((self.bits() >> 40) as f32 / 8_388_608.0 - 1.0) * size
    }

    pub(crate) fn floats(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| self.float(size)).collect()
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 33) as usize % end
    }
}

/// Equal bit for bit, any NaN equal to any other.
#[track_caller]
pub(crate) fn assert_bits(got: &[f32], expected: &[f32], case: &str) {
    assert_eq!(got.len(), expected.len(), "{case}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let same = got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan());
        assert!(same, "{case}: value {i} is {got:e}, not {expected:e}");
    }
}

/// Within `bound · max(1, |expected|)` of the f64 result, NaN where that is NaN.
#[track_caller]
pub(crate) fn close(got: &[f32], expected: &[f64], bound: f64, case: &str) {
    assert_eq!(got.len(), expected.len(), "{case}");
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        let fine = error <= bound * expected.abs().max(1.0) || (got.is_nan() && expected.is_nan());
        assert!(fine, "{case}: value {i} is {got:e}, not {expected:e}");
    }
}

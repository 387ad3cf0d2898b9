//! The best of many scores.
//!
//! Bound by the reading of the scores: most are under the worst that is kept. Ties go to the lower index and NaN is never
//! kept, so the result is one and the same everywhere.

/// A row and its score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hit {
    /// The index of the score.
    pub index: u32,
    /// The score.
    pub score: f32,
}

/// Fills `best` with the highest of `scores`, highest first, and says how many there were: fewer than `best.len()`
/// where there are fewer scores that are numbers. Of equal scores the lower index stands first.
pub fn topk(scores: &[f32], best: &mut [Hit]) -> usize {
    let mut kept = 0;
    for (index, &score) in (0u32..).zip(scores) {
        let enters = if kept < best.len() { !score.is_nan() } else { kept > 0 && score > best[kept - 1].score };
        if enters {
            kept = (kept + 1).min(best.len());
            let at = best[..kept - 1].partition_point(|hit| hit.score >= score);
            best.copy_within(at..kept - 1, at + 1);
            best[at] = Hit { index, score };
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::Random;

    #[test]
    fn the_best_are_those_of_a_full_sort() {
        let mut random = Random::new(7);
        for (count, k) in [(0, 3), (1, 3), (5, 0), (5, 1), (5, 5), (200, 10), (5000, 100)] {
            let mut scores: Vec<f32> = (0..count).map(|_| (random.float(1.0) * 50.0).round() + 0.0).collect();
            if count > 3 {
                scores[2] = f32::NAN;
            }
            let mut sorted: Vec<(u32, f32)> =
                (0u32..).zip(scores.iter().copied()).filter(|hit| !hit.1.is_nan()).collect();
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            sorted.truncate(k);
            let mut best = vec![Hit::default(); k];
            let kept = topk(&scores, &mut best);
            let got: Vec<(u32, f32)> = best[..kept].iter().map(|hit| (hit.index, hit.score)).collect();
            let expected: Vec<(u32, f32)> = sorted.iter().map(|hit| (hit.0, hit.1)).collect();
            assert_eq!(got, expected, "{count} scores, {k} best");
        }
    }
}

//! The best of many scores.
//!
//! Bound by the reading of the scores: most are under the worst that is kept. Ties go to the lower index and NaN is never
//! kept, so the result is one and the same everywhere.

use std::cmp::Ordering;

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
    let mut top = TopK::new(best);
    top.push(0, scores);
    top.finish()
}

/// [`topk`] of scores that come in parts.
///
/// While they come, the best are a heap with the worst of them on top.
#[derive(Debug)]
pub struct TopK<'b> {
    best: &'b mut [Hit],
    kept: usize,
}

impl<'b> TopK<'b> {
    /// None yet; as many as `best` holds are kept.
    pub fn new(best: &'b mut [Hit]) -> TopK<'b> {
        TopK { best, kept: 0 }
    }

    /// Takes in the scores of the indices from `first` on, which must be higher than all that came before.
    pub fn push(&mut self, first: u32, scores: &[f32]) {
        for (first, scores) in (first..).step_by(TOGETHER).zip(scores.chunks(TOGETHER)) {
            // Most are none of the best, which is seen without a branch for each.
            if self.kept == self.best.len() {
                let Some(worst) = self.best.first() else { return };
                if !scores.iter().fold(false, |any, &score| any | (score > worst.score)) {
                    continue;
                }
            }
            for (index, &score) in (first..).zip(scores) {
                self.offer(Hit { index, score });
            }
        }
    }

    /// Sorts what was kept, highest first, and says how many they are.
    pub fn finish(self) -> usize {
        let kept = &mut self.best[..self.kept];
        // No NaN is kept, so any two compare.
        kept.sort_unstable_by(|a, b| {
            b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.index.cmp(&b.index))
        });
        self.kept
    }

    #[inline]
    fn offer(&mut self, hit: Hit) {
        if self.kept < self.best.len() {
            if !hit.score.is_nan() {
                self.best[self.kept] = hit;
                self.kept += 1;
                self.rise();
            }
        } else if hit.score > self.best[0].score {
            self.best[0] = hit;
            self.sink();
        }
    }

    /// Puts the last where it belongs.
    fn rise(&mut self) {
        let mut at = self.kept - 1;
        while at > 0 {
            let above = (at - 1) / 2;
            if !self.best[at].is_worse(self.best[above]) {
                break;
            }
            self.best.swap(at, above);
            at = above;
        }
    }

    /// Puts the first where it belongs.
    fn sink(&mut self) {
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            let Some(children) = self.best.get(left..self.best.len().min(left + 2)).filter(|two| !two.is_empty())
            else {
                break;
            };
            let worse = left + usize::from(children.len() == 2 && children[1].is_worse(children[0]));
            if !self.best[worse].is_worse(self.best[at]) {
                break;
            }
            self.best.swap(at, worse);
            at = worse;
        }
    }
}

/// How many scores are looked at before one of them is.
const TOGETHER: usize = 32;

impl Hit {
    /// A lower score, or the same at a later index.
    fn is_worse(self, other: Hit) -> bool {
        self.score < other.score || (self.score == other.score && self.index > other.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::Random;

    #[test]
    fn both_zeros_are_equal_and_the_lower_index_wins() {
        let mut best = [Hit::default(); 2];
        assert_eq!(topk(&[-1.0, -0.0, f32::NAN, 0.0, -0.0], &mut best), 2);
        assert_eq!(best.map(|hit| hit.index), [1, 3]);
    }

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
            let mut parts = vec![Hit::default(); k];
            let mut top = TopK::new(&mut parts);
            for (part, scores) in (0..).zip(scores.chunks(77)) {
                top.push(part * 77, scores);
            }
            assert_eq!((top.finish(), &parts), (kept, &best), "{count} scores in parts, {k} best");
            let got: Vec<(u32, f32)> = best[..kept].iter().map(|hit| (hit.index, hit.score)).collect();
            let expected: Vec<(u32, f32)> = sorted.iter().map(|hit| (hit.0, hit.1)).collect();
            assert_eq!(got, expected, "{count} scores, {k} best");
        }
    }
}

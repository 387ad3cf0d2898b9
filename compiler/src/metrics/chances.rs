//! How well scores tell what is relevant from what is not, over all candidates at once.

/// The area under the receiver's operating curve: how likely a relevant candidate has a greater score than another, where equal scores
/// count by half (Mann and Whitney 1947). `None` unless there are both.
pub fn auc(scores: &[f64], relevant: &[bool]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut ranks, mut first) = (0.0, 0);
    for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        // The mean of the ranks that they share, counted from 1.
        let rank = first as f64 + (equal.len() as f64 + 1.0) / 2.0;
        ranks += rank * equal.iter().filter(|&&at| relevant[at]).count() as f64;
        first += equal.len();
    }
    let positive = relevant.iter().filter(|&&it| it).count() as f64;
    let negative = relevant.len() as f64 - positive;
    (positive > 0.0 && negative > 0.0).then(|| (ranks - positive * (positive + 1.0) / 2.0) / (positive * negative))
}

/// The least chance that a candidate may have, so that one that was thought impossible has a finite loss: f64's epsilon, as
/// scikit-learn has it.
const LEAST: f64 = f64::EPSILON;

/// The mean of −ln of the chance of what was. `None` where a score is no chance, or there is none.
pub fn logloss(scores: &[f64], relevant: &[bool]) -> Option<f64> {
    if scores.is_empty() || scores.iter().any(|score| !(0.0..=1.0).contains(score)) {
        return None;
    }
    let loss = |(score, &relevant): (&f64, &bool)| {
        let chance = if relevant { *score } else { 1.0 - score };
        -chance.clamp(LEAST, 1.0 - LEAST).ln()
    };
    Some(scores.iter().zip(relevant).map(loss).sum::<f64>() / scores.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values by the definitions, in Python:
    ///
    /// ```python
    /// y, s = [0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.4, 0.4]
    /// pos, neg = [b for a, b in zip(y, s) if a], [b for a, b in zip(y, s) if not a]
    /// sum((p > n) + 0.5 * (p == n) for p in pos for n in neg) / 9  # 0.6666666666666666
    /// -sum(math.log(b if a else 1 - b) for a, b in zip(y, s)) / 6  # 0.5527113618128084
    /// ```
    #[test]
    fn areas_and_losses_are_those_of_their_definitions() {
        let relevant = [false, false, true, true, false, true];
        let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4];
        assert!((auc(&scores, &relevant).expect("an area") - 2.0 / 3.0).abs() < 1e-12);
        assert!((logloss(&scores, &relevant).expect("a loss") - 0.5527113618128084).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_told_has_no_figure() {
        assert_eq!((auc(&[0.5], &[true]), auc(&[], &[])), (None, None));
        assert_eq!((logloss(&[1.5], &[true]), logloss(&[f64::NAN], &[true]), logloss(&[], &[])), (None, None, None));
        assert!(logloss(&[0.0, 1.0], &[true, false]).is_some_and(|loss| loss.is_finite() && loss > 36.0));
    }
}

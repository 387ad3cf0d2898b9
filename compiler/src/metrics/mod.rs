//! Figures of quality: how good a ranking or a classification is.
//!
//! Rankings are judged as Järvelin and Kekäläinen (2002) and the TREC tools do:
//!
//! - `ndcg@k` = DCG@k / ideal DCG@k, DCG@k = Σ (2^rating − 1) / log2(place + 1) over the first k places, counted from 1. The ideal is
//!   the best order of all of the query's judged documents. A document without a judgment counts as rating 0.
//! - `recall@k`: the share of the relevant documents that stand among the first k.
//! - `hr@k`: whether a relevant one stands among the first k.
//! - `mrr`, `mrr@k`: 1 / place of the first relevant document, 0 if there is none (among the first k).
//!
//! A query without any relevant document has no figure and is left out of the mean. Ties are broken by the corpus' order.

mod chances;
mod metric;
mod rank;

pub use chances::{auc, logloss};
pub use metric::Metric;
pub use rank::rank;

/// The normalized discounted cumulative gain of the first `k` places; `None` if no judged document has a rating over 0.
///
/// `ranked` are the ratings in the order of the ranking, `judged` those of all judged documents of the query.
pub fn ndcg(ranked: &[f64], judged: &[f64], k: usize) -> Option<f64> {
    let mut ideal = judged.to_vec();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let best = dcg(&ideal, k);
    (best > 0.0).then(|| dcg(ranked, k) / best)
}

fn dcg(ratings: &[f64], k: usize) -> f64 {
    let gain = |(place, rating): (usize, &f64)| (rating.exp2() - 1.0) / (place as f64 + 2.0).log2();
    ratings.iter().take(k).enumerate().map(gain).sum()
}

/// The share of the relevant documents (rating at least `relevant`) that stand among the first `k`; `None` if there are none.
pub fn recall(ranked: &[f64], judged: &[f64], k: usize, relevant: f64) -> Option<f64> {
    let count = |ratings: &mut dyn Iterator<Item = &f64>| ratings.filter(|rating| **rating >= relevant).count();
    let all = count(&mut judged.iter());
    (all > 0).then(|| count(&mut ranked.iter().take(k)) as f64 / all as f64)
}

/// Whether a relevant document (rating at least `relevant`) stands among the first `k`, as 0 or 1; `None` if there are none.
pub fn hit_rate(ranked: &[f64], judged: &[f64], k: usize, relevant: f64) -> Option<f64> {
    Some(f64::from(recall(ranked, judged, k, relevant)? > 0.0))
}

/// The reciprocal of the first relevant document's place; `None` if no judged document is relevant.
pub fn mrr(ranked: &[f64], judged: &[f64], k: Option<usize>, relevant: f64) -> Option<f64> {
    judged.iter().find(|rating| **rating >= relevant)?;
    let first = ranked.iter().take(k.unwrap_or(usize::MAX)).position(|rating| *rating >= relevant);
    Some(first.map_or(0.0, |place| 1.0 / (place as f64 + 1.0)))
}

/// The cosine of two vectors, in f64; 0 where one of them is zero.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths == 0.0 { 0.0 } else { (dot(a, b) / lengths).clamp(-1.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values by numpy:
    ///
    /// ```python
    /// import numpy as np
    /// def dcg(r, k): r = np.array(r[:k], float); return ((2**r - 1) / np.log2(np.arange(2, len(r) + 2))).sum()
    /// def ndcg(r, j, k): return dcg(r, k) / dcg(sorted(j, reverse=True), k)
    /// ```
    #[test]
    fn ndcg_is_numpys() {
        for (ranked, judged, k, expected) in [
            // The ranking of Wikipedia's article, with two more judged documents that were not found.
            (vec![3., 2., 3., 0., 1., 2.], vec![3., 2., 3., 0., 1., 2., 3., 2.], 6, 0.751083386792245),
            (vec![3., 2., 3., 0., 1., 2.], vec![3., 2., 3., 0., 1., 2.], 6, 0.948810748567898),
            (vec![0., 0., 1.], vec![1.], 10, 0.5),
            (vec![0., 0., 1.], vec![1.], 2, 0.0),
            (vec![1., 0.5], vec![0.5, 1.], 10, 1.0),
        ] {
            let got = ndcg(&ranked, &judged, k).expect("a figure");
            assert!((got - expected).abs() < 1e-12, "{ranked:?}@{k}: {got}, numpy has {expected}");
        }
        assert_eq!(ndcg(&[0., 0.], &[0., 0.], 10), None);
    }

    #[test]
    fn recall_counts_by_hand() {
        let (ranked, judged) = (vec![0., 2., 1., 0., 3.], vec![3., 2., 1., 1.]);
        for (k, relevant, expected) in [(1, 1., 0.0), (2, 1., 0.25), (5, 1., 0.75), (5, 2., 1.0), (0, 1., 0.0)] {
            assert_eq!(recall(&ranked, &judged, k, relevant), Some(expected), "@{k} from {relevant}");
        }
        assert_eq!(recall(&ranked, &judged, 5, 4.), None);
    }

    #[test]
    fn hits_count_by_hand() {
        for (k, relevant, expected) in [(1, 1., 0.0), (2, 1., 1.0), (5, 3., 1.0), (4, 3., 0.0)] {
            assert_eq!(hit_rate(&[0., 2., 1., 0., 3.], &[3., 2., 1.], k, relevant), Some(expected), "@{k}");
        }
        assert_eq!(hit_rate(&[0.], &[0.], 1, 1.), None);
    }

    #[test]
    fn mrr_counts_by_hand() {
        let ranked = [0., 0., 1., 3.];
        for (k, relevant, expected) in
            [(None, 1., 1. / 3.), (None, 2., 0.25), (Some(3), 2., 0.0), (Some(3), 1., 1. / 3.)]
        {
            assert_eq!(mrr(&ranked, &[1., 3.], k, relevant), Some(expected), "@{k:?} from {relevant}");
        }
        assert_eq!(mrr(&ranked, &[1., 3.], None, 4.), None);
    }

    #[test]
    fn cosine_is_that_of_geometry() {
        for (a, b, expected) in [
            ([1., 0.], [0., 2.], 0.0),
            ([1., 1.], [2., 2.], 1.0),
            ([1., 0.], [-3., 0.], -1.0),
            ([3., 4.], [4., 3.], 0.96),
            ([0., 0.], [4., 3.], 0.0),
        ] {
            assert!((cosine(&a, &b) - expected).abs() < 1e-12, "{a:?} {b:?}");
        }
    }
}

//! A ranking: the order of documents by their scores.

/// The indices of `scores` from the highest to the lowest; equal scores keep their order, so that a ranking is one and the same on
/// every run.
pub fn rank(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_comes_first_and_ties_keep_their_order() {
        assert_eq!(rank(&[0.1, 0.9, 0.5, 0.9, -1.0]), [1, 3, 2, 0, 4]);
        assert_eq!(rank(&[]), [0; 0]);
    }
}

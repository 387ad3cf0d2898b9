//! How far a shadow's rows are from those that were answered.

use modeldeploy::format::Task;
use modeldeploy::model::Facts;

/// The rows of one request, compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    /// Of each text or candidate: 1 − cosine of the vectors, the difference of the scores, the largest of several, or the largest difference
    /// of a label's probability.
    pub(super) distances: Vec<f64>,
    /// Of a model that classifies: texts whose likeliest label is the same.
    pub(super) agreed: Option<usize>,
    /// Of a model that scores: Spearman's rank correlation of the scores, of several that by which a ranker ranks, where there are two that
    /// differ in both.
    pub(super) rank: Option<f64>,
}

/// What a distance is, in words.
pub(super) fn measure(facts: &Facts) -> &'static str {
    match facts.task {
        Task::Embed => "1 - cosine",
        Task::Rank if facts.outputs > 1 => "largest difference of a score",
        Task::Score | Task::Rank => "difference of scores",
        _ => "largest difference of a probability",
    }
}

/// Compares the rows of a request, which are as many, of a model of these facts.
pub(super) fn compare<T: Copy + Into<f64>>(facts: &Facts, answered: &[T], shadow: &[T]) -> Comparison {
    let (a, b) = (answered.chunks_exact(facts.outputs), shadow.chunks_exact(facts.outputs));
    let pairs = a.zip(b);
    match facts.task {
        Task::Embed => {
            Comparison { distances: pairs.map(|(a, b)| 1.0 - cosine(a, b)).collect(), agreed: None, rank: None }
        }
        Task::Score | Task::Rank => Comparison {
            distances: pairs.map(|(a, b)| farthest(a, b)).collect(),
            agreed: None,
            rank: spearman(&firsts(answered, facts.outputs), &firsts(shadow, facts.outputs)),
        },
        _ => Comparison {
            agreed: Some(pairs.clone().filter(|(a, b)| likeliest(a) == likeliest(b)).count()),
            distances: pairs.map(|(a, b)| farthest(a, b)).collect(),
            rank: None,
        },
    }
}

/// The first value of each row.
fn firsts<T: Copy + Into<f64>>(rows: &[T], width: usize) -> Vec<f64> {
    rows.iter().step_by(width).map(|&value| value.into()).collect()
}

fn cosine<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    let dot = |a: &[T], b: &[T]| a.iter().zip(b).map(|(&a, &b)| a.into() * b.into()).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

fn farthest<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| (a.into() - b.into()).abs()).fold(0.0, f64::max)
}

/// Of equal ones the first, as in an answer.
fn likeliest<T: Copy + Into<f64>>(row: &[T]) -> Option<usize> {
    (0..row.len()).reduce(|best, next| if row[next].into() > row[best].into() { next } else { best })
}

/// Pearson's correlation of the ranks, equal scores having the mean of theirs.
fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let lengths = (sum(&a, &a) * sum(&b, &b)).sqrt();
    (lengths > 0.0).then(|| sum(&a, &b) / lengths)
}

fn ranks(scores: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut ranks = vec![0.0; scores.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let mean = first as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|&at| ranks[at] = mean);
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(task: Task, outputs: usize) -> Facts {
        Facts { task, max_tokens: 8, outputs, normalized: false, labels: &[], prompts: &[], gate: None }
    }

    #[test]
    fn vectors_are_compared_by_their_angle() {
        let (x, y) = ([3.0_f32, 0.0, 1.0, 1.0, 0.0, 2.0, 0.0, 0.0], [6.0, 0.0, 1.0, 0.0, 0.0, -1.0, 1.0, 1.0]);
        let found = compare(&facts(Task::Embed, 2), &x, &y);
        let expected = [0.0, 1.0 - std::f64::consts::FRAC_1_SQRT_2, 2.0, 1.0];
        for (got, expected) in found.distances.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-15, "{got} {expected}");
        }
        assert_eq!((found.distances.len(), found.agreed, found.rank), (4, None, None));
    }

    #[test]
    fn scores_are_compared_by_value_and_by_rank() {
        // The correlation of the mean ranks by `statistics.correlation` of Python.
        for (a, b, rank) in [
            (&[1.0, 2.0, 3.0, 4.0][..], &[10.0, 20.0, 30.0, 40.0][..], Some(1.0)),
            (&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0], Some(-1.0)),
            (&[0.5, 0.1, 0.9, 0.9, 0.3], &[0.4, 0.2, 0.2, 0.8, 0.6], Some(0.289_473_684_210_526_3)),
            (&[1.0, 2.0], &[5.0, 5.0], None),
            (&[1.0], &[2.0], None),
            (&[], &[], None),
        ] {
            let found = compare::<f64>(&facts(Task::Score, 1), a, b).rank;
            let near = found.zip(rank).map_or(found == rank, |(found, rank)| (found - rank).abs() < 1e-12);
            assert!(near, "{a:?} {b:?}: {found:?}, expected {rank:?}");
        }
        assert_eq!(compare(&facts(Task::Score, 1), &[1.0_f32, -2.0], &[0.5, 2.0]).distances, [0.5, 4.0]);
    }

    #[test]
    fn candidates_of_several_scores_are_ranked_by_the_first() {
        let (answered, shadow) = ([0.1, 9.0, 0.2, 8.0, 0.3, 7.0_f64], [0.1, 7.0, 0.25, 8.5, 0.5, 9.0]);
        let found = compare(&facts(Task::Rank, 2), &answered, &shadow);
        assert_eq!(found, Comparison { distances: vec![2.0, 0.5, 2.0], agreed: None, rank: Some(1.0) });
        let [one, several] = [1, 2].map(|outputs| measure(&facts(Task::Rank, outputs)));
        assert_eq!((one, several), ("difference of scores", "largest difference of a score"));
        // They are f64 to the last bit.
        let found = compare(&facts(Task::Rank, 1), &[1.0_f64], &[1.0 + f64::EPSILON]);
        assert_eq!(found.distances, [f64::EPSILON]);
    }

    #[test]
    fn labels_agree_where_the_likeliest_is_the_same() {
        let found = compare(
            &facts(Task::Classify, 2),
            &[0.75_f32, 0.25, 0.5, 0.5, 0.0, 1.0],
            &[0.5, 0.5, 0.25, 0.75, 0.0, 1.0],
        );
        assert_eq!(found, Comparison { distances: vec![0.25, 0.25, 0.0], agreed: Some(2), rank: None });
    }
}

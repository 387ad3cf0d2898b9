//! The names of metrics, as suites and gates write them.

use std::fmt;

/// A figure that a suite can measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// `ndcg@k`.
    Ndcg(usize),
    /// `recall@k`.
    Recall(usize),
    /// `mrr`, `mrr@k`.
    Mrr(Option<usize>),
    /// `accuracy`: the share of examples whose likeliest label is theirs.
    Accuracy,
    /// `cosine`: the mean cosine of a text's vector to the reference's, 1 for the reference itself.
    Cosine,
}

impl Metric {
    /// The names, for errors.
    pub const NAMES: [&'static str; 5] = ["ndcg@10", "recall@10", "mrr", "accuracy", "cosine"];

    /// The metric of that name.
    pub fn parse(name: &str) -> Option<Metric> {
        let (kind, k) = match name.split_once('@') {
            Some((kind, k)) => {
                let digits = !k.is_empty() && !k.starts_with('0') && k.bytes().all(|byte| byte.is_ascii_digit());
                (kind, Some(k.parse::<usize>().ok().filter(|_| digits)?))
            }
            None => (name, None),
        };
        match (kind, k) {
            ("ndcg", Some(k)) => Some(Metric::Ndcg(k)),
            ("recall", Some(k)) => Some(Metric::Recall(k)),
            ("mrr", k) => Some(Metric::Mrr(k)),
            ("accuracy", None) => Some(Metric::Accuracy),
            ("cosine", None) => Some(Metric::Cosine),
            _ => None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Ndcg(k) => write!(f, "ndcg@{k}"),
            Metric::Recall(k) => write!(f, "recall@{k}"),
            Metric::Mrr(Some(k)) => write!(f, "mrr@{k}"),
            Metric::Mrr(None) => f.write_str("mrr"),
            Metric::Accuracy => f.write_str("accuracy"),
            Metric::Cosine => f.write_str("cosine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_it_was() {
        for name in ["ndcg@10", "ndcg@1", "recall@100", "mrr", "mrr@5", "accuracy", "cosine"] {
            assert_eq!(Metric::parse(name).map(|metric| metric.to_string()).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_is_no_metric_is_none() {
        for wrong in
            ["", "ndcg", "ndcg@", "ndcg@0", "ndcg@-1", "ndcg@+1", "recall", "accuracy@1", "NDCG@10", "ndcg@10 "]
        {
            assert_eq!(Metric::parse(wrong), None, "{wrong}");
        }
    }
}

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
    /// `hr@k`: the share of requests that have a relevant candidate among the first k.
    HitRate(usize),
    /// `auc`: the area under the receiver's curve, over all candidates of all requests.
    Auc,
    /// `logloss`: the mean of −ln of the probability of what was; the less the better.
    LogLoss,
    /// `accuracy`: the share of examples whose likeliest label is theirs.
    Accuracy,
    /// `cosine`: the mean cosine of a text's vector to the reference's, 1 for the reference itself.
    Cosine,
}

impl Metric {
    /// The names, for errors.
    pub const NAMES: [&'static str; 8] =
        ["ndcg@10", "recall@10", "mrr", "hr@10", "auc", "logloss", "accuracy", "cosine"];

    /// Whether less is better.
    pub fn is_loss(self) -> bool {
        self == Metric::LogLoss
    }

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
            ("hr", Some(k)) => Some(Metric::HitRate(k)),
            ("auc", None) => Some(Metric::Auc),
            ("logloss", None) => Some(Metric::LogLoss),
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
            Metric::HitRate(k) => write!(f, "hr@{k}"),
            Metric::Auc => f.write_str("auc"),
            Metric::LogLoss => f.write_str("logloss"),
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
        for name in ["ndcg@10", "ndcg@1", "recall@100", "mrr", "mrr@5", "hr@10", "auc", "logloss", "accuracy", "cosine"]
        {
            assert_eq!(Metric::parse(name).map(|metric| metric.to_string()).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_is_no_metric_is_none() {
        for wrong in [
            "",
            "ndcg",
            "ndcg@",
            "ndcg@0",
            "ndcg@-1",
            "ndcg@+1",
            "recall",
            "accuracy@1",
            "hr",
            "auc@5",
            "NDCG@10",
            "ndcg@10 ",
        ] {
            assert_eq!(Metric::parse(wrong), None, "{wrong}");
        }
    }
}

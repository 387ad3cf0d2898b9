//! Figures as people read them.

use modeldeploy_compiler::eval::Evaluation;
use serde_json::{Value, json};
use std::fmt::Write;

/// `22.9 MB`; bytes below a thousand as they are.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1000 => format!("{count} B"),
        1000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// `1 model`, `3 models`.
pub(crate) fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// An evaluation as a table: each metric of the f32 reference and of the pack, then how far their outputs are apart.
pub(crate) fn table(evaluation: &Evaluation) -> String {
    let mut text = format!("  {:<12} {:>10} {:>10} {:>10}", "", "f32", "pack", "ratio");
    for figure in &evaluation.figures {
        let (name, ratio) = (figure.metric.to_string(), figure.ratio());
        let _ = write!(text, "\n  {name:<12} {:>10.6} {:>10.6} {ratio:>10.6}", figure.base, figure.got);
    }
    match &evaluation.agreement {
        Some(agreement) => {
            let _ = write!(text, "\n  cosine to f32: mean {:.6}, least {:.6}", agreement.mean, agreement.min);
            if let Some((worst, cosine)) = agreement.worst.first().filter(|(_, cosine)| *cosine < 0.999_999) {
                let shown: String = worst.chars().take(60).collect();
                let _ = write!(text, " ({shown:?}: {cosine:.6})");
            }
        }
        None => {
            let _ = write!(text, "\n  largest difference to f32: {:.6}", evaluation.largest_difference);
        }
    }
    let Evaluation { texts, measured, without_relevant, of_requests, .. } = evaluation;
    let [what, of] = if *of_requests { ["candidates", "requests"] } else { ["texts", "queries or examples"] };
    let _ = write!(text, "\n  {texts} {what}, {measured} {of} measured");
    let _ = match (*without_relevant, *of_requests) {
        (0, _) => Ok(()),
        (count, false) => write!(text, ", {count} left out that have nothing relevant"),
        (count, true) => write!(text, "; {count} more have nothing relevant, and count for `auc` and `logloss` alone"),
    };
    text
}

/// The same for programs.
pub(crate) fn program(evaluation: &Evaluation) -> Value {
    let figure = |it: &modeldeploy_compiler::eval::Figure| json!({"metric": it.metric.to_string(), "f32": it.base, "pack": it.got, "ratio": it.ratio()});
    json!({
        "metrics": evaluation.figures.iter().map(figure).collect::<Vec<_>>(),
        "cosine": evaluation.agreement.as_ref().map(|it| json!({"mean": it.mean, "min": it.min, "worst": it.worst})),
        "largest-difference": evaluation.largest_difference,
        "texts": evaluation.texts,
        "measured": evaluation.measured,
        "without-relevant": evaluation.without_relevant,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_compiler::eval::{Agreement, Figure};
    use modeldeploy_compiler::metrics::Metric;

    #[test]
    fn sizes_are_short() {
        for (count, shown) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (22_900_000, "22.9 MB"), (3 << 30, "3.22 GB")]
        {
            assert_eq!(bytes(count), shown);
        }
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([count(0, "file"), count(1, "file"), count(2, "file")], ["0 files", "1 file", "2 files"]);
    }

    #[test]
    fn an_evaluation_is_a_table() {
        let evaluation = Evaluation {
            figures: vec![Figure { metric: Metric::Ndcg(10), base: 0.8, got: 0.79 }],
            agreement: Some(Agreement { mean: 0.9992, min: 0.9975, worst: vec![("手机".into(), 0.9975)] }),
            largest_difference: 0.1,
            texts: 12,
            measured: 5,
            of_requests: false,
            without_relevant: 1,
        };
        let expected = "                      f32       pack      ratio\n  ndcg@10        0.800000   0.790000   0.987500\n  \
                        cosine to f32: mean 0.999200, least 0.997500 (\"手机\": 0.997500)\n  \
                        12 texts, 5 queries or examples measured, 1 left out that have nothing relevant";
        assert_eq!(table(&evaluation), expected);
        assert_eq!(program(&evaluation)["metrics"][0]["metric"], "ndcg@10");
    }
}

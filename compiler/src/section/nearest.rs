//! The name that a user most likely meant.

/// The candidate nearest to `name`, if any is near enough to be offered.
pub fn nearest<'n>(name: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let names = ["source", "task", "version", "license", "quantize", "min-ratio"];
        for (slip, meant) in [
            ("sorce", Some("source")),
            ("licence", Some("license")),
            ("quantise", Some("quantize")),
            ("min_ratio", Some("min-ratio")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(slip, names), meant, "{slip}");
        }
    }
}

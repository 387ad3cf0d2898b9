//! Shares that are given at the start, in place of those in the code: `query-encoder/canary=5%`.

use super::{Inside, Share};
use std::fmt;

/// The share of one version, by the model's name and the version's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    model: String,
    label: String,
    share: Share,
}

impl Weight {
    /// Reads several, with commas between them.
    ///
    /// # Errors
    ///
    /// Which one is none, and what is expected.
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Weight>, String> {
        text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(Weight::parse).collect()
    }

    fn parse(text: &str) -> Result<Weight, String> {
        let parts = text.split_once('=').and_then(|(place, share)| Some((place.trim().split_once('/')?, share.trim())));
        let Some(((model, label), share)) = parts.filter(|((model, label), _)| !model.is_empty() && !label.is_empty())
        else {
            return Err(format!("expected MODEL/LABEL=SHARE, such as query-encoder/canary=5%, in place of `{text}`"));
        };
        Ok(Weight { model: model.to_owned(), label: label.to_owned(), share: Share::parse(share)? })
    }

    /// Gives the versions these shares.
    ///
    /// # Errors
    ///
    /// If there is no such version.
    pub(crate) fn apply(weights: &[Weight], models: &mut [Inside]) -> Result<(), String> {
        for Weight { model, label, share } in weights {
            let is_it = |inside: &&mut Inside| inside.card.name == model && inside.label == Some(label.as_str());
            let Some(found) = models.iter_mut().find(is_it) else {
                let labels =
                    models.iter().filter_map(|inside| Some(format!("`{}/{}`", inside.card.name, inside.label?)));
                let labels: Vec<_> = labels.collect();
                let known = if labels.is_empty() { "no label".to_owned() } else { labels.join(", ") };
                return Err(format!("no version has the label `{model}/{label}`; there is {known}"));
            };
            found.share = *share;
        }
        Ok(())
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}={}", self.model, self.label, self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_from_a_list() {
        let weight = |model: &str, label: &str, percent| Weight {
            model: model.to_owned(),
            label: label.to_owned(),
            share: Share::percent(percent),
        };
        for (text, expected) in [
            ("", vec![]),
            ("a/canary=5%", vec![weight("a", "canary", 5.0)]),
            (" a/canary = 5% , b/try=0%,", vec![weight("a", "canary", 5.0), weight("b", "try", 0.0)]),
        ] {
            assert_eq!(Weight::parse_all(text), Ok(expected), "{text}");
        }
        for (text, message) in [
            ("a", "such as query-encoder/canary=5%, in place of `a`"),
            ("a=5%", "expected MODEL/LABEL=SHARE"),
            ("/canary=5%", "in place of `/canary=5%`"),
            ("a/=5%", "in place of `a/=5%`"),
            ("a/canary=5", "expected a share, such as 5% or 0.25%, in place of `5`"),
            ("a/canary=5%,b", "in place of `b`"),
        ] {
            assert!(Weight::parse_all(text).is_err_and(|error| error.contains(message)), "{text}");
        }
    }
}

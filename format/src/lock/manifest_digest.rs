//! The digest of one entry of `[package.metadata.modeldeploy]`: where it differs from the lock's, the lock is stale.
//!
//! The macro and the compiler both take it from the manifest's TOML, so it is made of a canonical text: keys sorted, comments,
//! order and layout left out.

use crate::Digest;
use toml::{Table, Value};

/// The settings of one entry in the manifest: `[package.metadata.modeldeploy.<kind>.<name>]`, kind being `model` or `index`.
pub fn manifest_settings<'a>(manifest: &'a Table, kind: &str, name: &str) -> Option<&'a Table> {
    ["package", "metadata", "modeldeploy", kind, name]
        .iter()
        .try_fold(manifest, |table, key| table.get(*key).and_then(Value::as_table))
}

/// The sha256 of the canonical text of `settings`.
pub fn manifest_digest(settings: &Table) -> Digest {
    let mut text = String::new();
    table(&mut text, settings);
    Digest::of(text.as_bytes())
}

fn table(out: &mut String, settings: &Table) {
    // Another crate may have switched `toml` to keep the order of the file, so it is sorted here.
    let mut keys: Vec<_> = settings.iter().collect();
    keys.sort_by_key(|(key, _)| *key);
    out.push('{');
    for (key, entry) in keys {
        out.push_str(&format!("{key:?}="));
        value(out, entry);
        out.push(',');
    }
    out.push('}');
}

fn value(out: &mut String, entry: &Value) {
    match entry {
        Value::String(text) => out.push_str(&format!("{text:?}")),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&format!("{number:?}")),
        Value::Boolean(flag) => out.push_str(&flag.to_string()),
        Value::Datetime(time) => out.push_str(&format!("@{time}")),
        Value::Array(entries) => {
            out.push('[');
            for entry in entries {
                value(out, entry);
                out.push(',');
            }
            out.push(']');
        }
        Value::Table(settings) => table(out, settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(manifest: &str) -> Digest {
        let manifest: Table = manifest.parse().expect("TOML");
        manifest_digest(manifest_settings(&manifest, "model", "a").expect("model `a`"))
    }

    const PLAIN: &str = r#"
        [package.metadata.modeldeploy.model.a]
        source = "m"
        task = "embed"
        gate = { metric = "ndcg@10", min-ratio = 0.99 }
    "#;

    #[test]
    fn order_comments_and_layout_do_not_matter() {
        let other = r#"
            # a comment
            [package.metadata.modeldeploy.model.b]
            source = "other"
            [package.metadata.modeldeploy.model.a]
            task = 'embed' # single quotes
            source = "m"
            [package.metadata.modeldeploy.model.a.gate]
            min-ratio = 0.990
            metric = "ndcg@10"
        "#;
        assert_eq!(digest(PLAIN), digest(other));
    }

    #[test]
    fn the_canonical_text_is_stable() {
        // The text whose sha256 it is, written by hand.
        let text = r#"{"gate"={"metric"="ndcg@10","min-ratio"=0.99,},"source"="m","task"="embed",}"#;
        assert_eq!(digest(PLAIN), Digest::of(text.as_bytes()));
    }

    #[test]
    fn every_setting_matters() {
        for (from, to) in [("\"m\"", "\"n\""), ("0.99", "0.98"), ("source", "sources"), ("\"embed\"", "1")] {
            assert_ne!(digest(PLAIN), digest(&PLAIN.replacen(from, to, 1)), "{from} to {to}");
        }
    }

    #[test]
    fn an_entry_that_is_not_there_has_no_settings() {
        let manifest: Table = PLAIN.parse().expect("TOML");
        assert!(manifest_settings(&manifest, "model", "b").is_none());
        assert!(manifest_settings(&manifest, "index", "a").is_none());
    }
}

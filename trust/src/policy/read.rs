//! Reading `modeldeploy.toml`, with every mistake at once.

use super::table::{Source, Table};
use super::units::{days, size};
use super::{Mistake, Pattern, Policy, Settings, Signatures, Trust};
use spdx::Licensee;
use toml::de::DeTable;

/// The longest file.
const LONGEST: usize = 1 << 20;

/// Reads the text of the file.
///
/// # Errors
///
/// Everything that is wrong with it: keys that are not known, wrong types and values, rules that ask for nobody.
pub fn parse(text: &str) -> Result<Settings, Vec<Mistake>> {
    let source = Source::new(text);
    if text.len() > LONGEST {
        source.fail(
            0,
            format!("the file has {} bytes, and {LONGEST} are the most", text.len()),
            "write what it asks shorter",
        );
        return Err(source.mistakes());
    }
    let document = match DeTable::parse(text) {
        Ok(document) => document.into_inner(),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            source.fail(at, format!("not TOML: {}", error.message()), "mend the line; https://toml.io has the rules");
            return Err(source.mistakes());
        }
    };
    let whole = Table::new(&source, "", Some(&document), &["policy", "trust"]);
    let settings = Settings { policy: policy(&source, &whole), trust: trust(&source, &whole) };
    let mistakes = source.mistakes();
    if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
}

fn policy(source: &Source<'_>, whole: &Table<'_, '_>) -> Policy {
    let keys = ["licenses", "max-age", "max-size", "sources", "signatures"];
    let table = whole.table("policy", "policy", &keys);
    let sources = table.table("sources", "policy.sources", &["allowed", "forbidden"]);
    let patterns = |key| -> Option<Vec<Pattern>> {
        let texts = sources.texts(key)?;
        let empty = texts.iter().filter(|(text, _)| text.is_empty());
        empty.for_each(|(_, at)| source.fail(*at, "a pattern is empty", "`*` is any source"));
        Some(texts.into_iter().map(|(text, _)| Pattern::new(text)).collect())
    };
    Policy {
        licenses: table.texts("licenses").map(|texts| licenses(source, &texts)),
        max_age: table.text("max-age", "days or weeks, as \"365d\" or \"52w\"", days),
        max_size: table.text("max-size", "a size, as \"500MB\" or \"2GiB\"", size),
        allowed: patterns("allowed"),
        forbidden: patterns("forbidden").unwrap_or_default(),
        signatures: signatures(source, &table),
    }
}

fn licenses(source: &Source<'_>, texts: &[(String, usize)]) -> Vec<Licensee> {
    let license = |(text, at): &(String, usize)| match Licensee::parse(text) {
        Ok(license) => Some(license),
        Err(error) => {
            let message = format!("`{}` is not one licence of SPDX ({})", text.escape_debug(), error.reason);
            source.fail(*at, message, "https://spdx.org/licenses lists the names; a list of them allows each");
            None
        }
    };
    texts.iter().filter_map(license).collect()
}

fn files(source: &Source<'_>, table: &Table<'_, '_>, key: &str) -> Vec<String> {
    let texts = table.texts(key).unwrap_or_default();
    let empty = texts.iter().filter(|(text, _)| text.is_empty());
    empty.for_each(|(_, at)| source.fail(*at, "a path is empty", "name a file beside this one: \"keys/ml-team.pub\""));
    texts.into_iter().map(|(text, _)| text).collect()
}

fn signatures(source: &Source<'_>, policy: &Table<'_, '_>) -> Signatures {
    let keys = ["required", "signers", "certificates", "threshold"];
    let table = policy.table("signatures", "policy.signatures", &keys);
    let signatures = Signatures {
        required: table.flag("required").unwrap_or(false),
        signers: files(source, &table, "signers"),
        certificates: files(source, &table, "certificates"),
        threshold: table.count("threshold").unwrap_or(1),
    };
    let at = table.at("required");
    if signatures.required && signatures.signers.is_empty() && signatures.certificates.is_empty() {
        source.fail(
            at,
            "signatures are required, and nobody is named who may sign",
            "name public keys: signers = [\"keys/ml-team.pub\"]",
        );
    } else if signatures.certificates.is_empty() && signatures.threshold > signatures.signers.len().max(1) {
        let message =
            format!("{} signers are asked for, and {} are named", signatures.threshold, signatures.signers.len());
        source.fail(table.at("threshold"), message, "name more signers, or ask for fewer");
    }
    signatures
}

fn trust(source: &Source<'_>, whole: &Table<'_, '_>) -> Trust {
    let table = whole.table("trust", "trust", &["keys", "threshold"]);
    let trust = Trust { keys: files(source, &table, "keys"), threshold: table.count("threshold").unwrap_or(1) };
    if trust.threshold > trust.keys.len().max(1) {
        let message = format!("{} keys are asked for, and {} are named", trust.threshold, trust.keys.len());
        source.fail(table.at("threshold"), message, "name more keys, or ask for fewer");
    }
    trust
}

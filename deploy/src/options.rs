//! The service's own options, handed to it as variables of the environment.

use crate::problem::{Kind, Problem};
use toml::Value;

/// Options that a deployment may set as it likes.
pub(crate) const FREE: [&str; 22] = [
    "body-timeout",
    "deadline",
    "header-timeout",
    "log",
    "log-level",
    "log-texts",
    "max-bodies-bytes",
    "max-body-bytes",
    "max-candidates",
    "max-connection-age",
    "max-connections",
    "max-connections-per-peer",
    "max-header-bytes",
    "max-headers",
    "max-streams",
    "max-texts",
    "max-tokens",
    "ping",
    "sandbox",
    "warm",
    "weights",
    "write-timeout",
];

/// Options that follow from settings, with the setting.
pub(crate) const SET: [(&str, &str); 9] = [
    ("drain-delay", "drain-delay"),
    ("grace", "grace"),
    ("listen", "port"),
    ("no-auth", "auth.open"),
    ("open-metrics", "metrics.open"),
    ("tls-cert", "tls.secret"),
    ("tls-client-ca", "tls.client-ca"),
    ("tls-key", "tls.secret"),
    ("tokens", "auth.tokens"),
];

/// The variable of an option.
pub(crate) fn variable(name: &str) -> String {
    format!("MODELDEPLOY_{}", name.to_uppercase().replace('-', "_"))
}

/// An option's value as a variable has it.
///
/// # Errors
///
/// If the service has no such option, or it is not one's to set.
pub(crate) fn value(name: &str, value: &Value) -> Result<String, Problem> {
    let at = |problem: Problem| problem.at(format!("options.{name}"));
    if let Some((_, setting)) = SET.iter().find(|(set, _)| *set == name) {
        let message = format!("the option `{name}` follows from the setting `{setting}`");
        return Err(at(Problem::new(Kind::Settings, message).help("set that instead")));
    }
    if !FREE.contains(&name) {
        let problem = at(Problem::new(Kind::Settings, format!("the service has no option `{name}`")));
        let near = FREE.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
        let near = near.filter(|near| strsim::damerau_levenshtein(near, name) <= 2.max(name.len() / 3));
        return Err(problem.help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", FREE.join(", ")),
        }));
    }
    let text = text(value).filter(|text| !text.is_empty() && !text.contains(char::is_control));
    text.ok_or_else(|| {
        at(Problem::new(Kind::Settings, format!("{value} can be no value of `{name}`"))
            .help("give a text on one line, a number, true or false, or a list of them"))
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is) => Some(is.to_string()),
        Value::Array(list) => list.iter().map(text).collect::<Option<Vec<_>>>().map(|texts| texts.join(",")),
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_options_are_those_of_the_service() {
        let sections = concat!(env!("CARGO_MANIFEST_DIR"), "/../service/src/config/sections");
        let mut theirs = BTreeSet::new();
        for entry in std::fs::read_dir(sections).expect("the service's options") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a source");
            let names = text.lines().filter_map(|line| line.trim().strip_prefix("name: \"")?.strip_suffix("\","));
            theirs.extend(names.map(str::to_owned));
        }
        let ours: BTreeSet<String> =
            FREE.iter().copied().chain(SET.iter().map(|(name, _)| *name)).map(str::to_owned).collect();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn values_are_as_a_variable_has_them_and_others_are_refused() {
        for (written, text) in [("64", "64"), ("\"1MiB\"", "1MiB"), ("true", "true"), ("[\"a=1\", \"b=2\"]", "a=1,b=2")]
        {
            let written: toml::Table = format!("v = {written}").parse().expect("TOML");
            assert_eq!(value("max-texts", &written["v"]), Ok(text.to_owned()));
        }
        for (name, written, said, help) in [
            ("max-text", "64", "has no option", "did you mean `max-texts`?"),
            ("colour", "64", "has no option", "it has body-timeout"),
            ("listen", "\"0.0.0.0:1\"", "follows from the setting `port`", "set that instead"),
            ("log", "{ a = 1 }", "can be no value", "on one line"),
            ("log", "\"a\\nb\"", "can be no value", "on one line"),
            ("log", "1.5", "can be no value", "on one line"),
        ] {
            let written: toml::Table = format!("v = {written}").parse().expect("TOML");
            let error = value(name, &written["v"]).expect_err(name);
            assert!(error.message.contains(said) && error.help.as_ref().is_some_and(|it| it.contains(help)), "{error}");
        }
    }
}

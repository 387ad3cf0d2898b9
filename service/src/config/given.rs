//! Who says what: the values of options by the command line, the environment and a file, and which of them holds.

use super::{Config, Row, Set, sections, values};
use modeldeploy::format::variables;
use std::collections::BTreeMap;
use std::fmt;

/// What the names of variables begin with.
pub(crate) const PREFIX: &str = "MODELDEPLOY_";

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(String),
    /// A line of the file, by the key there.
    Line { file: String, line: usize, key: &'static str },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "--{name}"),
            Origin::Variable(name) => f.write_str(name),
            Origin::Line { file, line, key } => write!(f, "{file}:{line}: `{key}`"),
        }
    }
}

/// The values that are said, by the options' names: those that hold.
pub(crate) type Given = BTreeMap<&'static str, (Origin, String)>;

/// What the environment says, into `given`; what is wrong, into `wrong`.
pub(crate) fn environment(variables: &BTreeMap<String, String>, given: &mut Given, wrong: &mut Vec<String>) {
    let known: Vec<(String, &Row)> = sections::rows().map(|row| (row.variable(), row)).collect();
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        match known.iter().find(|(known, _)| known == name) {
            Some((_, row)) => {
                given.insert(row.name, (Origin::Variable(name.clone()), value.clone()));
            }
            None if variables::ALL.contains(&name.as_str()) || *name == super::command::config_variable() => {}
            // Others may have variables of that prefix (Kubernetes makes some from a service's name): only what is almost an option's
            // is a mistake.
            None => {
                if let Some(near) = nearest(name, known.iter().map(|(known, _)| known.as_str())) {
                    wrong.push(format!("{name} is no option's variable; did you mean {near}?"));
                }
            }
        }
    }
}

/// Puts all that is said into `config`; what is wrong, into `wrong`.
pub(crate) fn apply(given: &Given, config: &mut Config, wrong: &mut Vec<String>) {
    for row in sections::rows() {
        let Some((origin, text)) = given.get(row.name) else { continue };
        let set = match row.set {
            Set::Switch(set) => values::switch(text).map(|on| set(config, on)),
            Set::Value(_, set) => set(config, text),
        };
        if let Err(expected) = set {
            wrong.push(format!("{origin} is `{text}`; {expected}"));
        }
    }
}

/// The name that was most likely meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (strsim::damerau_levenshtein(name, known), known)).min()?;
    // Two slips, or one in a short name.
    (near.0 <= 2.min(name.len() / 3)).then_some(near.1)
}

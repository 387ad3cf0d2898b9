//! A command line: an action, or a service with its configuration.

use super::given::{self, Given, Origin, nearest};
use super::{Config, Set, file, help, print, sections};
use crate::Error;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Serve(Box<Config>),
    SelfTest,
    /// Ask the service that runs with this configuration whether it is ready.
    Probe(Box<Config>),
    /// A text to print, after the service's name and version.
    Help(String),
    /// A text to print as it is.
    Print(String),
    /// What a service with this configuration uses of its system.
    Sandbox(Box<Config>),
    Version,
}

/// What a flag that is no option asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    SelfTest,
    Probe,
    PrintConfig,
    PrintSandbox,
    Help,
    Version,
}

/// The flags that are no options: what they ask for, and their words in `--help`.
pub(super) const ACTIONS: [(&str, Option<char>, Action, &str); 6] = [
    (
        "self-test",
        None,
        Action::SelfTest,
        "replay the golden vectors of every model inside, say how they compare, and exit",
    ),
    (
        "probe",
        None,
        Action::Probe,
        "ask the service that runs here with the same options whether it takes requests, and exit: with 0 if it does",
    ),
    (
        "print-config",
        None,
        Action::PrintConfig,
        "print every option's value and who set it, as a file for --config, and exit",
    ),
    (
        "print-sandbox",
        None,
        Action::PrintSandbox,
        "print the system calls, files and connections that the service uses, and exit",
    ),
    ("help", Some('h'), Action::Help, "print this and exit"),
    ("version", Some('V'), Action::Version, "print the versions of the service and its models and exit"),
];

/// The flag that names the file.
pub(super) const CONFIG: &str = "config";

/// The variable that names the file.
pub(super) fn config_variable() -> String {
    format!("{}CONFIG", given::PREFIX)
}

impl Command {
    /// Reads the arguments after the program's name, the environment's variables, and the file that one of them names; `base` holds
    /// where they say nothing.
    ///
    /// # Errors
    ///
    /// All that is wrong with them, a line each.
    pub(crate) fn read(
        args: impl IntoIterator<Item = OsString>,
        vars: impl IntoIterator<Item = (OsString, OsString)>,
        base: Config,
    ) -> Result<Command, Error> {
        let mut wrong = vec![];
        let variables = texts(vars, &mut wrong);
        let (mut given, mut flags) = (Given::new(), Given::new());
        let mut path = variables.get(&config_variable()).cloned();
        let action = arguments(args, &mut flags, &mut path, &mut wrong);
        if matches!(action, Some(Action::Help)) {
            return Ok(Command::Help(help::text(&base)));
        }
        if matches!(action, Some(Action::Version)) {
            return Ok(Command::Version);
        }
        if let Some(path) = path {
            file::read(&path, &mut given, &mut wrong);
        }
        given::environment(&variables, &mut given, &mut wrong);
        given.extend(flags);
        let mut config = base.clone();
        given::apply(&given, &mut config, &mut wrong);
        if wrong.is_empty() {
            wrong.extend(sections::CHECKS.iter().filter_map(|check| check(&config).err()));
        }
        if !wrong.is_empty() {
            return Err(Error::Options(wrong.join("\n")));
        }
        Ok(match action {
            Some(Action::SelfTest) => Command::SelfTest,
            Some(Action::Probe) => Command::Probe(Box::new(config)),
            Some(Action::PrintSandbox) => Command::Sandbox(Box::new(config)),
            Some(Action::PrintConfig) => Command::Print(print::text(&config, &base, &given)),
            _ => Command::Serve(Box::new(config)),
        })
    }
}

/// The variables that are ours, as text, those that are empty aside.
fn texts(vars: impl IntoIterator<Item = (OsString, OsString)>, wrong: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (name, value) in vars {
        let Ok(name) = name.into_string() else { continue };
        if !name.starts_with(given::PREFIX) || value.is_empty() {
            continue;
        }
        match value.into_string() {
            Ok(value) => {
                texts.insert(name, value);
            }
            Err(value) => wrong.push(format!("{name} is {value:?}, which is not UTF-8")),
        }
    }
    texts
}

/// The flags, into `flags` and `path`; the first action.
fn arguments(
    args: impl IntoIterator<Item = OsString>,
    flags: &mut Given,
    path: &mut Option<String>,
    wrong: &mut Vec<String>,
) -> Option<Action> {
    use lexopt::prelude::{Long, Short, Value};
    let mut parser = lexopt::Parser::from_args(args);
    let mut action = None;
    loop {
        let arg = match parser.next() {
            Ok(Some(arg)) => arg,
            Ok(None) => return action,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let asks = |long: Option<&str>, short: Option<char>| {
            let asked = |(name, letter, ..): &&(&str, Option<char>, Action, &str)| {
                long == Some(*name) || (short.is_some() && *letter == short)
            };
            ACTIONS.iter().find(asked).map(|(_, _, action, _)| *action)
        };
        let name = match arg {
            Long(name) => name.to_owned(),
            Short(letter) => {
                match asks(None, Some(letter)) {
                    Some(asked) => action = action.or(Some(asked)),
                    None => wrong.push(format!("-{letter} is no flag")),
                }
                continue;
            }
            Value(value) => {
                wrong.push(format!("{} is not expected: a service has flags alone", value.display()));
                continue;
            }
        };
        if let Some(asked) = asks(Some(&name), None) {
            action = action.or(Some(asked));
            continue;
        }
        let row = sections::rows().find(|row| row.name == name);
        if row.is_none() && name != CONFIG {
            let known =
                sections::rows().map(|row| row.name).chain(ACTIONS.iter().map(|(name, ..)| *name)).chain([CONFIG]);
            let near = nearest(&name, known).map_or(String::new(), |near| format!("; did you mean --{near}?"));
            wrong.push(format!("--{name} is no flag{near}"));
            // A value that was attached to it is no mistake of its own.
            let _unread = parser.optional_value();
            continue;
        }
        if let Some(row) = row.filter(|row| matches!(row.set, Set::Switch(_))) {
            let text = parser.optional_value().map_or("true".into(), |value| value.to_string_lossy().into_owned());
            flags.insert(row.name, (Origin::Flag(row.name), text));
            continue;
        }
        match parser.value().map(OsString::into_string) {
            Ok(Ok(text)) => match row {
                Some(row) => {
                    flags.insert(row.name, (Origin::Flag(row.name), text));
                }
                None => *path = Some(text),
            },
            Ok(Err(value)) => wrong.push(format!("--{name} is {value:?}, which is not UTF-8")),
            Err(_missing) => wrong.push(format!("--{name} wants a value")),
        }
    }
}

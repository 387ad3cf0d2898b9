//! What `build`, `run`, `test` and `check` pass on: cargo's arguments and, after the first `--`, the program's.
//!
//! Our own flags may stand anywhere before that `--`. To clap, whatever follows a first argument of cargo's is cargo's too, so the
//! two are sorted before clap reads them.

use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};

/// What clap calls the arguments that are passed on; a command that has them passes on.
const ID: &str = "passed";

/// Our flags that cargo has too: they hold for both.
const SHARED: [&str; 2] = ["quiet", "color"];

/// The arguments that a command passes on.
#[derive(Debug, clap::Args)]
pub(crate) struct Passed {
    /// Arguments for cargo and, after `--`, for what it runs
    #[arg(last = true, id = ID, value_name = "CARGO ARGS")]
    all: Vec<OsString>,
}

impl Passed {
    /// Those for cargo itself.
    pub(crate) fn cargo(&self) -> &[OsString] {
        &self.all[..end(&self.all)]
    }

    /// Those after `--`, without it: for the program or the tests.
    pub(crate) fn program(&self) -> &[OsString] {
        self.all.get(end(&self.all) + 1..).unwrap_or_default()
    }
}

/// The place of the first `--`, or the end.
fn end(args: &[OsString]) -> usize {
    args.iter().position(|arg| arg == "--").unwrap_or(args.len())
}

/// The command line with our own flags first and, after a `--`, what its command passes on. One whose command passes nothing on
/// stays as it is.
pub(crate) fn arrange(args: Vec<OsString>, mut cli: Command) -> Vec<OsString> {
    cli.build();
    let mut at = 1;
    while let Some((_, takes_value)) = args.get(at).and_then(|arg| own(&cli, arg)) {
        at += 1 + usize::from(takes_value);
    }
    let command = args.get(at).and_then(|name| cli.find_subcommand(name));
    let Some(command) = command.filter(|it| it.get_arguments().any(|arg| arg.get_id() == ID)) else { return args };
    let rest = &args[at + 1..];
    let (mut ours, mut passed) = (args[..=at].to_vec(), vec![]);
    let mut before = rest[..end(rest)].iter();
    while let Some(arg) = before.next() {
        let Some((flag, takes_value)) = own(command, arg) else {
            passed.push(arg.clone());
            continue;
        };
        let value = if takes_value { before.next() } else { None };
        let words: Vec<OsString> = std::iter::once(arg).chain(value).cloned().collect();
        if SHARED.contains(&flag.get_id().as_str()) {
            passed.extend(words.iter().cloned());
        }
        ours.extend(words);
    }
    passed.extend_from_slice(&rest[end(rest)..]);
    [ours, vec!["--".into()], passed].concat()
}

/// The flag of `command` that `arg` is, and whether its value is the next argument.
fn own<'c>(command: &'c Command, arg: &OsStr) -> Option<(&'c Arg, bool)> {
    let arg = arg.to_str()?;
    let (name, value) = arg.split_once('=').map_or((arg, None), |(name, value)| (name, Some(value)));
    let is = |flag: &&Arg| {
        let long = name.strip_prefix("--").is_some_and(|name| flag.get_long() == Some(name));
        let short =
            name.strip_prefix('-').is_some_and(|name| flag.get_short().is_some_and(|it| name == it.to_string()));
        long || short
    };
    let flag = command.get_arguments().find(is)?;
    Some((flag, flag.get_action().takes_values() && value.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn our_flags_come_first_and_the_rest_after_a_separator() {
        for (given, expected) in [
            ("run -p x -- --listen :0", "run -- -p x -- --listen :0"),
            ("run -p x --dev -- --dev", "run --dev -- -p x -- --dev"),
            ("run -- --format json", "run -- -- --format json"),
            ("--format json build -p x", "--format json build -- -p x"),
            ("build -p x --format json --release", "build --format json -- -p x --release"),
            ("build --format=json -p x", "build --format=json -- -p x"),
            ("build --message-format json", "build -- --message-format json"),
            ("test -q -p x --dev", "test -q -- -q -p x --dev"),
            ("check --color never", "check --color never -- --color never"),
            ("check --help", "check --help --"),
            ("lock -- query-encoder", "lock -- query-encoder"),
            ("--format", "--format"),
            ("", ""),
        ] {
            let words = |line: &str| -> Vec<OsString> {
                ["cargo-modeldeploy"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect()
            };
            assert_eq!(arrange(words(given), Cli::command()), words(expected), "{given}");
        }
    }

    #[test]
    fn the_program_gets_what_follows_the_first_separator() {
        for (all, cargo, program) in [
            (&["-p", "x", "--", "a", "--", "b"][..], &["-p", "x"][..], &["a", "--", "b"][..]),
            (&["-p", "x"], &["-p", "x"], &[]),
            (&["--", "a"], &[], &["a"]),
            (&[], &[], &[]),
        ] {
            let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
            let passed = Passed { all: words(all) };
            assert_eq!((passed.cargo(), passed.program()), (&words(cargo)[..], &words(program)[..]));
        }
    }
}

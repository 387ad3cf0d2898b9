//! A wrong command line, told in the form that it asks for itself.

use crate::cli::Cli;
use crate::passed;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::process::ExitCode;

/// Reads the command line. What is wrong with it has been said where this gives an exit status; so has the help.
pub(crate) fn parse(args: Vec<OsString>) -> Result<Cli, ExitCode> {
    let args = passed::arrange(args, Cli::command());
    Cli::try_parse_from(&args).map_err(|error| {
        // A closed stderr is no reason for another exit status.
        let _unheard = if error.use_stderr() && asks_for_json(&args) {
            use std::io::Write;
            writeln!(anstream::stderr(), "{}", facts(&error))
        } else {
            error.print()
        };
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// Whether `--format json` stands before what is passed on.
fn asks_for_json(args: &[OsString]) -> bool {
    let own: Vec<&str> = args.iter().take_while(|arg| *arg != "--").filter_map(|arg| arg.to_str()).collect();
    own.contains(&"--format=json") || own.windows(2).any(|pair| pair == ["--format", "json"])
}

/// As other errors are told to programs. clap says what is wrong, then tips, then the usage, with empty lines between them.
fn facts(error: &clap::Error) -> Value {
    let text = error.render().to_string();
    let mut parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let what = match error.kind() {
        // All that clap says then is the help.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "the command line is not complete".to_owned(),
        _ => parts.next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    let parts: Vec<String> = parts.collect();
    let tip = parts.iter().find_map(|part| part.strip_prefix("tip: "));
    let usage = || parts.iter().find(|part| part.starts_with("Usage: ")).map(String::as_str);
    json!({"error": what, "code": null, "place": null, "help": tip.or_else(usage)})
}

//! `cargo modeldeploy`: trained models as compiled dependencies of a service.
//!
//! Each command is a module of `commands` with its `Args` and a `run`; results go to stdout, all else to stderr.

#![forbid(unsafe_code)]

mod advisories;
mod around;
mod attaching;
mod audited;
mod believed;
mod beside;
mod bill;
mod built;
mod cargo;
mod cli;
mod commands;
mod crates;
mod dated;
mod embedded;
mod exit;
mod figures;
mod flags;
mod governed;
mod imaged;
mod labels;
mod output;
mod passed;
mod progress;
mod pushed;
mod rebuild;
mod running;
mod settings;
mod shipped;
mod sources;
mod usage;
mod weights;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    // As a cargo subcommand the first argument is the subcommand's own name.
    let mut args: Vec<_> = std::env::args_os().collect();
    if args.get(1).is_some_and(|arg| arg == "modeldeploy") {
        args.remove(1);
    }
    let cli = match usage::parse(args) {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    cli.color.write_global();
    let (mut out, mut err) = (anstream::stdout(), anstream::stderr());
    let mut output = output::Output::new(&mut out, &mut err, cli.format, cli.quiet);
    match commands::run(cli.command, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&mut output),
    }
}

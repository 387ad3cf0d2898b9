//! The commands: a module each, with its `Args` and its `run`.

mod check;
mod completions;
mod explain;
mod init;

use crate::exit::Failure;
use crate::output::Output;
use clap::Subcommand;

/// The commands, in the order in which a user meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prepare a package for models
    Init(init::Args),
    /// Call `cargo check`: models are known by the lock, no weights are needed
    Check(check::Args),
    /// Say what an error means and what to do
    Explain(explain::Args),
    /// Write completions for a shell
    Completions(completions::Args),
}

/// Runs a command.
pub(crate) fn run(command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init::run(&args, output),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
    }
}

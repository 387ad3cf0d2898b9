//! Cargo, called with the user's other arguments.

use crate::exit::Failure;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use std::ffi::OsString;
use std::process::Command;

/// Cargo could not be started.
pub(crate) const CARGO: Code = Code("MD0901");

/// The cargo that called this program, or the one on the path.
pub(crate) fn command(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    command
}

/// Runs `cargo subcommand args…` with this process's own input and output.
///
/// # Errors
///
/// Cargo's exit status where it is not zero, or that it could not be started.
pub(crate) fn call(subcommand: &str, args: &[OsString]) -> Result<(), Failure> {
    let mut command = command(subcommand);
    command.args(args);
    let status = command.status().map_err(|error| {
        Diagnostic::new(CARGO, format!("cargo cannot be started: {error}"))
            .at(command.get_program().to_string_lossy())
            .help("install Rust from https://rustup.rs, or set CARGO to the program's path")
    })?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(Failure::Cargo(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(101))),
    }
}

//! Cargo, called with the user's other arguments.

use crate::exit::Failure;
use cargo_metadata::{Message, Package};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use std::ffi::OsString;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// Cargo could not be started.
pub(crate) const CARGO: Code = Code("MD0901");

/// The cargo that called this program, or the one on the path.
pub(crate) fn command(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    command
}

/// Runs `cargo subcommand args… -- program…` with this process's own input and output.
///
/// # Errors
///
/// Cargo's exit status where it is not zero, or that it could not be started.
pub(crate) fn call(subcommand: &str, args: &[OsString], program: &[OsString]) -> Result<(), Failure> {
    let mut command = command(subcommand);
    command.args(args);
    if !program.is_empty() {
        command.arg("--").args(program);
    }
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    outcome(status)
}

/// A program that cargo made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its file.
    pub(crate) path: PathBuf,
    /// The name of its package.
    pub(crate) package: String,
    /// Whether models are linked into it, as they are where debug assertions are off; else they are mapped when it runs.
    pub(crate) links: bool,
}

/// Runs `cargo build args…` and gives the programs that it made or found fresh; `packages` are those of the workspace. Where the user
/// asked for messages of another form, they get them, and no programs are known.
///
/// # Errors
///
/// As [`call`].
pub(crate) fn build(args: &[OsString], packages: &[Package]) -> Result<Vec<Program>, Failure> {
    if args.iter().any(|arg| arg.to_string_lossy().starts_with("--message-format")) {
        return call("build", args, &[]).map(|()| vec![]);
    }
    let mut command = command("build");
    command.arg("--message-format=json-render-diagnostics").args(args).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    let mut programs = vec![];
    let said = BufReader::new(child.stdout.take().expect("its output is piped"));
    for message in Message::parse_stream(said).map_while(Result::ok) {
        if let Message::CompilerArtifact(artifact) = message {
            let Some(path) = artifact.executable.map(PathBuf::from) else { continue };
            let package = packages.iter().find(|package| package.id == artifact.package_id);
            let package = package.map_or(String::new(), |package| package.name.to_string());
            programs.push(Program {
                path,
                package,
                links: !artifact.profile.debug_assertions && !artifact.profile.test,
            });
        }
    }
    let status = child.wait().map_err(|error| not_started(&command, &error))?;
    outcome(status).map(|()| programs)
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Diagnostic::new(CARGO, format!("cargo cannot be started: {error}"))
        .at(command.get_program().to_string_lossy())
        .help("install Rust from https://rustup.rs, or set CARGO to the program's path")
        .into()
}

fn outcome(status: ExitStatus) -> Result<(), Failure> {
    match status.code() {
        Some(0) => Ok(()),
        code => Err(Failure::Cargo(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(101))),
    }
}

//! Cargo, called with the user's other arguments.

use crate::exit::Failure;
use crate::output::Output;
use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{CompilerMessage, Message, Package};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{BufReader, Read};
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

/// Runs `cargo check args…`, tells a program what the compiler says, and gives the number of warnings.
///
/// # Errors
///
/// As [`call`].
pub(crate) fn check(args: &[OsString], output: &mut Output<'_>) -> Result<usize, Failure> {
    let mut command = command("check");
    command.args(args).args(["--quiet", "--message-format=json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    let mut own = child.stderr.take().expect("its errors are piped");
    let own = std::thread::spawn(move || {
        let mut text = vec![];
        // What can be read of it is told.
        let _cut = own.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let (mut errors, mut warnings) = (0, 0);
    let said = BufReader::new(child.stdout.take().expect("its output is piped"));
    for message in Message::parse_stream(said).map_while(Result::ok) {
        let Message::CompilerMessage(CompilerMessage { message, .. }) = message else { continue };
        let kind = match message.level {
            DiagnosticLevel::Error | DiagnosticLevel::Ice => "error",
            DiagnosticLevel::Warning => "warning",
            _ => continue,
        };
        // At the end the compiler counts what it has said.
        if message.spans.is_empty() && message.code.is_none() && message.children.is_empty() {
            continue;
        }
        *if kind == "error" { &mut errors } else { &mut warnings } += 1;
        output.fact(&fact(kind, &message));
    }
    let status = child.wait().map_err(|error| not_started(&command, &error))?;
    let own = own.join().unwrap_or_default();
    if !status.success() && errors == 0 {
        // The compiler was not asked, or could not be.
        let own = own.trim();
        output.error(own.strip_prefix("error: ").unwrap_or(own));
    }
    outcome(status).map(|()| warnings)
}

/// What the compiler says, in the shape of our own errors.
fn fact(kind: &str, message: &cargo_metadata::diagnostic::Diagnostic) -> Value {
    let place = message.spans.iter().find(|span| span.is_primary);
    let place = place.map(|span| format!("{}:{}:{}", span.file_name, span.line_start, span.column_start));
    let help = message.children.iter().find(|child| child.level == DiagnosticLevel::Help);
    json!({
        kind: message.message,
        "code": message.code.as_ref().map(|code| &code.code),
        "place": place,
        "help": help.map(|help| &help.message),
    })
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

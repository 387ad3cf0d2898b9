//! Cargo, called with the user's other arguments.

use crate::exit::Failure;
use crate::flags;
use crate::output::Output;
use crate::shipped::Shipped;
use cargo_metadata::diagnostic::DiagnosticLevel;
use cargo_metadata::{CompilerMessage, Message, Package};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_format::variables;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// Cargo could not be started.
pub(crate) const CARGO: Code = Code("MD0901");

/// The cargo that called this program, or the one on the path. What is built to be shipped is linked.
fn command(subcommand: &str, args: &[OsString], shipped: Option<&Shipped>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if flags::ships(args) {
        command.env(variables::LINK, "1");
    }
    command.arg(subcommand);
    shipped.inspect(|shipped| shipped.set(&mut command));
    command.args(args);
    command
}

/// Runs `cargo subcommand args… -- program…` with this process's own input and output.
///
/// # Errors
///
/// Cargo's exit status where it is not zero, or that it could not be started.
pub(crate) fn call(
    subcommand: &str,
    args: &[OsString],
    shipped: Option<&Shipped>,
    program: &[OsString],
) -> Result<(), Failure> {
    let mut command = command(subcommand, args, shipped);
    if !program.is_empty() {
        command.arg("--").args(program);
    }
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    outcome(status)
}

/// Runs a finished program with this process's own input and output.
///
/// # Errors
///
/// Its exit status where it is not zero, or that it could not be started.
pub(crate) fn start(program: &Program, args: &[OsString]) -> Result<(), Failure> {
    let status = Command::new(&program.path).args(args).status().map_err(|error| {
        let what = format!("the program cannot be started: {error}");
        Diagnostic::new(CARGO, what).at(program.path.display().to_string()).help("build it for this machine")
    })?;
    outcome(status)
}

/// A program that cargo made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its file.
    pub(crate) path: PathBuf,
    /// The name of its package.
    pub(crate) package: String,
    /// Whether models are linked into it; else they are mapped when it runs.
    pub(crate) links: bool,
}

/// Runs `cargo build args…` and gives the programs that it made or found fresh; `packages` are those of the workspace. Who asks for
/// messages as JSON reads them on stdout as cargo writes them.
///
/// # Errors
///
/// As [`call`], and that stdout cannot be written.
pub(crate) fn build(
    args: &[OsString],
    shipped: Option<&Shipped>,
    packages: &[Package],
) -> Result<Vec<Program>, Failure> {
    let (formats, args) = flags::message_formats(args);
    let (asked, passed_on) = json_messages(&formats);
    let mut command = command("build", &args, shipped);
    command.arg(asked).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    let mut programs = vec![];
    let said = BufReader::new(child.stdout.take().expect("its output is piped"));
    for line in said.lines().map_while(Result::ok) {
        if passed_on {
            writeln!(std::io::stdout(), "{line}")?;
        }
        if let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(&line) {
            let Some(path) = artifact.executable.map(PathBuf::from) else { continue };
            let package = packages.iter().find(|package| package.id == artifact.package_id);
            let package = package.map_or(String::new(), |package| package.name.to_string());
            programs.push(Program {
                path,
                package,
                links: !artifact.profile.test && (!artifact.profile.debug_assertions || flags::ships(&args)),
            });
        }
    }
    let status = child.wait().map_err(|error| not_started(&command, &error))?;
    outcome(status).map(|()| programs)
}

/// The messages to ask cargo for, of which it is read which programs it made, and whether the user gets them as they are. People
/// read the same as without: cargo shows them what the compiler says.
fn json_messages(formats: &[String]) -> (String, bool) {
    let asked = match formats.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["human"] => "json-render-diagnostics",
        ["short"] => "json-render-diagnostics,json-diagnostic-short",
        _ => return (format!("--message-format={}", formats.join(",")), true),
    };
    (format!("--message-format={asked}"), false)
}

/// Runs `cargo check args…`, tells a program what the compiler says, and gives the number of warnings.
///
/// # Errors
///
/// As [`call`].
pub(crate) fn check(args: &[OsString], output: &mut Output<'_>) -> Result<usize, Failure> {
    // Its own words are for programs, whatever else was asked for.
    let (_, args) = flags::message_formats(&flags::without_verbosity(args));
    let mut command = command("check", &args, None);
    command.args(["--quiet", "--message-format=json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_json_whatever_is_asked_for() {
        for (formats, asked, passed_on) in [
            (&[][..], "json-render-diagnostics", false),
            (&["human"], "json-render-diagnostics", false),
            (&["short"], "json-render-diagnostics,json-diagnostic-short", false),
            (&["json"], "json", true),
            (&["json", "json-diagnostic-short"], "json,json-diagnostic-short", true),
            // Cargo says what is wrong with it.
            (&["loud"], "loud", true),
        ] {
            let formats: Vec<String> = formats.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(json_messages(&formats), (format!("--message-format={asked}"), passed_on));
        }
    }
}

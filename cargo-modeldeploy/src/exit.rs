//! What the process's exit status says. The numbers are never changed.

use crate::governed;
use crate::output::Output;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::{gate, pipeline};
use std::process::ExitCode;

/// The table at the end of `--help`.
pub(crate) const TABLE: &str = "\
Exit status:
    0  done
    1  something given is wrong or absent; each error has a number, see `explain`
    2  the command line is wrong
    3  a model is under its gate
    4  the lock is not what the manifests and the model files say (`lock --check`, `build`)
    5  a result could not be written
    6  a model breaks a rule of the policy in modeldeploy.toml
  101  cargo itself, or the program that `run` started, failed; other numbers are the program's own";

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 1: what is wrong, all of it.
    Wrong(Vec<Diagnostic>),
    /// 3: the models that are under their gates, each with its reasons.
    Gate(Vec<Diagnostic>),
    /// 4: what differs.
    Stale(Vec<Diagnostic>),
    /// 6: the rules of the policy that models break.
    Policy(Vec<Diagnostic>),
    /// 5: a result could not be written.
    Write(std::io::Error),
    /// The exit status of cargo or of the program; it has said why itself.
    Cargo(u8),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::Wrong(_) => 1,
            Failure::Gate(_) => 3,
            Failure::Stale(_) => 4,
            Failure::Write(_) => 5,
            Failure::Policy(_) => 6,
            Failure::Cargo(code) => *code,
        }
    }

    /// Says what is wrong and gives the exit status.
    pub(crate) fn report(self, output: &mut Output<'_>) -> ExitCode {
        match &self {
            Failure::Wrong(diagnostics)
            | Failure::Gate(diagnostics)
            | Failure::Stale(diagnostics)
            | Failure::Policy(diagnostics) => output.diagnostics(diagnostics),
            // A reader that closed the pipe early, as `head` does, is no news to anybody.
            Failure::Write(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            Failure::Write(error) => output.error(&format!("a result could not be written: {error}")),
            Failure::Cargo(_) => {}
        }
        ExitCode::from(self.code())
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        Failure::from(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Failure {
        let all = |code| !diagnostics.is_empty() && diagnostics.iter().all(|diagnostic| diagnostic.code == code);
        if all(gate::UNDER) {
            Failure::Gate(diagnostics)
        } else if all(pipeline::STALE) {
            Failure::Stale(diagnostics)
        } else if !diagnostics.is_empty() && diagnostics.iter().all(|it| governed::RULES.contains(&it.code)) {
            Failure::Policy(diagnostics)
        } else {
            Failure::Wrong(diagnostics)
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Write(error)
    }
}

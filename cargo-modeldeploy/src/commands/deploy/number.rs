//! The number of each kind of problem, by which `explain` knows it.

use crate::exit::Failure;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_deploy::{Kind, Problem};

/// The number of a kind.
fn code(kind: Kind) -> Code {
    match kind {
        Kind::Settings => Code("MD1301"),
        Kind::Name => Code("MD1302"),
        Kind::Image => Code("MD1303"),
        Kind::Layout => Code("MD1304"),
        Kind::Template => Code("MD1305"),
        Kind::Memory => Code("MD1306"),
        Kind::Absent => Code("MD1307"),
        Kind::File => Code("MD1308"),
        Kind::Unreachable => Code("MD1309"),
        Kind::Forbidden => Code("MD1310"),
        Kind::Conflict => Code("MD1311"),
        Kind::Invalid => Code("MD1312"),
        Kind::Rollout => Code("MD1313"),
        Kind::Drift => Code("MD1314"),
    }
}

fn diagnostic(problem: Problem) -> Diagnostic {
    let Problem { kind, message, place, help } = problem;
    Diagnostic { code: code(kind), message, place, help }
}

/// Problems as a command reports them.
pub(super) fn failure(problems: impl IntoIterator<Item = Problem>) -> Failure {
    Failure::from(problems.into_iter().map(diagnostic).collect::<Vec<_>>())
}

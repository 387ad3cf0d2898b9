//! The errors of registries with their numbers.

use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_registry::{Error, Kind};

const REFERENCE: Code = Code("MD1501");
const NO_VERSION: Code = Code("MD1502");
const YANKED: Code = Code("MD1503");
const UNREACHABLE: Code = Code("MD1504");
const CREDENTIALS: Code = Code("MD1505");
const LIE: Code = Code("MD1506");
const ABSENT: Code = Code("MD1507");
const UNPUBLISHABLE: Code = Code("MD1508");
const IO: Code = Code("MD1509");

/// A model whose pin cannot be moved: its source is a folder, it is not locked, or there is no pin to go back to.
pub(crate) const UNCHANGED: Code = Code("MD1511");

/// An error of a registry as the command tells it.
pub(crate) fn diagnostic(error: Error) -> Diagnostic {
    let Error { kind, message, place, help } = error;
    let code = match kind {
        Kind::Reference => REFERENCE,
        Kind::NoVersion => NO_VERSION,
        Kind::Yanked => YANKED,
        Kind::Unreachable => UNREACHABLE,
        Kind::Credentials => CREDENTIALS,
        Kind::Lie => LIE,
        Kind::Absent => ABSENT,
        Kind::Unpublishable => UNPUBLISHABLE,
        Kind::Io => IO,
    };
    Diagnostic { code, message, place, help }
}

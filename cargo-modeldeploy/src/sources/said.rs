//! The errors of registries with their numbers.

use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_registry::{Error, Kind};

const REFERENCE: Code = Code("MD1010");
const NO_VERSION: Code = Code("MD1011");
const YANKED: Code = Code("MD1012");
const UNREACHABLE: Code = Code("MD1013");
const CREDENTIALS: Code = Code("MD1014");
const LIE: Code = Code("MD1015");
const ABSENT: Code = Code("MD1016");
const UNPUBLISHABLE: Code = Code("MD1017");
const IO: Code = Code("MD1018");

/// A model whose pin cannot be moved: its source is a folder, it is not locked, or there is no pin to go back to.
pub(crate) const UNCHANGED: Code = Code("MD1020");

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

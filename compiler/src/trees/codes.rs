//! The numbers of errors in files of trees: 16xx, but for two that are the features'.

use crate::diagnostic::{Code, Diagnostic};

/// No format of trees that is known.
pub const NOT_TREES: Code = Code("MD1601");
/// A file that is cut short, or lacks what its format must have.
pub const MALFORMED: Code = Code("MD1602");
/// Nodes that are no tree, or a number that cannot be.
pub const BAD_TREE: Code = Code("MD1603");
/// Something that this program does not compute.
pub const UNSUPPORTED: Code = Code("MD1604");

/// What was packed gives other scores than the model: never the user's fault.
pub const NO_PARITY: Code = Code("MD1607");

/// The one error of a file that cannot be read on.
pub(super) fn malformed(place: &str, why: impl Into<String>) -> Vec<Diagnostic> {
    let help = "export the model again, as its library writes it";
    vec![Diagnostic::new(MALFORMED, why).at(place).help(help)]
}

/// The one error of a model that asks for more than is computed.
pub(super) fn unsupported(place: &str, what: impl Into<String>) -> Vec<Diagnostic> {
    let help = "`cargo modeldeploy explain MD1604` lists what is supported";
    vec![Diagnostic::new(UNSUPPORTED, what).at(place).help(help)]
}

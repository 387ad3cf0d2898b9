//! How weights get into a program that is built to be shipped, where somebody says it: `--attach` or `--detached`.

use crate::exit::Failure;
use crate::flags;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use std::ffi::OsString;

/// What is asked of a build that has no weights.
const NOT_SHIPPED: Code = Code("MD1401");

/// The variable that tells `#[model]`.
pub(crate) const VARIABLE: &str = "MODELDEPLOY_WEIGHTS";

/// What tests of much weight are built with: no test is a program that something is attached to.
pub(crate) const STORED: &str = "stored";

#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Attach the weights to the linked program as a segment of its own, as is done unasked past 512 MB
    #[arg(long, conflicts_with = "detached")]
    attach: bool,
    /// Leave the packs of models in PROGRAM.packs beside the program, which proves their digests when it starts
    #[arg(long)]
    detached: bool,
}

impl Wanted {
    /// The value of the variable, if something was asked for. `args` are cargo's.
    pub(crate) fn asked(&self, args: &[OsString]) -> Result<Option<&'static str>, Failure> {
        let (flag, asked) = match (self.attach, self.detached) {
            (true, _) => ("--attach", "attached"),
            (_, true) => ("--detached", "detached"),
            _ => return Ok(None),
        };
        if flags::ships(args) {
            return Ok(Some(asked));
        }
        let message =
            format!("`{flag}` says how weights go with a program that is shipped, and this build is for development");
        Err(Diagnostic::new(NOT_SHIPPED, message).help(format!("cargo modeldeploy build --release {flag}")).into())
    }
}

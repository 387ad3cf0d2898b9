//! How weights get into a program that is built to be shipped, where somebody says it: `--attach` or `--detached`.

use crate::exit::Failure;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_format::variables;

/// What is asked of a build that has no weights.
const NOT_SHIPPED: Code = Code("MD1401");

/// What tests of much weight are built with: no test is a program that something is attached to.
pub(crate) const STORED: &str = "stored";

/// The flags, and what each asks for.
const WAYS: [(&str, &str); 2] = [("--attach", "attached"), ("--detached", "detached")];

/// The packs stay files beside the program.
pub(crate) const DETACHED: &str = WAYS[1].1;

/// The flag that asks for this.
pub(crate) fn flag(asked: &str) -> Option<&'static str> {
    WAYS.iter().find(|(_, it)| *it == asked).map(|(flag, _)| *flag)
}

/// What the environment asks for, if a flag could have.
pub(crate) fn of_environment() -> Option<&'static str> {
    let asked = std::env::var(variables::PLACE).ok()?;
    WAYS.iter().find(|(_, it)| *it == asked).map(|(_, asked)| *asked)
}

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
    /// The value of the variable, if something was asked for of a build that is shipped or not.
    pub(crate) fn asked(&self, is_shipped: bool) -> Result<Option<&'static str>, Failure> {
        let (flag, asked) = match (self.attach, self.detached) {
            (true, _) => WAYS[0],
            (_, true) => WAYS[1],
            _ => return Ok(None),
        };
        if is_shipped {
            return Ok(Some(asked));
        }
        let message =
            format!("`{flag}` says how weights go with a program that is shipped, and this build is for development");
        Err(Diagnostic::new(NOT_SHIPPED, message).help(format!("cargo modeldeploy build --release {flag}")).into())
    }
}

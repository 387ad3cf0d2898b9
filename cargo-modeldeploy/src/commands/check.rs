//! `check`: cargo's own. The macro reads `Model.lock` alone, so nothing has to be made first.

use crate::cargo;
use crate::exit::Failure;
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy check
  cargo modeldeploy check -p shop --tests";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Arguments for `cargo check`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CARGO ARGS")]
    args: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    cargo::call("check", &args.args)
}

//! `test`: cargo's own, with the packs in the store, from where tests map them.

use super::build;
use crate::cargo;
use crate::exit::Failure;
use crate::output::Output;
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy test
  cargo modeldeploy test -p shop -- --nocapture";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Arguments for `cargo test`
    #[arg(allow_hyphen_values = true, value_name = "CARGO ARGS")]
    args: Vec<OsString>,
    /// Arguments for the tests
    #[arg(last = true, value_name = "TEST ARGS")]
    tests: Vec<OsString>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    build::prepare(&args.args, output)?;
    let mut cargo_args = args.args.clone();
    if !args.tests.is_empty() {
        cargo_args.push("--".into());
        cargo_args.extend(args.tests.iter().cloned());
    }
    cargo::call("test", &cargo_args)
}

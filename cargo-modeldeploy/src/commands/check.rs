//! `check`: cargo's own. The macro reads `Model.lock` alone, so nothing has to be made first.

use crate::cargo;
use crate::exit::Failure;
use crate::passed::Passed;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy check
  cargo modeldeploy check -p shop --tests";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "cargo modeldeploy check [OPTIONS] [CARGO ARGS]...")]
pub(crate) struct Args {
    #[command(flatten)]
    passed: Passed,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    cargo::call("check", args.passed.cargo(), args.passed.program())
}

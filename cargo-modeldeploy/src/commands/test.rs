//! `test`: cargo's own, with the packs in the store, from where tests map them.

use super::build;
use crate::cargo;
use crate::exit::Failure;
use crate::output::Output;
use crate::passed::Passed;
use crate::shipped::Linking;
use crate::weights;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy test
  cargo modeldeploy test -p shop -- --nocapture";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "cargo modeldeploy test [OPTIONS] [CARGO ARGS]... [-- TEST ARGS...]")]
pub(crate) struct Args {
    #[command(flatten)]
    passed: Passed,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let prepared = build::prepare(args.passed.cargo(), output)?;
    let weights = prepared.is_too_much_to_link().then_some(weights::STORED);
    let linking = Linking { weights, ..Linking::default() };
    let shipped = prepared.shipped(args.passed.cargo(), linking, output)?;
    cargo::call("test", args.passed.cargo(), shipped.as_ref(), args.passed.program())
}
